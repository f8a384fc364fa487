"""Two prices of one deployment beside each other, class of token by class of token."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from apps.catalog.models import TOKEN_CLASSES
from apps.policies import amounts
from apps.policies.export import Entry

TITLES = {
    "input": "Input",
    "output": "Output",
    "cached_input": "Cached read",
    "cache_write": "Cache write",
    "reasoning": "Reasoning",
    "request": "Each request",
}
"""How people call what is billed; the last one is no class of token."""

_BILLED_AS = {"cached_input": "input", "cache_write": "input", "reasoning": "output"}
"""What a class costs that has no price of its own."""


class Row(Struct, frozen=True):
    """A class before and after, in nano-USD (per million tokens, or per request). `was` is None
    where there was no price at all. `above`: for inputs of more than so many tokens; 0: for all
    others. `stated` says whether the price after says it in so many words."""

    name: str
    was: int | None
    now: int
    above: int = 0
    stated: bool = True

    @property
    def title(self) -> str:
        title = TITLES[self.name]
        return f"{title} above {self.above:,} tokens" if self.above else title

    @property
    def per_mtok(self) -> bool:
        return self.name != "request"

    @property
    def changed(self) -> bool:
        return self.was != self.now

    @property
    def percent(self) -> int | None:
        """By how much it changes, rounded away from zero; None where there was nothing."""
        if not self.was:
            return None
        rise = (self.now - self.was) * 100
        return -(-rise // self.was) if rise > 0 else rise // self.was


def rows_between(before: Entry | None, after: Entry) -> tuple[Row, ...]:
    """What either price states, each class and each tier; what one leaves out is billed as the
    class that it belongs to, or as in the tier below."""
    return tuple(_rows(before, after))


def _rows(before: Entry | None, after: Entry) -> Iterator[Row]:
    for above in sorted({0, *tiers_of(before), *tiers_of(after)}):
        was, now = rates_of(before, above), rates_of(after, above)
        own = _own(after, above)
        for name in TOKEN_CLASSES:
            if name in own or name in _own(before, above):
                yield Row(name, was.get(name), now[name], above, name in own)
    was_fee = None if before is None else _amount(before.get("request_usd", "0"))
    fee = _amount(after.get("request_usd", "0"))
    if was_fee or fee:
        yield Row("request", was_fee, fee)


def tiers_of(entry: Entry | None) -> list[int]:
    """The lengths of input above which `entry` has a tier."""
    return [tier["input_tokens"] for tier in (entry or {}).get("above", [])]


def _own(entry: Entry | None, above: int) -> dict[str, int]:
    """What the part for inputs above `above` states itself."""
    if entry is None:
        return {}
    tiers: list[Any] = [tier for tier in entry.get("above", []) if tier["input_tokens"] == above]
    part = tiers[0] if tiers else {} if above else entry
    stated = ((name, part.get(f"{name}_usd_per_mtok")) for name in TOKEN_CLASSES)
    return {name: _amount(usd) for name, usd in stated if usd is not None}


def rates_of(entry: Entry | None, above: int) -> dict[str, int]:
    """What each class costs, in nano-USD, for inputs just above `above`; of no entry nothing."""
    if entry is None:
        return {}
    rates: dict[str, int] = {}
    for limit in (0, *(limit for limit in tiers_of(entry) if limit <= above)):
        rates |= _own(entry, limit)
    billed_as = {name: rates[other] for name, other in _BILLED_AS.items()}
    return billed_as | rates


def _amount(usd: str) -> int:
    return amounts.parse(usd, amounts.NANO)
