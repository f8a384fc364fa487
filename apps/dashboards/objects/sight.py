"""What is told of an object: only what the reader may see, and what else has to do with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from apps.accounts.models import User
from apps.accounts.permissions import Action, may, tenants_of
from apps.dashboards import clock
from apps.dashboards.figures import thousands
from apps.policies import editing
from apps.policies.difference import FieldChange
from apps.policies.editing import ConflictField, Held
from apps.policies.models import Revision
from apps.policies.schema.names import SECTIONS
from apps.traces.filters import TraceFilter, matching

DAY_MS = 24 * 60 * 60 * 1000
MOST_COUNTED = 10_000

_ICONS = {"created": "plus", "changed": "pencil", "deleted": "trash-2"}

F = TypeVar("F", FieldChange, ConflictField)

_READ_APART = {("deployments", "prices"): Action.READ_PRICES}
"""Fields that not everybody reads who reads the rest."""


def seen(held: Held, person: User) -> Held:
    """`held` without what `person` may not read."""
    kept = {name: value for name, value in held.entry.items() if _reads(held.kind, name, person)}
    return replace(held, entry=kept)


def readable(kind: str, fields: Iterable[F], person: User) -> tuple[F, ...]:
    """Those of the differences, or of a conflict's fields, that `person` may read."""
    return tuple(f for f in fields if _reads(kind, f.field.partition(".")[0], person))


def _reads(kind: str, field: str, person: User) -> bool:
    return (kind, field) not in _READ_APART or may(person, _READ_APART[kind, field])


def shown(value: str | None) -> str:
    """One side of a difference, which is JSON, as people read it; empty: not stated."""
    if value is None:
        return ""
    said = msgspec.json.decode(value)
    if isinstance(said, str):
        return said
    if isinstance(said, bool):
        return "yes" if said else "no"
    if isinstance(said, list) and all(isinstance(word, str) for word in said):
        return ", ".join(said)
    return value


# --------------------------------------------------------------------------- what uses it


@dataclass(frozen=True, slots=True)
class Use:
    """Another object that refers to it. `one` is what that kind is called."""

    kind: str
    slug: str

    @property
    def one(self) -> str:
        return SECTIONS[self.kind]


def uses(kind: str, slug: str) -> tuple[Use, ...]:
    """Whatever refers to an object that is there, each once."""
    told = editing.consequences(kind, slug)
    return tuple(dict.fromkeys(Use(problem.kind, problem.slug) for problem in told))


# --------------------------------------------------------------------------- what it does


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of the last 24 hours that the reader may see; `query` lists them."""

    requests: str
    failed: str
    query: str


def traffic(column: str, slug: str, person: User) -> Traffic:
    """Counted as far as `MOST_COUNTED`: no page counts over everything."""
    since = TraceFilter(from_ms=clock.now_ms() - DAY_MS)
    found = matching(msgspec.structs.replace(since, **{column: slug}), tenants_of(person))
    return Traffic(
        _counted(found),
        _counted(found.filter(status="failed")),
        urlencode({column: slug, "from": "now-24h"}),
    )


def _counted(found: Any) -> str:
    number = found.order_by()[: MOST_COUNTED + 1].count()
    return f"{thousands(MOST_COUNTED)}+" if number > MOST_COUNTED else thousands(number)


# --------------------------------------------------------------------------- what it was


@dataclass(frozen=True, slots=True)
class Line:
    """One change in a history; `revision` is the one that it made, if it made any."""

    change: editing.Change
    fields: tuple[FieldChange, ...]
    revision: int | None

    @property
    def icon(self) -> str:
        return _ICONS[self.change.what]

    @property
    def words(self) -> str:
        """What was done, after the name of who did it."""
        return "moved it in its list" if self.change.moved else f"{self.change.what} it"


def lines(kind: str, changes: Iterable[editing.Change], person: User) -> list[Line]:
    """The changes as `person` may read them, each with its revision."""
    told = list(changes)
    revisions = list(_revisions(told))
    return [
        Line(change, readable(kind, change.fields, person), _made(change, revisions))
        for change in told
    ]


def _revisions(changes: list[editing.Change]) -> Iterator[Revision]:
    """Those that the changes can have made, oldest first."""
    if changes:
        since = min(change.at for change in changes)
        yield from Revision.objects.filter(
            created_at__gte=since, reason__in={change.reason for change in changes}
        ).order_by("id")


def _made(change: editing.Change, revisions: list[Revision]) -> int | None:
    """A change and its revision are made in one transaction, one after the other."""
    same = (
        revision
        for revision in revisions
        if revision.created_at >= change.at
        and revision.reason == change.reason
        and revision.person_id == (change.person.pk if change.person else None)
    )
    found = next(same, None)
    return found.pk if found else None
