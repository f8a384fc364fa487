import pytest

from apps.traces.moments import parse_moment
from apps.traces.words import seconds, usd

NOW_MS = 1_760_000_000_000


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [
        (0, "$0.000000"),
        (1, "<$0.000001"),
        (1_500, "$0.000002"),
        (1_234_567_890, "$1.234568"),
    ],
)
def test_an_amount_is_shown_with_six_decimals_and_never_as_nothing(
    nano_usd: int, text: str
) -> None:
    assert usd(nano_usd) == text


def test_durations_are_read_at_a_glance() -> None:
    assert [seconds(ms) for ms in (40, 1234, 95_400)] == ["40 ms", "1.2 s", "95 s"]


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-02", 86_400_000),
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01 00:00:01.500", 1500),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1970-01-01T02:00:00 02:00", 0),
        ("now", NOW_MS),
        ("now-6h", NOW_MS - 6 * 3_600_000),
    ],
)
def test_a_moment_can_be_written_in_any_of_these_ways(text: str, ms: int) -> None:
    assert parse_moment(text, NOW_MS) == ms


@pytest.mark.parametrize("text", ["", "yesterday", "now-6y", "1969-12-31", "2026-13-01", "9" * 40])
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_moment(text, NOW_MS)
