"""A stored trace as text for a terminal: the verdict, the decision, the attempts."""

from collections.abc import Iterator
from datetime import UTC, datetime

from apps.ledger.records import AttemptRecord
from apps.traces.values import StoredTrace
from apps.traces.verdict import failure, verdict
from apps.traces.words import seconds, usd
from routerctl.engine.sentences import all_of
from routerctl.engine.types import Candidate, Decision


def explain(trace: StoredTrace) -> str:
    """Everything one trace can say, a line for each fact."""
    return "\n".join([*_verdict(trace), "", *_decision(trace), "", *_attempts(trace)])


def _verdict(trace: StoredTrace) -> Iterator[str]:
    found = verdict(trace)
    yield f"Trace {trace.trace_id}: {found.code}"
    yield f"  What happened:     {found.sentence}"
    yield f"  Whose it is:       {found.owner}"
    yield f"  Does a retry help: {'yes' if found.retry_helps else 'no'}"
    yield f"  Next step:         {found.next_step}"
    yield f"  For the customer:  {found.customer_text}"
    if trace.outcome.marks:
        yield f"  Marks:             {', '.join(trace.outcome.marks)}"


def _decision(trace: StoredTrace) -> Iterator[str]:
    decision, request = trace.head.decision, trace.head.request
    at = datetime.fromtimestamp(trace.head.started_at_ms / 1000, UTC)
    yield f"Decision under revision {decision.revision}"
    yield f"  At:          {at.isoformat(timespec='milliseconds')}, by the {trace.head.door} door"
    for name, value in (
        ("Tenant", request.tenant),
        ("Feature", request.feature),
        ("Plan", request.plan),
        ("App", " ".join(filter(None, (request.app, request.app_version)))),
    ):
        if value:
            yield f"  {name + ':':<12} {value}"
    if decision.task:
        why = f": {decision.task_reason}" if decision.task_reason else ""
        yield f"  Task:        {decision.task} ({decision.task_source}{why})"
    yield f"  Sensitivity: {decision.sensitivity}"
    if decision.route is not None:
        yield f"  Route:       {decision.route} (strategy {decision.strategy})"
        yield f"  Because:     {decision.rule or 'it takes every request'}"
    yield from _gates(decision)
    if decision.reason:
        yield f"  Choice:      {decision.reason}"
    if decision.refusal is not None:
        yield f"  Refused:     {decision.refusal.message}"
    yield "  Candidates:" if decision.candidates else "  Candidates:  none were considered"
    for candidate in decision.candidates:
        yield from _candidate(candidate, decision)


def _gates(decision: Decision) -> Iterator[str]:
    for gate in decision.gates:
        away = f"turned away {all_of(gate.rejected)}" if gate.rejected else "let all pass"
        yield f"  Gate:        {gate.gate} {away}"


def _candidate(value: Candidate, decision: Decision) -> Iterator[str]:
    places = {step.deployment: n for n, step in enumerate(decision.steps, 1)}
    if value.deployment in places:
        n = places[value.deployment]
        place = "chosen" if n == 1 else f"fallback {n - 1}"
    else:
        place = "not needed" if value.eligible else "left"
    figures = [] if value.score is None else [f"score {value.score / 1000:.3f}"]
    if value.estimated_nano_usd is not None:
        known = value.usual
        source = f"from {known.answers:,} answers" if known else "guessed by length"
        figures.append(f"estimated {usd(value.estimated_nano_usd)} ({source})")
    yield f"    {value.deployment}: {', '.join([place, *figures])}"
    for reason in value.reasons:
        yield f"      {reason.code}: {reason.message}"


def _attempts(trace: StoredTrace) -> Iterator[str]:
    yield "Attempts:" if trace.attempts else "Attempts: none, no provider was called"
    for attempt in trace.attempts:
        yield f"  {attempt.n}. {_attempt(attempt)}"


def _attempt(attempt: AttemptRecord) -> str:
    if attempt.outcome == "succeeded":
        ended = f"answered in {seconds(attempt.duration_ms)}"
    elif attempt.outcome == "cancelled":
        ended = f"was cancelled after {seconds(attempt.duration_ms)}"
    else:
        ended = failure(attempt)
    said = f", saying: {attempt.error_message}" if attempt.error_message else ""
    reference = (
        f", its reference {attempt.provider_request_id}" if attempt.provider_request_id else ""
    )
    return (
        f"{attempt.deployment} (provider {attempt.provider}, model {attempt.model})"
        f" {ended}{said}{reference}; {usd(attempt.cost_nano_usd)}"
    )
