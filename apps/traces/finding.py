"""Traces by any other ID that went with them. Every lookup but one has an index of its own; those
by session and user go through the last days, because an index would cost every request."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q

from apps.accounts.tenants import Tenants
from apps.ledger.models import Attempt, IdempotencyRecord
from apps.ledger.records import IdempotencyKey
from apps.traces.bounded import if_quick
from apps.traces.filters import TraceFilter, matching, visible

DAY_MS = 86_400_000
SEARCHED_DAYS = 7
"""How far back sessions and users are looked for."""

_WITHIN_MS = 1500
_MOST_TENANTS = 1000


def by_provider_request(text: str, *, tenants: Tenants, most: int) -> list[str]:
    """The traces with a call that the provider knows by `text`, newest first."""
    calls = Attempt.objects.filter(provider_request_id=text).values("trace_id")
    found = visible(tenants).filter(trace_id__in=calls)
    return _ids(found.order_by("-trace_id").values_list("trace_id", flat=True)[:most])


def by_request_id(text: str, *, tenants: Tenants, most: int) -> list[str]:
    """The traces whose caller sent `text` as its X-Request-Id, newest first."""
    found = visible(tenants).filter(request_id=text)
    return _ids(found.order_by("-trace_id").values_list("trace_id", flat=True)[:most])


def by_idempotency_key(
    text: str, *, tenants: Tenants, known: Iterable[str], now_ms: int
) -> list[str]:
    """The traces that used `text` as their Idempotency-Key in the last day. Only a hash of it with
    its tenant is kept, so each tenant of that day and those `known` are tried."""
    today = matching(TraceFilter(from_ms=now_ms - DAY_MS), tenants).filter(tenant__isnull=False)
    recent = if_quick(
        lambda: list(today.values_list("tenant", flat=True).distinct()[:_MOST_TENANTS]),
        within_ms=_WITHIN_MS,
    )
    names = {*known, *(recent or ())}
    hashes = [IdempotencyKey.of(str(name), text, b"").key_hash for name in names]
    kept = IdempotencyRecord.objects.filter(key_hash__in=hashes).values("trace_id")
    return _ids(visible(tenants).filter(trace_id__in=kept).values_list("trace_id", flat=True))


def is_a_tenant(text: str, *, tenants: Tenants) -> bool:
    """Whether there is a trace of tenant `text`."""
    return visible(tenants).filter(tenant=text).exists()


def of_session_or_user(text: str, *, tenants: Tenants, now_ms: int) -> tuple[bool, bool] | None:
    """Whether `text` is a session and whether it is a user of the last days; None when there are
    too many traces to tell in time."""
    recent = matching(TraceFilter(from_ms=now_ms - SEARCHED_DAYS * DAY_MS), tenants)

    def look() -> tuple[bool, bool]:
        found = recent.filter(Q(session=text) | Q(user=text)).values_list("session", "user")
        pairs = list(found.distinct()[:2000])
        return any(pair[0] == text for pair in pairs), any(pair[1] == text for pair in pairs)

    return if_quick(look, within_ms=_WITHIN_MS)


def _ids(found: Iterable[UUID]) -> list[str]:
    return [str(trace_id) for trace_id in found]
