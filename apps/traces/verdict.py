"""What happened to one request, in plain words: for support first, and for everybody.

`verdict` is a pure function of a stored trace. The error catalogue says what a code means; the
tellers here weave in this request's own facts: gates, checks, deployments, seconds, amounts.
A new code needs a row in the catalogue, and a teller only where its facts deserve one.
"""

from collections.abc import Callable

from msgspec import Struct

from apps.ledger.records import AttemptRecord
from apps.traces.values import StoredTrace
from apps.traces.words import seconds, sentence, usd
from routerctl.engine.errors import CATALOGUE
from routerctl.engine.sentences import all_of, capitalised
from routerctl.engine.types import Finding, Sensitivity

Teller = Callable[[StoredTrace], str]


class Verdict(Struct, frozen=True):
    """`code` is succeeded, degraded or an error code. `owner` is who can end it, `nobody` when
    there is nothing to end; `customer_text` is safe to show to an end user."""

    code: str
    sentence: str
    owner: str
    retry_helps: bool
    next_step: str
    customer_text: str


def verdict(trace: StoredTrace) -> Verdict:
    """The plain-word answer to "what happened to this request?"."""
    code = trace.outcome.error_code
    if code is None:
        return _answered(trace)
    kind = CATALOGUE[code]
    return Verdict(
        code=code,
        sentence=_repeated(trace) or _TELLERS.get(code, _as_told)(trace),
        owner=kind.owner,
        retry_helps=kind.retry_helps,
        next_step=kind.next_step,
        customer_text=kind.customer_text,
    )


# --------------------------------------------------------------------------- it was answered


def _answered(trace: StoredTrace) -> Verdict:
    outcome = trace.outcome
    earlier = _repeated(trace)
    if earlier:
        return Verdict(
            code="succeeded",
            sentence=earlier,
            owner="nobody",
            retry_helps=False,
            next_step="Nothing to do. The first request's trace says how its answer came about.",
            customer_text="Your request was answered.",
        )
    degraded = outcome.status == "degraded"
    owner, next_step = "nobody", "Nothing to do."
    customer_text = "Your request was answered."
    if outcome.finish_status == "length":
        owner = "client"
        next_step = "If the end is missing, ask for more output tokens or raise the route's limit."
        customer_text = "Your request was answered, but the answer was cut off."
    elif outcome.finish_status == "refused":
        refused = CATALOGUE["content_refused"]
        owner, next_step = refused.owner, refused.next_step
        customer_text = refused.customer_text
    elif degraded:
        next_step = "Nothing for the caller to do. If it repeats, see how the first choice does."
    return Verdict(
        code="degraded" if degraded else "succeeded",
        sentence=_degraded(trace) if degraded else sentence(_answer(trace)),
        owner=owner,
        retry_helps=False,
        next_step=next_step,
        customer_text=customer_text,
    )


def _repeated(trace: StoredTrace) -> str:
    """`The answer to ... was given again`, for a request that came again with its key."""
    ids = [mark.partition(":")[2] for mark in trace.outcome.marks if mark.startswith("repeats:")]
    if not ids:
        return ""
    return (
        f"The answer to request {ids[0]} was given again, because this one has the same"
        " Idempotency-Key and asks for the same. Nobody was called."
    )


def _answer(trace: StoredTrace) -> str:
    """`openai/small (provider openai) answered in 1.2 s for $0.000042, chosen by route chat`"""
    outcome, decision = trace.outcome, trace.head.decision
    by = f", chosen by route {decision.route}" if decision.route else ""
    return (
        f"{outcome.deployment} (provider {outcome.provider}) {_finished(trace)}"
        f" in {seconds(outcome.latency_ms)} for {_cost(trace)}{by}"
    )


def _finished(trace: StoredTrace) -> str:
    status, outcome = trace.outcome.finish_status, trace.outcome
    if status == "length":
        return f"answered, cut off after {outcome.output_tokens} output tokens,"
    if status == "refused":
        return "declined to answer this"
    if status == "tool_calls":
        return "asked for a tool"
    again = sum(a.deployment == outcome.deployment for a in trace.attempts) > 1
    return "answered when asked again," if again else "answered"


def _cost(trace: StoredTrace) -> str:
    amount = usd(trace.outcome.cost_nano_usd)
    return amount if trace.outcome.usage_source == "provider" else f"an estimated {amount}"


def _degraded(trace: StoredTrace) -> str:
    failed = _failures(trace)
    if trace.outcome.degraded_action == "fallback" and failed:
        return sentence(f"{all_of(failed)}, so {_answer(trace)}")
    return f"{sentence(trace.outcome.degraded_message)} {_answer(trace)}."


# --------------------------------------------------------------------------- attempts in words

_FAILED_AS = {
    "connect": "could not be reached",
    "server": "failed",
    "overloaded": "was overloaded",
    "rate_limited": "was limiting our requests",
    "quota": "had no quota left for us",
    "auth": "rejected our credentials",
    "model_gone": "no longer has the model",
    "invalid_request": "rejected the request as invalid",
    "context_length": "could not read an input that long",
    "content_policy": "refused to answer",
    "timeout": "did not answer in time",
    "stalled": "fell silent in the middle of its answer",
    "truncated": "broke off in the middle of its answer",
    "malformed": "sent something unreadable",
    "blocked_origin": "is at an address that may not be called from here",
}


def failure(attempt: AttemptRecord) -> str:
    """What went wrong with one attempt: `was overloaded after 1.2 s (HTTP 503)`."""
    words = _FAILED_AS.get(attempt.error_class or "", "failed")
    status = attempt.http_status
    told = f" (HTTP {status})" if status is not None and status >= 400 else ""
    return f"{words} after {seconds(attempt.duration_ms)}{told}"


def _failures(trace: StoredTrace) -> list[str]:
    """Each deployment that failed, once, in order, with what ended its last attempt."""
    last = {a.deployment: a for a in trace.attempts if a.outcome == "failed"}
    return [f"{slug} (provider {a.provider}) {failure(a)}" for slug, a in last.items()]


# --------------------------------------------------------------------------- it was not


def _as_told(trace: StoredTrace) -> str:
    """The catalogue's sentence, with what this request's own message adds to it."""
    general = CATALOGUE[trace.outcome.error_code or "internal_error"].sentence
    own = capitalised(sentence(trace.outcome.error_message))
    return general if own in ("", general) else f"{general} {own}"


def _provider_failed(trace: StoredTrace) -> str:
    failed = _failures(trace)
    if not failed:
        return _as_told(trace)
    if len(trace.attempts) == 1:
        return sentence(f"{failed[0]}, and nothing else was tried")
    return f"All {len(trace.attempts)} attempts failed: {all_of(failed)}."


def _policy_blocked(trace: StoredTrace) -> str:
    gates = [
        f"gate {gate.gate} turned away {all_of(gate.rejected)}"
        for gate in trace.head.decision.gates
        if gate.rejected
    ]
    if not gates:
        return _as_told(trace)
    return f"{_circumstances(trace)}{capitalised(all_of(gates))}. No deployment was left."


def _circumstances(trace: StoredTrace) -> str:
    """What about the request the gates look at, as far as it is special."""
    decision, request = trace.head.decision, trace.head.request
    facts = []
    if decision.sensitivity.rank >= Sensitivity.PII.rank:
        kinds = all_of(trace.head.reading.personal_data)
        found = f" ({kinds} found in its text)" if kinds else ""
        facts.append(f"counts as {decision.sensitivity}{found}")
    if request.residency:
        facts.append(f"must stay in {request.residency}")
    return f"This request {all_of(facts)}. " if facts else ""


def _safety_blocked(trace: StoredTrace) -> str:
    checks = [
        f"check {finding.check} {_found(finding)}"
        for finding in trace.head.reading.findings
        if finding.do == "block"
    ]
    if not checks:
        return _as_told(trace)
    return f"{capitalised(all_of(checks))} in the text, so no provider was called."


def _found(finding: Finding) -> str:
    """`found secret openai key`: the kinds, never the text."""
    kinds = [kind.replace(":", " ").replace("_", " ") for kind in finding.kinds]
    return f"found {all_of(kinds)}" if kinds else "matched something"


def _nobody_eligible(trace: StoredTrace) -> str:
    decision = trace.head.decision
    why = [
        f"{c.deployment}: {all_of([reason.message.rstrip('.') for reason in c.reasons])}"
        for c in decision.candidates
        if not c.eligible
    ]
    if not why:
        return _as_told(trace)
    return f"No deployment of route {decision.route} could serve this. {sentence('; '.join(why))}"


def _route_disabled(trace: StoredTrace) -> str:
    route = trace.head.decision.route
    return f"Route {route} is switched off." if route else _as_told(trace)


def _client_disconnected(trace: StoredTrace) -> str:
    when = f"The client went away after {seconds(trace.outcome.latency_ms)}"
    if not trace.attempts:
        return f"{when}, before any provider was called."
    last = trace.attempts[-1]
    return (
        f"{when}, while {last.deployment} (provider {last.provider}) was answering;"
        f" {_cost(trace)} is counted as spent."
    )


def _abandoned(trace: StoredTrace) -> str:
    if not trace.outcome.cost_nano_usd:
        return "The server process that handled this request died before it could end."
    return (
        "The server process that handled this request died before it could end."
        f" {usd(trace.outcome.cost_nano_usd)}, the most it can have cost, is counted as spent."
    )


_TELLERS: dict[str, Teller] = {
    "policy_blocked": _policy_blocked,
    "safety_blocked": _safety_blocked,
    "no_eligible_deployment": _nobody_eligible,
    "route_disabled": _route_disabled,
    "invalid_request": _provider_failed,
    "context_too_long": _provider_failed,
    "content_refused": _provider_failed,
    "provider_rate_limited": _provider_failed,
    "provider_timeout": _provider_failed,
    "provider_error": _provider_failed,
    "provider_auth": _provider_failed,
    "fallback_exhausted": _provider_failed,
    "client_disconnected": _client_disconnected,
    "abandoned": _abandoned,
}
