"""Entries side by side, field by field, as people read them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that differs. Each side is the value as JSON in one line; None: not stated."""

    field: str
    before: str | None
    after: str | None


def flat(entry: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """An entry's fields, those of mappings inside it too, each value as JSON in one line."""
    for name, value in entry.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{path}{name}.")
        else:
            yield path + name, msgspec.json.encode(value).decode()


def fields_of(entry: Mapping[str, Any] | None) -> dict[str, str]:
    """The fields of an entry, prices by the day on which they begin; none of what is not there."""
    if entry is None:
        return {}
    prices = entry.get("prices")
    if not isinstance(prices, list) or not all(isinstance(price, dict) for price in prices):
        return dict(flat(entry))
    by_day = {
        str(price.get("from")): {name: value for name, value in price.items() if name != "from"}
        for price in prices
    }
    return dict(flat({**entry, "prices": by_day}))


def changes_between(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[FieldChange, ...]:
    """The fields in which two states of an entry differ, in the order of the entries."""
    old, new = fields_of(before), fields_of(after)
    return tuple(
        FieldChange(field, old.get(field), new.get(field))
        for field in old | new
        if old.get(field) != new.get(field)
    )
