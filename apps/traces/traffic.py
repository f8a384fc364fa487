"""Traffic of a range beside that of an earlier one: in all, over time and by feature; one query."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import connection
from django.db.models import Q
from msgspec import Struct

from apps.accounts.tenants import Tenants
from apps.traces.filters import visible
from apps.traces.ids import first_id_at

_COLUMNS = (
    "trace_id", "started_at", "feature", "status", "degraded_action", "cost_nano_usd", "latency_ms",
)  # fmt: skip

# Features are sorted by their bytes, which is a good deal faster than by a language's rules.
_SQL = """
SELECT is_now, part, feature, grouping(part) = 0 AS by_part, grouping(feature) = 0 AS by_feature,
    count(*),
    count(*) FILTER (WHERE status = 'failed'),
    count(*) FILTER (WHERE status = 'blocked'),
    count(*) FILTER (WHERE degraded_action = 'fallback' AND status <> 'failed'),
    sum(cost_nano_usd)::bigint,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY latency_ms)
FROM (
    SELECT trace_id >= %s::uuid AS is_now,
        CASE WHEN trace_id >= %s::uuid
            THEN greatest(1, width_bucket(started_at, %s::timestamptz[])) END AS part,
        feature COLLATE "C" AS feature, status, degraded_action, cost_nano_usd, latency_ms
    FROM ({found}) AS found
) AS told
GROUP BY GROUPING SETS ((is_now), (is_now, part), (is_now, feature))
"""


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
    found = visible(tenants).filter(
        _within(from_ms, to_ms) | _within(from_ms - earlier_by_ms, to_ms - earlier_by_ms)
    )
    inner, parameters = found.values(*_COLUMNS).query.sql_with_params()
    first = first_id_at(from_ms)
    edges = [datetime.fromtimestamp(edge / 1000, UTC) for edge in edges_ms]
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(found=inner), [first, first, edges, *parameters])
        rows = cursor.fetchall()
    return _traffic(rows, len(edges))


def _within(from_ms: int, to_ms: int) -> Q:
    return Q(trace_id__gte=first_id_at(from_ms), trace_id__lt=first_id_at(to_ms))


def _traffic(rows: list[tuple[object, ...]], parts: int) -> Traffic:
    whole, over_time, features = {}, {}, {}
    for is_now, part, feature, by_part, by_feature, *numbers in rows:
        sums = Sums(*numbers)  # type: ignore[arg-type]  # as the query lists them
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
