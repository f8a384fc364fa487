"""Traces as CSV: one line for each, as many as match, no larger in memory than a batch."""

from collections.abc import Iterable, Iterator

from apps.dashboards import clock
from apps.dashboards.cost import trace_cost
from apps.traces.values import StoredTrace
from routerctl.sheets import Cell, csv_text

MOST_ROWS = 100_000

_NAMES = (
    "trace_id", "status", "finish_status", "http_status", "error_code", "degraded_action",
    "tenant", "feature", "task", "plan", "route", "revision", "deployment", "provider", "model",
    "app", "app_version", "key_prefix", "session", "user", "request_id", "calls", "input_tokens",
    "output_tokens", "first_token_ms", "latency_ms", "cost_nano_usd", "cost_is_known",
)  # fmt: skip


def csv_lines(batches: Iterable[tuple[StoredTrace, ...]]) -> Iterator[str]:
    """The head, which names the zone of its moments, then a text for each batch. A file that ends
    at the limit says so in its last line."""
    rows = 0
    yield csv_text([(f"started_at ({clock.zone()})", *_NAMES)])
    for batch in batches:
        rows += len(batch)
        yield csv_text(map(_row, batch))
    if rows >= MOST_ROWS:
        yield csv_text([(f"The export ends here, after {MOST_ROWS:,} traces. Narrow the range.",)])


def _row(trace: StoredTrace) -> tuple[Cell, ...]:
    head, outcome = trace.head, trace.outcome
    asked, decided, cost = head.request, head.decision, trace_cost(trace)
    moment = clock.local(head.started_at_ms).isoformat(timespec="milliseconds")
    return (
        *(moment, trace.trace_id, outcome.status, outcome.finish_status, outcome.http_status),
        *(outcome.error_code, outcome.degraded_action, asked.tenant, asked.feature),
        *(decided.task or asked.task, asked.plan, decided.route, decided.revision),
        *(outcome.deployment, outcome.provider, outcome.model, asked.app, asked.app_version),
        *(asked.key, asked.session, asked.user, head.request_id, len(trace.attempts)),
        *(outcome.input_tokens, outcome.output_tokens, outcome.first_token_ms),
        *(outcome.latency_ms, cost.nano_usd, "yes" if cost.nano_usd is not None else "no"),
    )
