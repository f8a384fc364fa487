"""Which traces: the one filter that the API, the list, its chart and its export share."""

import re

from django.db.models import Exists, OuterRef, Q, QuerySet
from msgspec import Struct

from apps.accounts.tenants import Tenants
from apps.ledger.models import Attempt, Trace
from apps.traces.ids import first_id_at

STATUSES = ("succeeded", "degraded", "blocked", "failed")

COLUMNS = (
    "status", "feature", "task", "plan", "route", "tenant", "app", "app_version", "error_code",
    "degraded_action", "key", "session", "user",
)  # fmt: skip
"""Filters that a trace's own column equals; `key` is the API key's prefix."""

CALLED = ("deployment", "provider")
"""Filters that a call of the trace equals, whether it brought the answer or failed: who looks at a
deployment wants the requests that left it, too."""

WORDS = (*COLUMNS, *CALLED, "cap")
"""Filters that are one word; `cap` is the cap that refused a request or took from its answer."""


class TraceFilter(Struct, frozen=True):
    """Which traces; None is any. From `from_ms` on and before `to_ms`, since the epoch."""

    from_ms: int | None = None
    to_ms: int | None = None
    status: str | None = None
    feature: str | None = None
    task: str | None = None
    plan: str | None = None
    route: str | None = None
    tenant: str | None = None
    app: str | None = None
    app_version: str | None = None
    deployment: str | None = None
    provider: str | None = None
    error_code: str | None = None
    degraded_action: str | None = None
    key: str | None = None
    session: str | None = None
    user: str | None = None
    cap: str | None = None
    min_latency_ms: int | None = None


def visible(tenants: Tenants) -> QuerySet[Trace]:
    """The traces of `tenants`: where every other query of traces begins."""
    every = Trace.objects.all()
    return every if tenants.every else every.filter(tenant__in=tenants.names)


def matching(wanted: TraceFilter, tenants: Tenants) -> QuerySet[Trace]:
    """Those traces of `tenants` that are `wanted`, in no order."""
    within = _range(wanted)
    said = {name: getattr(wanted, name) for name in COLUMNS}
    equal = {name: value for name, value in said.items() if value is not None}
    found = visible(tenants).filter(**within, **equal)
    if wanted.min_latency_ms is not None:
        found = found.filter(latency_ms__gte=wanted.min_latency_ms)
    called = {name: getattr(wanted, name) for name in CALLED if getattr(wanted, name) is not None}
    if called:
        # The range is said twice, because a day's calls are in a partition of their own.
        calls = Attempt.objects.filter(trace_id=OuterRef("trace_id"), **within, **called)
        found = found.filter(Exists(calls))
    if wanted.cap is not None:
        # What went well is the most, and only the rest has an index by status.
        found = found.exclude(status="succeeded").filter(_met(wanted.cap))
    return found


def _met(cap: str) -> Q:
    """What cap it was stands in the words alone, `Cap a/b has no room ...`."""
    named = rf"\m[Cc]ap {re.escape(cap)}(?![a-z0-9._/-])"
    refused = Q(error_code="cap_reached", error_message__regex=named)
    return refused | Q(degraded_reason="cap_reached", degraded_message__regex=named)


def _range(wanted: TraceFilter) -> dict[str, object]:
    """The range as a condition on ids, which traces and calls are partitioned by."""
    within: dict[str, object] = {}
    if wanted.from_ms is not None:
        within["trace_id__gte"] = first_id_at(wanted.from_ms)
    if wanted.to_ms is not None:
        within["trace_id__lt"] = first_id_at(wanted.to_ms)
    return within
