"""How deployments and features do: calls summed up, and an hour beside its own past. One query
each."""

from typing import Any

from django.db.models import Aggregate, Count, F, IntegerField, Min, Q, QuerySet, Sum, TextField
from django.db.models.functions import Cast
from msgspec import Struct

from apps.accounts.tenants import Tenants
from apps.ledger.models import Attempt
from apps.traces.filters import visible
from apps.traces.ids import first_id_at

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DAYS_BEFORE = 7


class Percentile95(Aggregate):
    template = "percentile_disc(0.95) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = IntegerField()


class Most(Aggregate):
    """The value that occurs most often, None among none."""

    template = "mode() WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = TextField()


class Calls(Struct, frozen=True):
    """The calls of one deployment. `failed_first_ms` is when the first request began whose call
    failed; `unpriced` calls brought tokens and had no price, so `cost_nano_usd` lacks them."""

    deployment: str
    calls: int
    failed: int
    p95_ms: int
    cost_nano_usd: int
    unpriced: int
    failed_most_as: str | None
    failed_first_ms: int | None


class Shares(Struct, frozen=True):
    requests: int
    failed: int
    fallbacks: int


class FeatureHour(Struct, frozen=True):
    """A feature in the last hour, and at the same hour of the days before together."""

    feature: str
    now: Shares
    before: Shares
    failed_first_ms: int | None
    fell_back_first_ms: int | None


def calls_by_deployment(from_ms: int, to_ms: int, *, tenants: Tenants) -> list[Calls]:
    """The deployments that were called for `tenants`, those with most calls first."""
    rows: Any = (
        _calls(from_ms, to_ms, tenants)
        .values("deployment")
        .annotate(
            calls=Count("*"),
            failed=Count("trace_id", filter=Q(outcome="failed")),
            p95_ms=Percentile95(F("duration_ms")),
            cost_nano_usd=Sum("cost_nano_usd"),
            unpriced=Count("trace_id", filter=Q(price_id=None) & ~Q(usage_source="none")),
            failed_most_as=Most(F("error_class"), filter=Q(outcome="failed")),
            first=Min(Cast("trace_id", TextField()), filter=Q(outcome="failed")),
        )
        .order_by("-calls", "deployment")
    )
    return [Calls(failed_first_ms=_moment(row.pop("first")), **row) for row in rows]


def features_at_this_hour(now_ms: int, *, tenants: Tenants) -> list[FeatureHour]:
    """The features of `tenants` that were asked for in the last hour."""
    hours = [now_ms - HOUR_MS - n * DAY_MS for n in range(DAYS_BEFORE + 1)]
    ranges = Q()
    for start in hours:
        ranges |= Q(trace_id__gte=first_id_at(start), trace_id__lt=first_id_at(start + HOUR_MS))
    now = Q(trace_id__gte=first_id_at(hours[0]))
    failed, fell_back = Q(status="failed"), Q(degraded_action="fallback")
    rows: Any = (
        visible(tenants)
        .filter(ranges, feature__isnull=False)
        .values("feature")
        .annotate(
            now=Count("trace_id", filter=now),
            before=Count("trace_id", filter=~now),
            now_failed=Count("trace_id", filter=now & failed),
            now_fell_back=Count("trace_id", filter=now & fell_back),
            before_failed=Count("trace_id", filter=~now & failed),
            before_fell_back=Count("trace_id", filter=~now & fell_back),
            failed_first=Min("started_at", filter=now & failed),
            fell_back_first=Min("started_at", filter=now & fell_back),
        )
        .filter(now__gt=0)
        .order_by("feature")
    )
    return [
        FeatureHour(
            feature=row["feature"],
            now=Shares(row["now"], row["now_failed"], row["now_fell_back"]),
            before=Shares(row["before"], row["before_failed"], row["before_fell_back"]),
            failed_first_ms=_ms(row["failed_first"]),
            fell_back_first_ms=_ms(row["fell_back_first"]),
        )
        for row in rows
    ]


def _calls(from_ms: int, to_ms: int, tenants: Tenants) -> QuerySet[Attempt]:
    first, end = first_id_at(from_ms), first_id_at(to_ms)
    found = Attempt.objects.filter(trace_id__gte=first, trace_id__lt=end)
    if tenants.every:
        return found
    theirs = visible(tenants).filter(trace_id__gte=first, trace_id__lt=end)
    return found.filter(trace_id__in=theirs.values("trace_id"))


def _moment(trace_id: str | None) -> int | None:
    """The millisecond inside an id; text sorts as ids do."""
    return None if trace_id is None else int(trace_id.replace("-", "")[:12], 16)


def _ms(moment: object) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)  # type: ignore[attr-defined]
