"""Traffic of a range beside that of an earlier one: in all, over time and by feature; from rollups
where they are, and from the traces for the rest.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from msgspec import Struct

from apps.accounts.tenants import Tenants
from apps.rollups.latencies import BOUNDS_MS, percentile_ms
from apps.rollups.reading import Split, split

# One bucket of latencies a row, so that there are few rows however many requests there were. What
# rollups sum up has no bucket of its own: those come apart. Features are told apart by their bytes,
# which is a good deal faster than by a language's rules.
_SQL = """
SELECT part, feature, grouping(part) = 0, grouping(feature) = 0, bucket, sum(n)::bigint,
    sum(requests)::bigint, sum(failed)::bigint, sum(blocked)::bigint, sum(fallbacks)::bigint,
    sum(cost)::bigint
FROM (
    SELECT greatest(1, width_bucket(to_timestamp(
            ('x' || left(replace(o.trace_id::text, '-', ''), 12))::bit(48)::bigint / 1e3
        ), %(edges)s::timestamptz[])), o.feature COLLATE "C",
        width_bucket(greatest(o.latency_ms, 0)::integer, %(bounds)s::integer[]), 1, 1,
        (o.status = 'failed')::integer, (o.status = 'blocked')::integer,
        coalesce(o.degraded_action = 'fallback' AND o.status <> 'failed', false)::integer,
        o.cost_nano_usd
    FROM ledger_trace o WHERE ({of_traces}) {tenants}
    UNION ALL
    SELECT greatest(1, width_bucket(o.starts_at, %(edges)s::timestamptz[])),
        o.feature COLLATE "C", NULL, 0, o.requests,
        CASE o.status WHEN 'failed' THEN o.requests ELSE 0 END,
        CASE o.status WHEN 'blocked' THEN o.requests ELSE 0 END, o.fallbacks, o.cost_nano_usd
    FROM rollups_rolledrequests o WHERE ({of_rollups}) {tenants}
    UNION ALL
    SELECT greatest(1, width_bucket(o.starts_at, %(edges)s::timestamptz[])),
        o.feature COLLATE "C", u.bucket, u.n, 0, 0, 0, 0, 0
    FROM rollups_rolledrequests o, unnest(o.latency_buckets, o.latency_counts) AS u(bucket, n)
    WHERE ({of_rollups}) {tenants}
) AS f(part, feature, bucket, n, requests, failed, blocked, fallbacks, cost)
GROUP BY GROUPING SETS ((bucket), (part, bucket), (feature, bucket))
"""


class Sums(Struct, frozen=True):
    """Requests and what they came to. `fallbacks` were answered by another than the first choice;
    `p95_ms` is within 5 percent, and None without any request."""

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
    now = _summed(split(from_ms, to_ms, edges_ms), edges_ms, tenants)
    before = _summed(split(from_ms - earlier_by_ms, to_ms - earlier_by_ms), edges_ms, tenants)
    return Traffic(
        now=now.get(_WHOLE, Sums()),
        before=before.get(_WHOLE, Sums()),
        parts=tuple(now.get((n, None, True, False), Sums()) for n in range(1, len(edges_ms) + 1)),
        features={what[1]: sums for what, sums in now.items() if what[3]},
    )


_Group = tuple[int | None, str | None, bool, bool]
"""Which part and which feature, and whether it is a part's or a feature's."""
_WHOLE: _Group = (None, None, False, False)


def _summed(span: Split, edges_ms: Sequence[int], tenants: Tenants) -> dict[_Group, Sums]:
    query = _SQL.format(
        of_traces=span.of_traces("o.trace_id"),
        of_rollups=span.of_rollups("o.starts_at"),
        tenants="" if tenants.every else "AND o.tenant = ANY (%(tenants)s)",
    )
    values: dict[str, Any] = {
        "edges": [datetime.fromtimestamp(edge / 1000, UTC) for edge in edges_ms],
        "bounds": list(BOUNDS_MS),
        "tenants": list(tenants.names),
    }
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return _sums(cursor.fetchall())


def _sums(rows: list[tuple[Any, ...]]) -> dict[_Group, Sums]:
    counted: dict[_Group, list[int]] = {}
    latencies: dict[_Group, Counter[int]] = {}
    for part, feature, by_part, by_feature, bucket, number, *numbers in rows:
        group = (part, feature, by_part, by_feature)
        known = counted.setdefault(group, [0] * len(numbers))
        counted[group] = [a + b for a, b in zip(known, numbers, strict=True)]
        of_group = latencies.setdefault(group, Counter())
        if bucket is not None:
            of_group[bucket] += number
    found = {}
    for group, (requests, failed, blocked, fallbacks, cost) in counted.items():
        p95_ms = percentile_ms(0.95, latencies[group])
        found[group] = Sums(requests, failed, blocked, fallbacks, cost, p95_ms)
    return found
