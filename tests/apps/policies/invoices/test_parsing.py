"""An invoice's file is read strictly, and every problem says on which line it is."""

import pytest

from apps.policies.invoices import MAX_BYTES, Unreadable
from apps.policies.invoices.parsing import MAX_LINES, MAX_PROBLEMS, parse
from tests.apps.policies.invoices.made import HEAD, MODEL, content, line


def problems(raw: bytes) -> list[str]:
    with pytest.raises(Unreadable) as wrong:
        parse(raw)
    return [str(problem) for problem in wrong.value.problems]


def test_amounts_are_read_to_the_nano_dollar() -> None:
    read = parse(content(line("input", "12", "0.000000001"), line("requests", "3", "1000000000")))
    assert read.provider == "google"
    assert [(one.model, one.token_class, one.quantity, one.amount_nano_usd)
            for one in read.lines] == [
        (MODEL, "input", 12, 1), (MODEL, "requests", 3, 10**18)]  # fmt: skip


def test_a_byte_order_mark_and_carriage_returns_are_what_spreadsheets_write() -> None:
    raw = b"\xef\xbb\xbf" + content(line()).replace(b"\n", b"\r\n")
    assert parse(raw) == parse(content(line()))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (line(usd="1e3"), "`amount_usd`"),
        (line(usd="0.0000000001"), "more than 9 decimal places"),
        (line(usd="-1.00"), "`amount_usd`"),
        (line(usd="1000000000.01"), "at most 1000000000"),
        (line(usd="NaN"), "`amount_usd`"),
        (line(quantity="1.5"), "`quantity`"),
        (line(quantity="1" * 16), "`quantity`"),
        (line("tokens"), "`token_class` is one of input, output"),
        (line(model="=HYPERLINK(1)"), "`model`"),
        (line(model="@sum"), "`model`"),
        (line(provider="=google"), "`provider`"),
        (line(days="2026-03-10,2026-03-09"), "not before"),
        (line(days="2026-02-30,2026-03-09"), "no day of the calendar"),
        (line(days="10.3.2026,11.3.2026"), "days like 2026-01-31"),
        (line(days="2025-01-01,2026-03-09"), "within 366 days"),
        ("google,model", "2 fields and not 7"),
        ("", "0 fields and not 7"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(wrong: str, said: str) -> None:
    [problem] = problems(content(line("output"), wrong, line()))
    assert problem.startswith("line 3: ")
    assert said in problem


def test_all_wrong_lines_are_told_at_once_up_to_a_limit() -> None:
    assert len(problems(content(*[line("x")] * 3))) == 3
    assert len(problems(content(*[line("x")] * 50))) == MAX_PROBLEMS


def test_a_class_is_billed_once_and_a_file_is_for_one_provider_and_period() -> None:
    told = problems(content(line(), line(), line("output", provider="openai")))
    assert [one.split(":")[0] for one in told] == ["line 3", "line 4"]
    assert "earlier line" in told[0]
    assert "one provider's for one period" in told[1]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "line 1: the header"),
        (HEAD.upper().encode(), "line 1: the header"),
        (HEAD.encode(), "no lines below"),
        (b"\xff\xfe", "no UTF-8"),
        (content('google,"model'), "no CSV"),
        (b"x" * (MAX_BYTES + 1), "more than 1048576 bytes"),
        (content(*(line(model=f"m{n}") for n in range(MAX_LINES + 1))), "more than 5000 lines"),
    ],
)
def test_what_is_no_invoice_at_all_is_told_so(raw: bytes, said: str) -> None:
    [problem] = problems(raw)
    assert said in problem
