"""Reading traces back. Trace ids sort as time does, so pages are keyed by id, newest first.

Every one of these is told for whose eyes it reads: another tenant's trace is not there.
"""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet
from msgspec import Struct, convert

from apps.accounts.tenants import Tenants
from apps.ledger.models import Attempt, Trace
from apps.ledger.records import AttemptRecord, Outcome, TraceHead
from apps.traces.ids import first_id_at, parse_trace_id
from apps.traces.values import StoredTrace

STATUSES = ("succeeded", "degraded", "blocked", "failed")


class TraceFilter(Struct, frozen=True):
    """Which traces; None is any. From `from_ms` on and before `to_ms`, since the epoch."""

    from_ms: int | None = None
    to_ms: int | None = None
    feature: str | None = None
    status: str | None = None
    route: str | None = None
    tenant: str | None = None


class Page(Struct, frozen=True):
    """Newest first. `next` is the cursor of the page after this one, None on the last."""

    traces: tuple[StoredTrace, ...]
    next: str | None


def find_trace(trace_id: str, *, tenants: Tenants) -> StoredTrace | None:
    """The trace of that id, with or without dashes, if it is one of `tenants`'."""
    parsed = parse_trace_id(trace_id)
    if parsed is None:
        return None
    traces = _stored(visible(tenants).filter(trace_id=parsed))
    return traces[0] if traces else None


def list_traces(wanted: TraceFilter, *, tenants: Tenants, cursor: UUID | None, limit: int) -> Page:
    """At most `limit` traces of `tenants` older than `cursor`, the last id of the page before."""
    found = _matching(wanted, tenants)
    if cursor is not None:
        found = found.filter(trace_id__lt=cursor)
    traces = _stored(found.order_by("-trace_id")[: limit + 1])
    more = len(traces) > limit
    return Page(tuple(traces[:limit]), traces[limit - 1].trace_id if more else None)


def visible(tenants: Tenants) -> QuerySet[Trace]:
    """The traces of `tenants`: where every other query of traces begins."""
    every = Trace.objects.all()
    return every if tenants.every else every.filter(tenant__in=tenants.names)


def _matching(wanted: TraceFilter, tenants: Tenants) -> QuerySet[Trace]:
    found = visible(tenants)
    if wanted.from_ms is not None:
        found = found.filter(trace_id__gte=first_id_at(wanted.from_ms))
    if wanted.to_ms is not None:
        found = found.filter(trace_id__lt=first_id_at(wanted.to_ms))
    for name in ("feature", "status", "route", "tenant"):
        value = getattr(wanted, name)
        if value is not None:
            found = found.filter(**{name: value})
    return found


def _stored(found: Iterable[Trace]) -> list[StoredTrace]:
    """The rows as values, with their attempts in one more query."""
    rows = list(found)
    attempts = defaultdict(list)
    ids = [row.trace_id for row in rows]
    for attempt in Attempt.objects.filter(trace_id__in=ids).order_by("trace_id", "n"):
        attempts[attempt.trace_id].append(convert(attempt, AttemptRecord, from_attributes=True))
    return [
        StoredTrace(
            convert(row.head, TraceHead),
            convert(row, Outcome, from_attributes=True),
            tuple(attempts[row.trace_id]),
        )
        for row in rows
    ]
