"""A deployment's prices in the order of their days, and a new one put among them."""

from collections.abc import Iterable

from apps.policies.export import Entry
from apps.policies.prices.values import Item, Refused


def in_force(prices: Iterable[Entry], day: str) -> Entry | None:
    """The entry that holds on `day` (as ISO 8601); None before the first."""
    begun = [entry for entry in prices if str(entry["from"]) <= day]
    return max(begun, key=lambda entry: str(entry["from"]), default=None)


def days_after(prices: Iterable[Entry], day: str) -> tuple[str, ...]:
    """The days after `day` on which a price begins, in order."""
    return tuple(sorted(str(entry["from"]) for entry in prices if str(entry["from"]) > day))


def with_item(prices: Iterable[Entry], item: Item) -> list[Entry]:
    """The prices with `item`'s among them.

    One that ends does so by a second row, written at the same time: on the day `until`, what
    would have held then begins again. What would have begun in between is taken out, or the
    price would end early. Raises Refused when there is nothing to come back.
    """
    listed, day = list(prices), item.starts_on
    if item.until is None:
        others = [entry for entry in listed if str(entry["from"]) != day]
        return _in_order([*others, item.after])
    until = item.until.isoformat()
    before, back = in_force(listed, day), in_force(listed, until)
    if before is None or back is None:
        raise Refused(f"{item.deployment} has no price yet that could come back on {until}.")
    others = [entry for entry in listed if not day <= str(entry["from"]) <= until]
    return _in_order([*others, item.after, {**back, "from": until}])


def _in_order(prices: list[Entry]) -> list[Entry]:
    return sorted(prices, key=lambda entry: str(entry["from"]))
