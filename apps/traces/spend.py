"""What was spent in a range, by one thing at a time: two passes over the range in the database.

What is a request's (feature, plan, ...) is counted by requests, with all that their attempts cost.
What is a call's (deployment, provider, model) is counted by attempts, because the money of one
request may have gone to several.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.db import connection
from msgspec import Struct

from apps.accounts.tenants import Tenants
from apps.traces.ids import first_id_at

OF_REQUESTS = ("feature", "task", "plan", "tenant", "app", "app_version", "route", "key")
OF_CALLS = ("deployment", "provider", "model")
GROUPINGS = (*OF_REQUESTS, *OF_CALLS)


class Spend(Struct, frozen=True):
    """What the requests (or the calls, by what is a call's) with the value `name` cost; "" is for
    those without one. `answered` brought an answer. `wasted_nano_usd` went to calls that brought
    none: failed, given up, left by the client. `before_nano_usd` is the cost in the range before.
    `input_tokens` include the cached ones."""

    name: str
    requests: int = 0
    answered: int = 0
    cost_nano_usd: int = 0
    wasted_nano_usd: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    before_nano_usd: int = 0

    @property
    def for_each_answer(self) -> int | None:
        """Nano-USD per answer, waste included, rounded; None without any answer."""
        if not self.answered:
            return None
        return (2 * self.cost_nano_usd + self.answered) // (2 * self.answered)


class Spending(Struct, frozen=True):
    """`rows` cost most first; `whole` is their sum. `parts` is the cost of each part of the axis,
    by the names of the dearest rows and, under None, all others."""

    by: str
    rows: tuple[Spend, ...]
    whole: Spend
    parts: dict[str | None, tuple[int, ...]]


MOST_SERIES = 5

_REQUESTS = """
SELECT coalesce(t."{by}", ''), count(*) FILTER (WHERE {now}),
    count(*) FILTER (WHERE {now} AND t.status IN ('succeeded', 'degraded')),
    coalesce(sum(t.cost_nano_usd) FILTER (WHERE {now}), 0)::bigint, 0::bigint,
    coalesce(sum(t.input_tokens) FILTER (WHERE {now}), 0)::bigint,
    coalesce(sum(t.cached_input_tokens) FILTER (WHERE {now}), 0)::bigint,
    coalesce(sum(t.output_tokens) FILTER (WHERE {now}), 0)::bigint,
    coalesce(sum(t.cost_nano_usd) FILTER (WHERE NOT {now}), 0)::bigint
FROM ledger_trace t
WHERE (({now}) OR (t.trace_id >= %(first_before)s AND t.trace_id < %(last_before)s)) {tenants}
GROUP BY 1
"""
_CALLS = """
SELECT coalesce(a."{by}", ''), count(*) FILTER (WHERE {now}),
    count(*) FILTER (WHERE {now} AND a.outcome = 'succeeded'),
    coalesce(sum(a.cost_nano_usd) FILTER (WHERE {now}), 0)::bigint,
    coalesce(sum(a.cost_nano_usd) FILTER (WHERE {now} AND a.outcome <> 'succeeded'), 0)::bigint,
    coalesce(sum(a.input_tokens) FILTER (WHERE {now}), 0)::bigint,
    coalesce(sum(a.cached_input_tokens) FILTER (WHERE {now}), 0)::bigint,
    coalesce(sum(a.output_tokens) FILTER (WHERE {now}), 0)::bigint,
    coalesce(sum(a.cost_nano_usd) FILTER (WHERE NOT {now}), 0)::bigint
FROM ledger_attempt a {of_tenants}
WHERE (({now}) OR (a.trace_id >= %(first_before)s AND a.trace_id < %(last_before)s)) {tenants}
GROUP BY 1
"""
_WASTED = """
SELECT coalesce(t."{by}", ''), sum(a.cost_nano_usd)::bigint
FROM ledger_attempt a JOIN ledger_trace t ON t.trace_id = a.trace_id
WHERE a.trace_id >= %(first)s AND a.trace_id < %(last)s
    AND t.trace_id >= %(first)s AND t.trace_id < %(last)s
    AND a.outcome <> 'succeeded' AND a.cost_nano_usd > 0 {tenants}
GROUP BY 1
"""
_PARTS = """
SELECT CASE WHEN coalesce(o."{by}", '') = ANY (%(names)s) THEN coalesce(o."{by}", '') END,
    greatest(1, width_bucket({at}, %(edges)s::timestamptz[])),
    sum(o.cost_nano_usd)::bigint
FROM {table} o {of_tenants}
WHERE o.trace_id >= %(first)s AND o.trace_id < %(last)s {tenants}
GROUP BY 1, 2
"""
_MOMENT = (
    "to_timestamp(('x' || left(replace(o.trace_id::text, '-', ''), 12))::bit(48)::bigint / 1e3)"
)
"""When a call's request began, as its id says."""


def spending(
    from_ms: int, to_ms: int, edges_ms: Sequence[int], *, by: str, earlier_by_ms: int,
    tenants: Tenants,
) -> Spending:  # fmt: skip
    """What `tenants` spent from `from_ms` on and before `to_ms`, by one of GROUPINGS, beside what
    they spent in the same span `earlier_by_ms` before, which must not overlap it."""
    assert by in GROUPINGS
    values: dict[str, Any] = {
        "first": first_id_at(from_ms),
        "last": first_id_at(to_ms),
        "first_before": first_id_at(from_ms - earlier_by_ms),
        "last_before": first_id_at(to_ms - earlier_by_ms),
        "edges": [datetime.fromtimestamp(edge / 1000, UTC) for edge in edges_ms],
    }
    rows = _rows(by, values, tenants)
    values["names"] = [one.name for one in rows[:MOST_SERIES]]
    whole = Spend("", *(sum(column) for column in zip(*map(_numbers, rows), strict=True)))
    return Spending(by, tuple(rows), whole, _parts(by, values, len(edges_ms), tenants))


def _numbers(row: Spend) -> tuple[int, ...]:
    return tuple(getattr(row, name) for name in Spend.__struct_fields__[1:])


def _rows(by: str, values: dict[str, Any], tenants: Tenants) -> list[Spend]:
    alias = "t" if by in OF_REQUESTS else "a"
    now = f"{alias}.trace_id >= %(first)s AND {alias}.trace_id < %(last)s"
    query = _REQUESTS if by in OF_REQUESTS else _CALLS
    found = [Spend(*row) for row in _asked(query, by, values, tenants, now=now)]
    if by in OF_REQUESTS:
        wasted = dict(_asked(_WASTED, by, values, tenants))
        found = [_with_waste(row, wasted.get(row.name, 0)) for row in found]
    seen = [row for row in found if row.requests or row.before_nano_usd]
    return sorted(seen, key=lambda row: (-row.cost_nano_usd, -row.before_nano_usd, row.name))


def _with_waste(row: Spend, wasted: int) -> Spend:
    return msgspec.structs.replace(row, wasted_nano_usd=wasted)


def _parts(
    by: str, values: dict[str, Any], number: int, tenants: Tenants
) -> dict[str | None, tuple[int, ...]]:
    calls = by in OF_CALLS
    table, at = ("ledger_attempt", _MOMENT) if calls else ("ledger_trace", "o.started_at")
    sums: dict[str | None, list[int]] = {name: [0] * number for name in values["names"]}
    for name, part, cost in _asked(_PARTS, by, values, tenants, table=table, at=at):
        sums.setdefault(name, [0] * number)[part - 1] += cost
    return {name: tuple(costs) for name, costs in sums.items()}


def _asked(
    query: str, by: str, values: dict[str, Any], tenants: Tenants, **how: str
) -> list[tuple[Any, ...]]:
    own = query is _WASTED or by in OF_REQUESTS
    table = "t" if query is not _PARTS else "o"
    values = {**values, "tenants": list(tenants.names)}
    joined = "JOIN ledger_trace t ON t.trace_id = {0}.trace_id AND t.tenant = ANY (%(tenants)s)"
    sql = query.format(
        by=by,
        tenants="" if tenants.every or not own else f"AND {table}.tenant = ANY (%(tenants)s)",
        of_tenants="" if tenants.every or own else joined.format("o" if query is _PARTS else "a"),
        **how,
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
