"""What was spent in a range, by one thing at a time: from rollups where they are, and from the
traces for the rest of the range.

What is a request's (feature, plan, ...) is counted by requests, with all that their attempts cost.
What is a call's (deployment, provider, model) is counted by attempts, because the money of one
request may have gone to several.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from msgspec import Struct
from msgspec.structs import replace

from apps.accounts.tenants import Tenants
from apps.rollups.reading import Split, split

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

_ANSWERED = "status IN ('succeeded', 'degraded')"
_MOMENT = (
    "to_timestamp(('x' || left(replace({}.trace_id::text, '-', ''), 12))::bit(48)::bigint / 1e3)"
)
"""When a request began, as its id says."""
_SUMMED = "o.cost_nano_usd, {wasted}, o.input_tokens, o.cached_input_tokens, o.output_tokens"

# Each has a name, a moment, requests, answered, and _SUMMED.
_REQUESTS = f"""
SELECT coalesce(o."{{by}}", ''), {_MOMENT.format("o")}, 1, (o.{_ANSWERED})::integer,
    {_SUMMED.format(wasted="0")}
FROM ledger_trace o WHERE ({{of_traces}}) {{tenants}}
UNION ALL
SELECT coalesce(o."{{by}}", ''), o.starts_at, o.requests,
    CASE WHEN o.{_ANSWERED} THEN o.requests ELSE 0 END, {_SUMMED.format(wasted="o.wasted_nano_usd")}
FROM rollups_rolledrequests o WHERE ({{of_rollups}}) {{tenants}}
"""  # noqa: S608
_VAIN = "CASE WHEN o.outcome = 'succeeded' THEN 0 ELSE o.cost_nano_usd END"
_CALLS = f"""
SELECT coalesce(o."{{by}}", ''), {_MOMENT.format("o")}, 1, (o.outcome = 'succeeded')::integer,
    {_SUMMED.format(wasted=_VAIN)}
FROM ledger_attempt o {{joined}} WHERE ({{of_traces}}) {{tenants_joined}}
UNION ALL
SELECT coalesce(o."{{by}}", ''), o.starts_at, o.calls,
    CASE WHEN o.outcome = 'succeeded' THEN o.calls ELSE 0 END, {_SUMMED.format(wasted=_VAIN)}
FROM rollups_rolledcalls o WHERE ({{of_rollups}}) {{tenants}}
"""  # noqa: S608
_ROWS = """
SELECT name, sum(requests)::bigint, sum(answered)::bigint, sum(cost)::bigint, sum(wasted)::bigint,
    sum(input)::bigint, sum(cached)::bigint, sum(output)::bigint
FROM ({found}) AS f(name, at, requests, answered, cost, wasted, input, cached, output) GROUP BY 1
"""
_PARTS = """
SELECT CASE WHEN name = ANY (%(names)s) THEN name END,
    greatest(1, width_bucket(at, %(edges)s::timestamptz[])), sum(cost)::bigint
FROM ({found}) AS f(name, at, requests, answered, cost, wasted, input, cached, output) GROUP BY 1, 2
"""
_WASTED = """
SELECT coalesce(o."{by}", ''), sum(a.cost_nano_usd)::bigint
FROM ledger_attempt a JOIN ledger_trace o ON o.trace_id = a.trace_id
WHERE ({of_attempts}) AND ({of_traces})
    AND a.outcome <> 'succeeded' AND a.cost_nano_usd > 0 {tenants}
GROUP BY 1
"""


def spending(
    from_ms: int, to_ms: int, edges_ms: Sequence[int], *, by: str, earlier_by_ms: int,
    tenants: Tenants,
) -> Spending:  # fmt: skip
    """What `tenants` spent from `from_ms` on and before `to_ms`, by one of GROUPINGS, beside what
    they spent in the same span `earlier_by_ms` before, which must not overlap it."""
    assert by in GROUPINGS
    now = _Source(by, split(from_ms, to_ms, edges_ms), tenants)
    before = _Source(by, split(from_ms - earlier_by_ms, to_ms - earlier_by_ms), tenants)
    rows = _rows(now, before)
    whole = Spend("", *(sum(column) for column in zip(*map(_numbers, rows), strict=True)))
    names = [one.name for one in rows[:MOST_SERIES]]
    return Spending(by, tuple(rows), whole, _parts(now, names, edges_ms))


def _numbers(row: Spend) -> tuple[int, ...]:
    return tuple(getattr(row, name) for name in Spend.__struct_fields__[1:])


class _Source(Struct, frozen=True):
    """The requests or calls of a span that are seen, told by `by`."""

    by: str
    span: Split
    tenants: Tenants

    def asked(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        found = _REQUESTS if self.by in OF_REQUESTS else _CALLS
        sql = query.replace("{found}", found).format(
            by=self.by,
            of_traces=self.span.of_traces("o.trace_id"),
            of_attempts=self.span.of_traces("a.trace_id"),
            of_rollups=self.span.of_rollups("o.starts_at"),
            **self._seen(),
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, {**values, "tenants": list(self.tenants.names)})
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def _seen(self) -> dict[str, str]:
        if self.tenants.every:
            return {"tenants": "", "joined": "", "tenants_joined": ""}
        return {
            "tenants": "AND o.tenant = ANY (%(tenants)s)",
            "joined": "JOIN ledger_trace t ON t.trace_id = o.trace_id",
            "tenants_joined": "AND t.tenant = ANY (%(tenants)s)"
            f" AND ({self.span.of_traces('t.trace_id')})",
        }


def _rows(now: _Source, before: _Source) -> list[Spend]:
    found = {row[0]: Spend(*row) for row in now.asked(_ROWS)}
    wasted = now.asked(_WASTED) if now.by in OF_REQUESTS else []
    for name, cost in wasted:
        # The rollups' waste is among the sums; this is that of the traces.
        row = found.get(name, Spend(name))
        found[name] = replace(row, wasted_nano_usd=row.wasted_nano_usd + cost)
    for name, _, _, cost, *_ in before.asked(_ROWS):
        found[name] = replace(found.get(name, Spend(name)), before_nano_usd=cost)
    seen = [row for row in found.values() if row.requests or row.before_nano_usd]
    return sorted(seen, key=lambda row: (-row.cost_nano_usd, -row.before_nano_usd, row.name))


def _parts(
    now: _Source, names: list[str], edges_ms: Sequence[int]
) -> dict[str | None, tuple[int, ...]]:
    edges = [datetime.fromtimestamp(edge / 1000, UTC) for edge in edges_ms]
    sums: dict[str | None, list[int]] = {name: [0] * len(edges) for name in names}
    for name, part, cost in now.asked(_PARTS, names=names, edges=edges):
        sums.setdefault(name, [0] * len(edges))[part - 1] += cost
    return {name: tuple(costs) for name, costs in sums.items()}
