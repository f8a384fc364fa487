"""Edits of one object: each is one change, checked, audited and published."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied

from apps.accounts.models import User
from apps.accounts.permissions import Action, may
from apps.catalog.models import Price, prices_in_force
from apps.policies.editing.checking import (
    checked_rows,
    consequences,
    entry_in,
    without_moved_secret,
)
from apps.policies.editing.held import Held, find
from apps.policies.editing.kinds import model_of
from apps.policies.editing.needs import needs, needs_to_move
from apps.policies.editing.past import entry_at
from apps.policies.editing.raises import why_two
from apps.policies.editing.refusals import Conflict, Invalid, NotThere, TakesTwo
from apps.policies.export import Entry, as_data, entry_of
from apps.policies.models import Revision
from apps.policies.ordering import positions
from apps.policies.plan import price_changes, takes_place
from apps.policies.publishing import Changing, change
from apps.policies.rows import Rows
from apps.policies.schema.names import SECTIONS


def put(
    kind: str,
    slug: str | None,
    entry: Any,
    *,
    expected: int | None = None,
    before: str | None = None,
    person: User | None,
    source: str,
    reason: str,
    confirmed: bool = False,
) -> Revision:
    """Make `entry` what is said of `slug`, or create it (slug None), and publish.

    `expected` is the version which the editor saw; None: whatever stands there. A new object
    comes `before` another of its list, or at the end. To leave a thing as it is writes nothing.
    Raises NotThere, Conflict, Invalid, PermissionDenied when `person` may not, TakesTwo when it
    has to be `confirmed` by a second person and was not, and ValueError for an empty reason or an
    unknown source.
    """
    with change(person=person, source=source, reason=reason) as changing:
        if slug is None:
            _create(changing, kind, entry, before)
        else:
            held = _as_seen(kind, slug, expected, lambda _: entry)
            _replace(changing, held, entry, confirmed=confirmed)
    return changing.revision


def amend(
    kind: str,
    slug: str,
    fields: Mapping[str, Any],
    *,
    expected: int | None = None,
    person: User | None,
    source: str,
    reason: str,
) -> Revision:
    """Give some fields of an entry other values (None takes one out); the rest stays as it is at
    that moment. Raises what `put` raises."""
    amendment = Amendment(slug, fields, expected)
    return amend_all(kind, [amendment], person=person, source=source, reason=reason)


@dataclass(frozen=True, slots=True)
class Amendment:
    """Other values for some `fields` of one entry, whose version `expected` the editor saw."""

    slug: str
    fields: Mapping[str, Any]
    expected: int | None = None


def amend_all(
    kind: str,
    amendments: Iterable[Amendment],
    *,
    person: User | None,
    source: str,
    reason: str,
) -> Revision:
    """Amend several objects of a kind as one change, which ends in one revision: all or none.
    Raises what `put` raises, for the first that cannot be."""
    with change(person=person, source=source, reason=reason) as changing:
        for amendment in amendments:
            amended = partial(_amended, fields=amendment.fields)
            held = _as_seen(kind, amendment.slug, amendment.expected, amended)
            _replace(changing, held, amended(held.entry))
    return changing.revision


def _amended(now: Entry, fields: Mapping[str, Any]) -> Entry:
    return {name: value for name, value in {**now, **fields}.items() if value is not None}


def remove(
    kind: str,
    slug: str,
    *,
    expected: int | None = None,
    person: User | None,
    source: str,
    reason: str,
    confirmed: bool = False,
) -> Revision:
    """Delete an object to which nothing refers; its history stays, its prices are withdrawn.

    Raises what `put` raises; Invalid has the `consequences`.
    """
    with change(person=person, source=source, reason=reason) as changing:
        held = _as_seen(kind, slug, expected, lambda _: None)
        _permit(person, needs(kind, held.entry, None))
        if refusing := consequences(kind, slug):
            raise Invalid(refusing)
        row = model_of(kind).objects.get(slug=slug)
        if not confirmed:
            _alone(held, row, None)
        if kind == "deployments":
            _save_prices(changing, slug, [])
        changing.delete(row)
    return changing.revision


def move(
    kind: str,
    slug: str,
    *,
    before: str | None,
    expected: int | None = None,
    person: User | None,
    source: str,
    reason: str,
) -> Revision:
    """Give an object the place before another of its list; None: the last. Raises what `put`
    raises."""
    with change(person=person, source=source, reason=reason) as changing:
        _as_seen(kind, slug, expected, lambda seen: seen)
        _permit(person, needs_to_move(kind))
        order = _order(kind)
        wanted = _inserted(kind, [other for other in order if other != slug], slug, before)
        if wanted != order:
            _arrange(changing, kind, wanted, slug)
    return changing.revision


# --------------------------------------------------------------------------- the steps


def _as_seen(kind: str, slug: str, expected: int | None, wanted: Callable[[Entry], Any]) -> Held:
    """What stands there, which must be what the editor saw. Raises NotThere and Conflict."""
    now = find(kind, slug)
    if now is not None and expected in (None, now.version):
        return now
    seen = None if expected is None else entry_at(kind, slug, expected)
    if now is None and seen is None:
        raise NotThere(f"there is no {SECTIONS[kind]} {slug}")
    asked = wanted(seen or (now.entry if now else {}))
    raise Conflict(kind, slug, seen=seen, now=now, wanted=_as_exported(kind, now, asked))


def _as_exported(kind: str, now: Held | None, wanted: Any) -> Any:
    """`wanted` in the spelling of what it is compared with, if it is one that could be saved."""
    if now is None or wanted is None:
        return wanted
    try:
        return entry_in(kind, checked_rows(kind, now.slug, without_moved_secret(now, wanted)[0]))
    except Invalid:
        return wanted


def _create(changing: Changing, kind: str, entry: Any, before: str | None) -> None:
    rows = checked_rows(kind, None, entry)
    row = _row(kind, rows)
    _permit(changing.said.person, needs(kind, None, entry_in(kind, rows)))
    order = _inserted(kind, _order(kind), row.slug, before)
    places = _arrange(changing, kind, order, row.slug)
    row.position = places[row.slug]
    changing.save(row)
    if kind == "deployments":
        _save_prices(changing, row.slug, rows[Price])


def _replace(changing: Changing, held: Held, wanted: Any, *, confirmed: bool = False) -> None:
    kept, _ = without_moved_secret(held, wanted)
    rows = checked_rows(held.kind, held.slug, kept)
    _permit(changing.said.person, needs(held.kind, held.entry, entry_in(held.kind, rows)))
    row, old = _row(held.kind, rows), model_of(held.kind).objects.get(slug=held.slug)
    row.position = old.position
    if not confirmed:
        _alone(held, old, row)
    if takes_place(row, old):
        changing.save(row)
    if held.kind == "deployments":
        _save_prices(changing, held.slug, rows[Price])


def _alone(held: Held, old: Any, new: Any) -> None:
    """Raises TakesTwo when one person alone may not make `new` of `old`."""
    why = why_two(old, new) if held.kind == "caps" else None
    if why is not None:
        entry = None if new is None else as_data(entry_of(new))
        raise TakesTwo(held.kind, held.slug, entry, held.version, why)


def _row(kind: str, rows: Rows) -> Any:
    return rows[model_of(kind)][0]


def _save_prices(changing: Changing, slug: str, wanted: list[Any]) -> None:
    for planned in price_changes(wanted, prices_in_force().filter(deployment=slug)):
        changing.save(planned.row)


def _order(kind: str) -> list[str]:
    return list(model_of(kind).objects.values_list("slug", flat=True))


def _inserted(kind: str, others: list[str], slug: str, before: str | None) -> list[str]:
    if before is None:
        return [*others, slug]
    if before not in others:
        raise NotThere(f"there is no {SECTIONS[kind]} {before}")
    place = others.index(before)
    return [*others[:place], slug, *others[place:]]


def _arrange(changing: Changing, kind: str, order: Sequence[str], placed: str) -> dict[str, int]:
    """Save what has to move so that the list stands in `order`: nothing but `placed`, as long as
    there is room. Returns everybody's place."""
    rows = {row.slug: row for row in model_of(kind).objects.all()}
    held = {slug: row.position for slug, row in rows.items() if slug != placed}
    places = positions(order, held)
    for slug, row in rows.items():
        if row.position != places[slug]:
            row.position = places[slug]
            changing.save(row)
    return places


def _permit(person: User | None, actions: frozenset[Action]) -> None:
    """Whoever comes without a person (a file, a command, an API key) was let in at their door."""
    for action in sorted(actions):
        if person is not None and not may(person, action):
            raise PermissionDenied(f"{person.role} may not {action}")
