"""What requests usually come to, by route, task and deployment: read from the traces of the last
days, for the estimates that candidates are compared by. Money is never held by it.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import connection
from msgspec import Struct

from apps.traces.bounded import if_quick
from apps.traces.ids import first_id_at
from routerctl.engine.types import Usual

DAYS = (7.0, 1.0, 0.1)
"""So far back is looked, or less where that takes too long."""
WITHIN_MS = 4_000
LEAST_ANSWERS = 20
"""Fewer tell more about themselves than about the next one."""

_SQL = """
WITH billed AS (
    SELECT t.route, coalesce(t.task, '') AS task, a.deployment, a.outcome, a.usage_source,
        a.input_tokens, a.output_tokens, a.cached_input_tokens, a.cache_write_tokens,
        a.reasoning_tokens, a.cost_nano_usd,
        coalesce((t.head->'request'->>'text_bytes')::bigint, 0) AS text_bytes,
        a.outcome = 'succeeded' AND a.usage_source = 'provider'
            AND NOT t.head->'decision' ? 'drop_turns' AS told
    FROM ledger_trace t JOIN ledger_attempt a ON a.trace_id = t.trace_id
    WHERE t.trace_id >= %(first)s AND t.trace_id < %(last)s
        AND (%(route)s::text IS NULL OR t.route = %(route)s)
        AND a.trace_id >= %(first)s AND a.trace_id < %(last)s
        AND t.route IS NOT NULL AND a.usage_source <> 'none'
), grouped AS (
    SELECT route, task, GROUPING(task) = 1 AS whole, deployment,
        count(*) AS calls,
        count(*) FILTER (WHERE outcome = 'succeeded') AS answers,
        count(*) FILTER (WHERE told) AS told,
        avg(input_tokens) FILTER (WHERE told) AS input,
        avg(text_bytes) FILTER (WHERE told) AS bytes,
        greatest(0, least(1, coalesce(
            regr_slope(input_tokens, text_bytes) FILTER (WHERE told), 0.25))) AS slope,
        avg(output_tokens) FILTER (WHERE told) AS output,
        sum(input_tokens) FILTER (WHERE told) AS all_input,
        sum(cached_input_tokens) FILTER (WHERE told) AS cached,
        sum(cache_write_tokens) FILTER (WHERE told) AS written,
        sum(output_tokens) FILTER (WHERE told) AS all_output,
        sum(reasoning_tokens) FILTER (WHERE told) AS reasoning,
        sum(cost_nano_usd) AS cost
    FROM billed GROUP BY GROUPING SETS ((route, deployment, task), (route, deployment))
)
SELECT route, CASE WHEN whole THEN '' ELSE task END, deployment, answers,
    round(input - slope * bytes), round(slope * 1000),
    coalesce(1000 * cached / nullif(all_input, 0), 0),
    coalesce(1000 * written / nullif(all_input, 0), 0),
    round(output), coalesce(1000 * reasoning / nullif(all_output, 0), 0),
    1000 * calls / answers, round(input), round(cost / answers)
FROM grouped WHERE told >= %(least)s AND (whole OR task <> '')
ORDER BY route, 2, deployment
"""


class Figures(Struct, frozen=True):
    """What is `usual` on `route` for `task` ("" for all of its tasks) at `deployment`, with the
    mean input and what an answer came to, in vain calls included."""

    route: str
    task: str
    deployment: str
    usual: Usual
    input_tokens: int
    cost_nano_usd: int


def usual_figures(
    now_ms: int, *, route: str | None = None, within_ms: int | None = None
) -> tuple[Figures, ...] | None:
    """Of the requests before `now_ms`, of `route` alone or of all; None when even the last hours
    take longer than `within_ms` to read."""
    for days in DAYS:
        first_ms = now_ms - round(days * 86_400_000)
        found = if_quick(partial(_read, first_ms, now_ms, route), within_ms=within_ms or WITHIN_MS)
        if found is not None:
            return found
    return None


def _read(first_ms: int, last_ms: int, route: str | None) -> tuple[Figures, ...]:
    bounds: dict[str, Any] = {
        "first": first_id_at(first_ms),
        "last": first_id_at(last_ms),
        "least": LEAST_ANSWERS,
        "route": route,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SQL, bounds)
        return tuple(_figures(*row) for row in cursor.fetchall())


def _figures(route: str, task: str, deployment: str, *numbers: Any) -> Figures:
    *usual, input_tokens, cost_nano_usd = map(int, numbers)
    return Figures(route, task, deployment, Usual(*usual), input_tokens, cost_nano_usd)


class UsualBook:
    """What this process knows of it. `refresh` reads, and may take seconds; `on` only looks."""

    def __init__(self) -> None:
        self._by_task: dict[tuple[str, str], dict[str, Usual]] = {}

    def on(self, route: str, task: str) -> Mapping[str, Usual]:
        """What is usual on `route` for `task`, by deployment; of a task that is not known well
        enough, what is usual on the route."""
        known = self._by_task
        return known.get((route, task)) or known.get((route, "")) or _NOTHING

    def refresh(self, now_ms: int) -> None:
        """Read it anew. What was known is kept where that takes too long."""
        figures = usual_figures(now_ms)
        if figures is not None:
            self._by_task = _by_task(figures)


_NOTHING: Mapping[str, Usual] = {}


def _by_task(figures: tuple[Figures, ...]) -> dict[tuple[str, str], dict[str, Usual]]:
    """A deployment that is not known well enough for a task stands with what is usual there on
    the whole route. The rows of the whole route come first."""
    found: dict[tuple[str, str], dict[str, Usual]] = {}
    for one in figures:
        of_route = found.get((one.route, ""), _NOTHING)
        found.setdefault((one.route, one.task), dict(of_route))[one.deployment] = one.usual
    return found
