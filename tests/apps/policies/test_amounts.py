"""Decimal strings and whole numbers, exactly, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.policies.amounts import NANO, parse, written


@given(st.integers(0, 10**20))
def test_what_was_written_is_read_back_exactly(nano_usd: int) -> None:
    assert parse(written(nano_usd, NANO), NANO) == nano_usd


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [
        (0, "0"),
        (150_000_000, "0.15"),
        (75_000_000, "0.075"),
        (3 * 10**9, "3.00"),
        (1, "0.000000001"),
    ],
)
def test_amounts_are_written_as_people_write_prices(nano_usd: int, text: str) -> None:
    assert written(nano_usd, NANO) == text


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1e3", "1.", ".5", "1,5", " 1", "1\n", "٣", "nan"]
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        parse(text, NANO)


def test_what_would_have_to_be_rounded_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 9 decimal places"):
        parse("0.0000000001", NANO)
