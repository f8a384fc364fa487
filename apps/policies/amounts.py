"""Amounts between the file's decimal strings and the integers everything else reckons with."""

import re
from decimal import Decimal

NANO = 9
"""Decimal places of a nano-USD; also of a nano-USD per million tokens."""
THOUSANDTHS = 3

_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,18})?", re.ASCII)


def parse(text: str, places: int) -> int:
    """`"0.15"` as a whole number of 10^-`places`. Raises ValueError when it is not exact."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f'{text!r} is no amount; write one like "0.15"')
    scaled = Decimal(text).scaleb(places)
    if scaled != int(scaled):
        raise ValueError(f"{text} has more than {places} decimal places")
    return int(scaled)


def written(amount: int, places: int, shown: int = 2) -> str:
    """`amount` as the file writes it, with at least `shown` decimal places; zero is "0"."""
    if not amount:
        return "0"
    whole, _, fraction = f"{Decimal(amount).scaleb(-places):f}".partition(".")
    fraction = fraction.rstrip("0").ljust(shown, "0")
    return f"{whole}.{fraction}" if fraction else whole
