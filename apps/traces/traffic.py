"""Traffic of a range beside that of an earlier one: in all, over time and by feature; one query."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from msgspec import Struct

from apps.accounts.tenants import Tenants
from apps.traces.filters import visible
from apps.traces.ids import first_id_at

_COLUMNS = (
    "started_at", "feature", "status", "degraded_action", "cost_nano_usd", "latency_ms",
)  # fmt: skip

# Sorting for the percentiles is most of the work, so only what is shown over time and by feature is
# sorted for that; features by their bytes, which is a good deal faster than by a language's rules.
_SUMS = """
    count(*),
    count(*) FILTER (WHERE status = 'failed'),
    count(*) FILTER (WHERE status = 'blocked'),
    count(*) FILTER (WHERE degraded_action = 'fallback' AND status <> 'failed'),
    sum(cost_nano_usd)::bigint,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY latency_ms)
"""
_SQL = f"""
SELECT true, part, feature, grouping(part) = 0, grouping(feature) = 0, {_SUMS}
FROM (
    SELECT greatest(1, width_bucket(started_at, %s::timestamptz[])) AS part,
        feature COLLATE "C" AS feature, status, degraded_action, cost_nano_usd, latency_ms
    FROM ({{now}}) AS found
) AS told
GROUP BY GROUPING SETS ((), (part), (feature))
UNION ALL
SELECT false, NULL, NULL, false, false, {_SUMS} FROM ({{before}}) AS earlier
"""  # noqa: S608 (put together from what stands here and from Django's own SQL)


class Sums(Struct, frozen=True):
    """Requests and what they came to. `fallbacks` were answered by another than the first choice;
    `p95_ms` is None without any request."""

    requests: int = 0
    failed: int = 0
    blocked: int = 0
    fallbacks: int = 0
    cost_nano_usd: int = 0
    p95_ms: int | None = None


class Traffic(Struct, frozen=True):
    """`parts` are those of the range in order. `features` is by name, None for requests without
    one, and of the range alone."""

    now: Sums
    before: Sums
    parts: tuple[Sums, ...]
    features: dict[str | None, Sums]


def traffic(
    from_ms: int, to_ms: int, edges_ms: Sequence[int], *, earlier_by_ms: int, tenants: Tenants
) -> Traffic:
    """The traces of `tenants` from `from_ms` on and before `to_ms`, cut by `edges_ms`, and those
    of the same span `earlier_by_ms` before, which must not overlap it."""
    now, now_values = _found(from_ms, to_ms, tenants)
    before, before_values = _found(from_ms - earlier_by_ms, to_ms - earlier_by_ms, tenants)
    edges = [datetime.fromtimestamp(edge / 1000, UTC) for edge in edges_ms]
    query = _SQL.format(now=now, before=before)
    with connection.cursor() as cursor:
        cursor.execute(query, [edges, *now_values, *before_values])
        rows = cursor.fetchall()
    return _traffic(rows, len(edges))


def _found(from_ms: int, to_ms: int, tenants: Tenants) -> tuple[str, tuple[Any, ...]]:
    within = Q(trace_id__gte=first_id_at(from_ms), trace_id__lt=first_id_at(to_ms))
    query, values = visible(tenants).filter(within).values(*_COLUMNS).query.sql_with_params()
    return query, tuple(values)


def _traffic(rows: list[tuple[object, ...]], parts: int) -> Traffic:
    whole, over_time, features = {}, {}, {}
    for is_now, part, feature, by_part, by_feature, count, *numbers in rows:
        if not count:
            continue
        sums = Sums(count, *numbers)  # type: ignore[arg-type]  # as the query lists them
        if by_part and is_now:
            over_time[part] = sums
        elif by_feature and is_now:
            features[feature] = sums
        elif not by_part and not by_feature:
            whole[is_now] = sums
    return Traffic(
        now=whole.get(True, Sums()),
        before=whole.get(False, Sums()),
        parts=tuple(over_time.get(n, Sums()) for n in range(1, parts + 1)),
        features=features,  # type: ignore[arg-type]  # a column's value
    )
