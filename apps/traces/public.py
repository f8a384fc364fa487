"""A stored trace as `GET /api/v1/traces/{id}` shows it.

Nothing that a caller or a provider wrote is among them: no text, no error message of a vendor.
The API's schema is made from these types.
"""

from typing import Any, Self

from msgspec import Struct

from apps.ledger.records import AttemptRecord, Outcome
from apps.traces.values import StoredTrace
from apps.traces.verdict import Verdict, verdict
from routerctl.engine.types import Candidate, Reason
from routerctl.wire.types import Degraded


class TokenUsage(Struct, frozen=True):
    """`input_tokens` includes cached reads and cache writes, `output_tokens` reasoning."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int

    @classmethod
    def of(cls, counted: Outcome | AttemptRecord) -> Self:
        return cls(
            counted.input_tokens,
            counted.output_tokens,
            counted.cached_input_tokens,
            counted.cache_write_tokens,
            counted.reasoning_tokens,
        )


class ConsideredDeployment(Struct, frozen=True):
    """`score` is 0 to 1, higher is better; null where the strategy does not score."""

    deployment: str
    eligible: bool
    score: float | None
    reasons: tuple[Reason, ...]

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        score = None if candidate.score is None else candidate.score / 1000
        return cls(candidate.deployment, candidate.eligible, score, candidate.reasons)


class MadeAttempt(Struct, frozen=True):
    """`started_ms` counts from the request's start."""

    n: int
    deployment: str
    started_ms: int
    duration_ms: int
    outcome: str
    error_class: str | None
    http_status: int | None
    provider_request_id: str | None
    usage: TokenUsage
    cost_nano_usd: int

    @classmethod
    def of(cls, attempt: AttemptRecord) -> Self:
        return cls(
            n=attempt.n,
            deployment=attempt.deployment,
            started_ms=attempt.started_ms,
            duration_ms=attempt.duration_ms,
            outcome=attempt.outcome,
            error_class=attempt.error_class,
            http_status=attempt.http_status,
            provider_request_id=attempt.provider_request_id,
            usage=TokenUsage.of(attempt),
            cost_nano_usd=attempt.cost_nano_usd,
        )


class TraceSummary(Struct, frozen=True):
    """One row of a list: all but the candidates and attempts."""

    trace_id: str
    status: str
    finish_status: str
    error_code: str | None
    tenant: str | None
    feature: str | None
    task: str | None
    plan: str | None
    app: str | None
    app_version: str | None
    route: str | None
    revision: str
    deployment: str | None
    provider: str | None
    model: str | None
    usage: TokenUsage
    usage_source: str
    latency_ms: int
    first_token_ms: int | None
    cost_nano_usd: int
    held_nano_usd: int
    degraded: Degraded | None
    marks: tuple[str, ...]
    verdict: Verdict


class TraceDetail(TraceSummary, frozen=True):
    candidates: tuple[ConsideredDeployment, ...]
    attempts: tuple[MadeAttempt, ...]


def summary(trace: StoredTrace) -> TraceSummary:
    """`trace` as a row of a list."""
    return TraceSummary(**_facts(trace))


def detail(trace: StoredTrace) -> TraceDetail:
    """`trace` with every candidate and attempt."""
    return TraceDetail(
        **_facts(trace),
        candidates=tuple(map(ConsideredDeployment.of, trace.head.decision.candidates)),
        attempts=tuple(map(MadeAttempt.of, trace.attempts)),
    )


def _facts(trace: StoredTrace) -> dict[str, Any]:
    request, decision, outcome = trace.head.request, trace.head.decision, trace.outcome
    return {
        "trace_id": trace.trace_id,
        "status": outcome.status,
        "finish_status": outcome.finish_status,
        "error_code": outcome.error_code,
        "tenant": request.tenant,
        "feature": request.feature,
        "task": decision.task or request.task,
        "plan": request.plan,
        "app": request.app,
        "app_version": request.app_version,
        "route": decision.route,
        "revision": decision.revision,
        "deployment": outcome.deployment,
        "provider": outcome.provider,
        "model": outcome.model,
        "usage": TokenUsage.of(outcome),
        "usage_source": outcome.usage_source,
        "latency_ms": outcome.latency_ms,
        "first_token_ms": outcome.first_token_ms,
        "cost_nano_usd": outcome.cost_nano_usd,
        "held_nano_usd": outcome.held_nano_usd,
        "degraded": _degraded(outcome),
        "marks": outcome.marks,
        "verdict": verdict(trace),
    }


def _degraded(outcome: Outcome) -> Degraded | None:
    if outcome.degraded_action is None:
        return None
    return Degraded(
        outcome.degraded_reason or "", outcome.degraded_action, outcome.degraded_message
    )
