"""Small pieces of plain English, so that every explanation speaks in one voice."""

from collections.abc import Sequence
from functools import lru_cache

NANO_PER_USD = 1_000_000_000


def any_of(words: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"


def all_of(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def capitalised(sentence: str) -> str:
    """With its first letter large and the rest as it is (`str.capitalize` lowers it)."""
    return sentence[:1].upper() + sentence[1:]


def lowered(sentence: str) -> str:
    """With its first letter small, to stand inside another sentence."""
    return sentence[:1].lower() + sentence[1:]


def dollars(nano_usd: int) -> str:
    """`$0.02`, `$0.000123`: exact, with at least two decimals."""
    whole, rest = divmod(nano_usd, NANO_PER_USD)
    decimals = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"${whole}.{decimals}"


@lru_cache(maxsize=2_048)
def decimal(thousandths: int) -> str:
    """`0.70` for 700. Remembered: scores are the same thousand numbers over and over."""
    return f"{thousandths / 1000:.3f}".removesuffix("0")
