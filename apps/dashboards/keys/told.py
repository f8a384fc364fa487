"""Keys as pages tell of them: those that were asked for, their state, when they were used."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from apps.accounts import keys
from apps.accounts.chain import AuditEntry, kind_of
from apps.accounts.models import ApiKey
from apps.accounts.tenants import Tenants
from apps.dashboards import clock
from apps.policies.difference import FieldChange
from apps.policies.trail import Change, change_of, with_before
from apps.traces.filters import TraceFilter, matching

PAGE_SIZE = 50
_DAY_MS = 24 * 60 * 60 * 1000

STATES = {
    "live": ("ok", "circle-check", "Live"),
    "expired": ("", "hourglass", "Expired"),
    "revoked": ("error", "ban", "Revoked"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A key; when it was `used` last within 24 hours, None when it was not."""

    key: ApiKey
    used: datetime | None

    @property
    def state(self) -> tuple[str, str, str]:
        """Tone, icon and word."""
        return STATES[self.key.state(timezone.now())]

    @property
    def pins(self) -> str:
        pinned = ((name, getattr(self.key, name)) for name in ("plan", "feature", "app"))
        return ", ".join(f"{name} {value}" for name, value in pinned if value)


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first. `next` is the cursor of those before; None: there are none."""

    keys: list[Told]
    next: int | None


def page_of(tenants: Tenants, *, text: str, state: str, cursor: int | None) -> Page:
    """The keys that `tenants` see, whose name, prefix or tenant has `text`, in `state`."""
    found = keys.visible(tenants).select_related("created_by").order_by("-pk")
    if text:
        asked = Q(name__icontains=text) | Q(prefix=text) | Q(tenant__icontains=text)
        found = found.filter(asked)
    if state in STATES:
        found = _in_state(found, state)
    if cursor is not None:
        found = found.filter(pk__lt=cursor)
    some = list(found[: PAGE_SIZE + 1])
    more = len(some) > PAGE_SIZE
    return Page(told(some[:PAGE_SIZE], tenants), some[PAGE_SIZE - 1].pk if more else None)


def told(some: list[ApiKey], tenants: Tenants) -> list[Told]:
    """In one query for all: when they were used last."""
    since = TraceFilter(from_ms=clock.now_ms() - _DAY_MS)
    used = matching(since, tenants).filter(key__in=[key.prefix for key in some])
    last = dict(used.order_by().values_list("key").annotate(Max("started_at")))
    return [Told(key, last.get(key.prefix)) for key in some]


def past_of(key: ApiKey) -> list[Change]:
    """All that happened to it, newest first."""
    entries = AuditEntry.objects.filter(kind=kind_of(ApiKey), object=key.prefix)
    changes = map(change_of, with_before(entries).order_by("-pk"))
    return [replace(change, fields=_telling(change.fields)) for change in changes]


def _telling(fields: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    """Those that say something: a key's columns are there, empty, also where nothing was said."""
    said = (
        FieldChange(one.field, _unless_empty(one.before), _unless_empty(one.after))
        for one in fields
    )
    return tuple(one for one in said if one.before != one.after)


def _unless_empty(value: str | None) -> str | None:
    return None if value in ("null", '""', "[]") else value


def _in_state(found: "QuerySet[ApiKey]", state: str) -> "QuerySet[ApiKey]":
    now = timezone.now()
    if state == "revoked":
        return found.exclude(revoked_at=None)
    if state == "expired":
        return found.filter(revoked_at=None, expires_at__lte=now)
    return found.filter(revoked_at=None).exclude(expires_at__lte=now)
