"""What stands between the configuration in force and the one a file asks for: a value.

The file is the whole truth: what it does not name is deleted. Prices are the exception in form,
not in effect. They are only ever added: a changed price is a new row for the same day, one that
is missing is a new row that withdraws it. A correction of a past day is allowed, because a wrong
price must be correctable; it counts from now on, and what was charged before stays charged.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models

from apps.catalog.models import Price, prices_in_force
from apps.policies.difference import flat
from apps.policies.export import Entry, entry_of
from apps.policies.ordering import positions
from apps.policies.rows import KINDS, Rows


@dataclass(frozen=True, slots=True)
class RowChange:
    """One thing created (`before` is None), changed, moved in its list, or deleted (`after` is
    None), each side as the file writes it. `row` is what to save or delete."""

    kind: str
    name: str
    before: Entry | None
    after: Entry | None
    row: models.Model
    moved: bool = False

    def __str__(self) -> str:
        sign = "+" if self.before is None else "-" if self.after is None else "~"
        return "\n    ".join([f"{sign} {self.kind} {self.name}", *self._details()])

    def _details(self) -> list[str]:
        """What is new, one field a line; a deletion needs no more than its name."""
        if self.after is None:
            return []
        after = dict(flat(self.after))
        if self.before is None:
            return [f"{field}: {after[field]}" for field in after if field not in _NAMES]
        before = dict(flat(self.before))
        changed = [
            f"{field}: {before.get(field, '(none)')} → {after.get(field, '(none)')}"
            for field in before | after
            if before.get(field) != after.get(field)
        ]
        return [*changed, *(["moved"] if self.moved else [])] or ["stated anew"]


_NAMES = ("slug", "from")
"""Fields that stand in a change's name already."""


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """`saves` in the order in which they can be made, then `deletes`, likewise."""

    saves: tuple[RowChange, ...]
    deletes: tuple[RowChange, ...]

    def __bool__(self) -> bool:
        return bool(self.saves or self.deletes)

    def __str__(self) -> str:
        """The difference, for people to read."""
        return "\n".join(map(str, (*self.saves, *self.deletes)))


def plan(wanted: Rows) -> ChangePlan:
    """What to do so that the database says what `wanted` says. Nothing is written."""
    changes: list[RowChange] = []
    for kind in KINDS:
        rows = wanted[kind]
        if kind is Price:
            changes.extend(price_changes(rows, prices_in_force()))
        else:
            changes.extend(_listed_changes(kind, rows))
    return ChangePlan(
        saves=tuple(c for c in changes if not _deletes(c)),
        deletes=tuple(c for c in reversed(changes) if _deletes(c)),
    )


def _deletes(change: RowChange) -> bool:
    return change.after is None and not isinstance(change.row, Price)


def _listed_changes(kind: Any, wanted: list[Any]) -> Iterator[RowChange]:
    name = kind._meta.verbose_name
    held = {row.slug: row for row in kind.objects.all()}
    places = positions(
        [row.slug for row in wanted], {slug: row.position for slug, row in held.items()}
    )
    for row in wanted:
        row.position = places[row.slug]
        old = held.pop(row.slug, None)
        if old is None:
            yield RowChange(name, row.slug, None, entry_of(row), row)
        elif takes_place(row, old):
            moved = row.position != old.position
            yield RowChange(name, row.slug, entry_of(old), entry_of(row), row, moved)
    for slug, old in held.items():
        yield RowChange(name, slug, entry_of(old), None, old)


def takes_place(row: models.Model, old: models.Model) -> bool:
    """Let `row` be saved in place of `old`; False when it says the same, `position` included."""
    row.pk, row._state.adding = old.pk, False
    return _columns(row) != _columns(old)


def price_changes(wanted: Iterable[Price], in_force: Iterable[Price]) -> Iterator[RowChange]:
    """What to add so that `wanted` are in force instead of `in_force`."""
    held = {(row.deployment, row.starts_on): row for row in in_force}
    for row in wanted:
        old = held.pop((row.deployment, row.starts_on), None)
        if old is None or entry_of(old) != entry_of(row):
            yield RowChange("price", str(row), entry_of(old) if old else None, entry_of(row), row)
    for old in held.values():
        yield RowChange("price", str(old), entry_of(old), None, old.withdrawal())


def _columns(row: models.Model) -> dict[str, Any]:
    """All that a row says, `position` included."""
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.primary_key
    }
