"""A stored trace as `GET /api/v1/traces/{id}` shows it: exactly the contract's fields.

Nothing that a caller or a provider wrote is among them: no text, no error message of a vendor.
"""

from typing import Any

import msgspec

from apps.ledger.records import AttemptRecord, Outcome
from apps.traces.values import StoredTrace
from apps.traces.verdict import verdict
from routerctl.engine.types import Candidate

Json = dict[str, Any]


def summary(trace: StoredTrace) -> Json:
    """One row of a list: all but the candidates and attempts."""
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
        "usage": _usage(outcome),
        "usage_source": outcome.usage_source,
        "latency_ms": outcome.latency_ms,
        "first_token_ms": outcome.first_token_ms,
        "cost_nano_usd": outcome.cost_nano_usd,
        "held_nano_usd": outcome.held_nano_usd,
        "degraded": _degraded(outcome),
        "marks": list(outcome.marks),
        "verdict": msgspec.to_builtins(verdict(trace)),
    }


def whole(trace: StoredTrace) -> Json:
    """One trace with every candidate and attempt."""
    return {
        **summary(trace),
        "candidates": [candidate(c) for c in trace.head.decision.candidates],
        "attempts": [_attempt(a) for a in trace.attempts],
    }


def candidate(value: Candidate) -> Json:
    """`score` is 0 to 1, higher is better; null where the strategy does not score."""
    return {
        "deployment": value.deployment,
        "eligible": value.eligible,
        "score": None if value.score is None else value.score / 1000,
        "reasons": [{"code": r.code, "message": r.message} for r in value.reasons],
    }


def _attempt(attempt: AttemptRecord) -> Json:
    return {
        "n": attempt.n,
        "deployment": attempt.deployment,
        "started_ms": attempt.started_ms,
        "duration_ms": attempt.duration_ms,
        "outcome": attempt.outcome,
        "error_class": attempt.error_class,
        "http_status": attempt.http_status,
        "provider_request_id": attempt.provider_request_id,
        "usage": _usage(attempt),
        "cost_nano_usd": attempt.cost_nano_usd,
    }


def _usage(counted: Outcome | AttemptRecord) -> dict[str, int]:
    return {
        "input_tokens": counted.input_tokens,
        "output_tokens": counted.output_tokens,
        "cached_input_tokens": counted.cached_input_tokens,
        "cache_write_tokens": counted.cache_write_tokens,
        "reasoning_tokens": counted.reasoning_tokens,
    }


def _degraded(outcome: Outcome) -> Json | None:
    if outcome.degraded_action is None:
        return None
    return {
        "reason": outcome.degraded_reason,
        "action": outcome.degraded_action,
        "message": outcome.degraded_message,
    }
