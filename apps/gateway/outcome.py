"""How a request ended, for its trace and for its caller: both are told the same."""

from apps.gateway.execute import Execution
from apps.ledger.records import AttemptRecord, Outcome, TraceHead
from routerctl.engine.errors import RouterError
from routerctl.engine.types import Decision
from routerctl.providers.types import Usage
from routerctl.wire.types import Degraded, Disclose

_FALLBACK = {
    "connect": "could not be reached",
    "server": "failed",
    "overloaded": "was overloaded",
    "rate_limited": "was limiting requests",
    "quota": "had no quota left",
    "auth": "rejected our credentials",
    "model_gone": "no longer has the model",
    "content_policy": "would not answer that",
    "context_length": "could not read that much",
    "timeout": "did not answer in time",
    "stalled": "fell silent",
    "truncated": "broke off",
    "malformed": "sent something unreadable",
    "blocked_origin": "may not be called from here",
}


def ended_well(execution: Execution, finish_status: str, flags: tuple[str, ...]) -> Outcome:
    """The outcome of an answer that is complete, from the first candidate or a later one."""
    last = execution.records[-1]
    degraded = _notice(execution, last.deployment)
    return _outcome(
        execution,
        status="degraded" if degraded else "succeeded",
        finish_status=finish_status,
        http_status=200,
        answered=last,
        flags=flags,
        degraded=degraded,
    )


def ended_badly(execution: Execution, error: RouterError, flags: tuple[str, ...]) -> Outcome:
    """The outcome of an admitted request that has no whole answer."""
    return _outcome(
        execution,
        status="failed",
        finish_status="error",
        http_status=error.kind.status,
        error=error,
        flags=flags,
    )


def refused(error: RouterError, flags: tuple[str, ...], latency_ms: int) -> Outcome:
    """The outcome of a request that was turned away before anything was held or sent."""
    blocked = error.code in ("policy_blocked", "safety_blocked")
    return Outcome(
        status="blocked" if blocked else "failed",
        finish_status="blocked" if blocked else "error",
        http_status=error.kind.status,
        error_code=error.code,
        error_message=error.message,
        latency_ms=latency_ms,
        safety_flags=flags,
    )


def so_far(execution: Execution, flags: tuple[str, ...]) -> Outcome:
    """What can be said of a stream when its first content is in hand."""
    attempt = execution.current
    assert attempt is not None
    deployment = attempt.endpoint.deployment
    notice = _notice(execution, deployment.slug)
    return Outcome(
        status="degraded" if notice else "succeeded",
        finish_status="stop",
        http_status=200,
        deployment=deployment.slug,
        provider=deployment.provider,
        model=deployment.model,
        degraded_reason=notice.reason if notice else None,
        degraded_action=notice.action if notice else None,
        degraded_message=notice.message if notice else "",
        safety_flags=flags,
    )


def _notice(execution: Execution, answered: str) -> Degraded | None:
    """Said whenever another candidate answers than the one that was chosen, and whenever a cap
    took something from the answer. What failed is said before what was too dear."""
    decision = execution.head.decision
    failed = [record for record in execution.records if record.deployment != answered]
    if failed:
        reason = failed[0].error_class or "server"
        why = _FALLBACK.get(reason, "failed")
        did = "went on from there" if execution.parts else "answered"
        return Degraded(reason, "fallback", f"The first choice {why}; another model {did}.")
    if execution.full is not None:
        cap = execution.claims.cap(execution.full).slug
        message = f"Cap {cap} has no room for the first choice; a cheaper model answered."
        return Degraded("cap_reached", "cheaper", message)
    if decision.lessened:
        first = decision.lessened[0]
        return Degraded("cap_reached", first.action, first.message)
    return None


def usage_of(outcome: Outcome) -> Usage:
    """The tokens that the caller is told: the same that stand on the trace."""
    return Usage(
        input_tokens=outcome.input_tokens,
        output_tokens=outcome.output_tokens,
        cached_input_tokens=outcome.cached_input_tokens,
        cache_write_tokens=outcome.cache_write_tokens,
        reasoning_tokens=outcome.reasoning_tokens,
    )


def disclosed(error: RouterError, decision: Decision | None, disclose: Disclose) -> RouterError:
    """`error` with every candidate and why it left, as far as the key may know it."""
    if decision is None or error.code not in ("policy_blocked", "no_eligible_deployment"):
        return error
    named = disclose == "deployment"
    candidates = [
        {
            "deployment": candidate.deployment if named else None,
            "reasons": [
                {"code": r.code, "message": r.message} if named else {"code": r.code}
                for r in candidate.reasons
            ],
        }
        for candidate in decision.candidates
    ]
    return RouterError(
        error.code,
        error.message if named else "",
        details={**error.details, "candidates": candidates},
        retry_after_s=error.retry_after_s,
    )


def marks_of(execution: Execution, head: TraceHead) -> tuple[str, ...]:
    """What stands out about a request that its status does not say."""
    marks = [f"dropped:{name}" for name in sorted(execution.dropped)]
    marks += [f"ignored:{name}" for name in head.ignored_fields]
    if execution.bound_exceeded:
        marks.append("bound_exceeded")
    return tuple(marks)


def _outcome(
    execution: Execution,
    *,
    status: str,
    finish_status: str,
    http_status: int,
    flags: tuple[str, ...],
    answered: AttemptRecord | None = None,
    error: RouterError | None = None,
    degraded: Degraded | None = None,
) -> Outcome:
    counted = execution.records if answered is None else [*execution.parts, answered]
    tokens = _tokens(counted)
    return Outcome(
        status=status,
        finish_status=finish_status,
        http_status=http_status,
        error_code=error.code if error else None,
        error_message=error.message if error else "",
        deployment=answered.deployment if answered else None,
        provider=answered.provider if answered else None,
        model=answered.model if answered else None,
        input_tokens=tokens.input_tokens,
        output_tokens=tokens.output_tokens,
        cached_input_tokens=tokens.cached_input_tokens,
        cache_write_tokens=tokens.cache_write_tokens,
        reasoning_tokens=tokens.reasoning_tokens,
        usage_source=_source(counted),
        latency_ms=execution.elapsed_ms,
        first_token_ms=_first_token_ms(answered),
        cost_nano_usd=execution.cost_nano_usd,
        held_nano_usd=execution.held_nano_usd,
        degraded_reason=degraded.reason if degraded else None,
        degraded_action=degraded.action if degraded else None,
        degraded_message=degraded.message if degraded else "",
        safety_flags=flags,
        marks=marks_of(execution, execution.head),
    )


def _tokens(records: list[AttemptRecord]) -> AttemptRecord | Usage:
    """The answer's own tokens; where there is no answer, all that may be billed."""
    if len(records) == 1:
        return records[0]
    return Usage(
        sum(r.input_tokens for r in records),
        sum(r.output_tokens for r in records),
        sum(r.cached_input_tokens for r in records),
        sum(r.cache_write_tokens for r in records),
        sum(r.reasoning_tokens for r in records),
    )


def _source(records: list[AttemptRecord]) -> str:
    if len(records) == 1:
        return records[0].usage_source
    sources = {record.usage_source for record in records} - {"none"}
    if not sources:
        return "none"
    return "provider" if sources == {"provider"} else "estimated"


def _first_token_ms(answered: AttemptRecord | None) -> int | None:
    if answered is None or answered.first_token_ms is None:
        return None
    return answered.started_ms + answered.first_token_ms
