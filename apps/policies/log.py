"""The change log: every change of what the reader may read, newest first.

A kind of thing belongs to one action of the permission table; what stands in no line of `READS` is
read by nobody. Keys and people are seen by the tenants they belong to.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.accounts.chain import AuditEntry, kind_of
from apps.accounts.models import User
from apps.accounts.permissions import Action, may, tenants_of
from apps.accounts.tenants import EVERY_TENANT, Tenants
from apps.policies.editing.kinds import MODELS
from apps.policies.trail import Change, change_of, with_before
from routerctl.sheets import Cell, csv_text

KEY, PERSON, INVITATION = "accounts.apikey", "accounts.user", "accounts.invitation"
PEOPLE = frozenset({PERSON, INVITATION})

READS: Mapping[str, tuple[str, Action]] = {
    "catalog.provider": ("provider", Action.READ_CONFIGURATION),
    "catalog.deployment": ("deployment", Action.READ_CONFIGURATION),
    "catalog.price": ("price", Action.READ_PRICES),
    "policies.task": ("task", Action.READ_CONFIGURATION),
    "policies.plan": ("plan", Action.READ_CONFIGURATION),
    "policies.feature": ("feature", Action.READ_CONFIGURATION),
    "policies.prompt": ("prompt", Action.READ_CONFIGURATION),
    "policies.flag": ("flag", Action.READ_CONFIGURATION),
    "policies.check": ("check", Action.READ_CONFIGURATION),
    "policies.gate": ("gate", Action.READ_CONFIGURATION),
    "policies.route": ("route", Action.READ_CONFIGURATION),
    "policies.invoice": ("invoice", Action.READ_INVOICES),
    "policies.cap": ("cap", Action.READ_CAPS),
    "policies.ratelimit": ("rate limit", Action.READ_CONFIGURATION),
    KEY: ("key", Action.READ_KEYS),
    PERSON: ("person", Action.READ_PEOPLE),
    INVITATION: ("invitation", Action.READ_PEOPLE),
}
"""What has a history: what one is called, and the action that it takes to read of its changes."""

KINDS_OF_FILE: Mapping[str, str] = {kind_of(model): name for name, model in MODELS.items()}
"""The names of the file's lists, by kind; the rest stands in no file."""

WORDS: Mapping[str, str] = {word: kind for kind, (word, _) in READS.items()}

_AT_ONCE = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a reader may see: kinds of the audit trail, and whose keys and people."""

    kinds: frozenset[str]
    tenants: Tenants = EVERY_TENANT


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which changes to list; None does not ask. `kind` is a word of `WORDS`, `person` the id of
    who made the change; moments are from `from_at` on and before `to_at`."""

    kind: str | None = None
    object: str | None = None
    person: int | None = None
    source: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Changes, newest first. `next` is the cursor of those before them; None: there are none."""

    changes: tuple[Change, ...]
    next: str | None


def sight_of(person: User) -> Sight:
    """What `person` may read of: their own area, and nothing without READ_LOG."""
    if not may(person, Action.READ_LOG):
        return Sight(frozenset())
    kinds = (kind for kind, (_, action) in READS.items() if may(person, action))
    return Sight(frozenset(kinds), tenants_of(person))


def changes(
    wanted: LogFilter, sight: Sight, *, cursor: str | None = None, limit: int = 50
) -> LogPage:
    """The changes that are `wanted`, as far as `sight` goes. Raises ValueError for what is no
    cursor. Reads an index from where the cursor stands: old pages cost what new ones do."""
    entries = _visible(sight).filter(_asked(wanted))
    if cursor is not None:
        entries = entries.filter(_after(cursor))
    found = list(with_before(entries).order_by("-at", "-pk")[: limit + 1])
    told = tuple(map(change_of, found[:limit]))
    return LogPage(told, _cursor(told[-1]) if len(found) > limit else None)


def log_csv(wanted: LogFilter, sight: Sight) -> Iterator[str]:
    """All of them as CSV, one line for each field that differs, in parts as they are read."""
    yield csv_text([_COLUMNS])
    cursor: str | None = None
    while True:
        page = changes(wanted, sight, cursor=cursor, limit=_AT_ONCE)
        yield csv_text(row for change in page.changes for row in _rows(change))
        cursor = page.next
        if cursor is None:
            return


def authors(sight: Sight) -> list[User]:
    """Who made the changes that can be seen, by name."""
    theirs = _visible(sight).filter(person=OuterRef("pk"))
    return sorted(User.objects.filter(Exists(theirs)), key=lambda one: one.get_full_name())


def newest_entry() -> tuple[int, str] | None:
    """The number and the digest of the trail's newest entry, which seals all others."""
    return AuditEntry.objects.values_list("pk", "digest").first()


# --------------------------------------------------------------------------- the query


def _visible(sight: Sight) -> "QuerySet[AuditEntry]":
    entries = AuditEntry.objects.filter(kind__in=sight.kinds)
    if sight.tenants.every:
        return entries
    names = sight.tenants.listed()
    theirs = Q(kind=KEY, content__tenant__in=names)
    theirs |= Q(kind__in=PEOPLE, content__tenants__contained_by=names)
    return entries.filter(~Q(kind__in=[KEY, *PEOPLE]) | theirs)


def _asked(wanted: LogFilter) -> Q:
    asked = {
        "kind": None if wanted.kind is None else WORDS.get(wanted.kind, ""),
        "object": wanted.object,
        "person": wanted.person,
        "source": wanted.source,
        "at__gte": wanted.from_at,
        "at__lt": wanted.to_at,
    }
    return Q(**{name: value for name, value in asked.items() if value is not None})


def _cursor(last: Change) -> str:
    return f"{(last.at - _EPOCH) // timedelta(microseconds=1)}-{last.number}"


def _after(cursor: str) -> Q:
    """What comes after the change at `cursor`. The first half is what the index can use."""
    micros, _, number = cursor.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (micros, number)):
        raise ValueError("this is no cursor")
    try:
        at = _EPOCH + timedelta(microseconds=int(micros))
    except OverflowError:
        raise ValueError("this is no cursor") from None
    return Q(at__lte=at) & (Q(at__lt=at) | Q(pk__lt=int(number)))


# --------------------------------------------------------------------------- as a table

_COLUMNS = ("at (UTC)", "person", "source", "reason", "kind", "object", "part", "what", "field",
            "before", "after")  # fmt: skip


def _rows(change: Change) -> Iterator[tuple[Cell, ...]]:
    head: tuple[Any, ...] = (
        change.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        change.person.email if change.person else None,
        change.source,
        change.reason,
        READS[change.kind][0],
        change.object,
        change.part,
        change.what,
    )
    if not change.fields:
        yield (*head, "position" if change.moved else None, None, None)
    for field in change.fields:
        yield (*head, field.field, field.before, field.after)
