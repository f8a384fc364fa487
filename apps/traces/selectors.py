"""Reading traces back. Trace ids sort as time does, so pages are keyed by id, newest first.

Every one of these is told for whose eyes it reads: another tenant's trace is not there.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

from msgspec import Struct, convert

from apps.accounts.tenants import Tenants
from apps.ledger.models import Attempt, Trace
from apps.ledger.records import AttemptRecord, Outcome, TraceHead
from apps.traces.filters import TraceFilter, matching, visible
from apps.traces.ids import parse_trace_id
from apps.traces.values import StoredTrace

_BATCH = 500


class Page(Struct, frozen=True):
    """Newest first. `next` is the cursor of the page of older ones, `previous` that of newer
    ones; None where there are none."""

    traces: tuple[StoredTrace, ...]
    next: str | None
    previous: str | None = None


def find_trace(trace_id: str, *, tenants: Tenants) -> StoredTrace | None:
    """The trace of that id, with or without dashes, if it is one of `tenants`'."""
    parsed = parse_trace_id(trace_id)
    if parsed is None:
        return None
    traces = _stored(visible(tenants).filter(trace_id=parsed))
    return traces[0] if traces else None


def list_traces(wanted: TraceFilter, *, tenants: Tenants, cursor: UUID | None, limit: int) -> Page:
    """At most `limit` traces of `tenants` older than `cursor`, the last id of the page before."""
    found = matching(wanted, tenants)
    if cursor is not None:
        found = found.filter(trace_id__lt=cursor)
    traces = _stored(found.order_by("-trace_id")[: limit + 1])
    more, traces = len(traces) > limit, traces[:limit]
    return Page(
        traces=tuple(traces),
        next=traces[-1].trace_id if more else None,
        previous=traces[0].trace_id if cursor is not None and traces else None,
    )


def list_newer(wanted: TraceFilter, *, tenants: Tenants, than: UUID, limit: int) -> Page:
    """The `limit` traces just newer than `than`, the first id of the page after; the newest ones
    when there are fewer, so that a first page is always full."""
    found = matching(wanted, tenants).filter(trace_id__gt=than).order_by("trace_id")
    traces = _stored(found[: limit + 1])
    if len(traces) <= limit:
        return list_traces(wanted, tenants=tenants, cursor=None, limit=limit)
    page = tuple(reversed(traces[:limit]))
    return Page(page, next=page[-1].trace_id, previous=page[0].trace_id)


def every_trace(
    wanted: TraceFilter, *, tenants: Tenants, most: int
) -> Iterator[tuple[StoredTrace, ...]]:
    """All that is `wanted`, newest first, in batches, up to `most`: memory holds one batch."""
    cursor, left = None, most
    while left > 0:
        page = list_traces(wanted, tenants=tenants, cursor=cursor, limit=min(_BATCH, left))
        yield page.traces
        if page.next is None:
            return
        cursor, left = UUID(page.next), left - len(page.traces)


def count_up_to(most: int, wanted: TraceFilter, *, tenants: Tenants) -> int:
    """How many traces are `wanted`, counted no further than `most` + 1."""
    return matching(wanted, tenants)[: most + 1].count()


def oldest_ms(*, tenants: Tenants) -> int | None:
    """When the first trace of `tenants` began, since the epoch; None when there is none."""
    first = visible(tenants).order_by("trace_id").values_list("started_at", flat=True).first()
    return None if first is None else int(first.timestamp() * 1000)


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
