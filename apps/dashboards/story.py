"""What happened to a request, call by call, and why the other candidates were not called."""

from dataclasses import dataclass

from apps.dashboards.cost import Cost, attempt_cost
from apps.dashboards.figures import counted, duration
from apps.dashboards.waterfall import Bar, Waterfall, waterfall
from apps.ledger.records import AttemptRecord
from apps.traces.values import StoredTrace
from apps.traces.verdict import failure
from apps.traces.words import sentence
from routerctl.engine.limits import STALL_MS
from routerctl.engine.sentences import capitalised
from routerctl.engine.types import Candidate

FAILED_AS = {
    "connect": "Unreachable",
    "server": "Failed",
    "overloaded": "Overloaded",
    "rate_limited": "Rate limited",
    "quota": "Out of quota",
    "auth": "Credentials rejected",
    "model_gone": "Model gone",
    "invalid_request": "Rejected as invalid",
    "context_length": "Input too long",
    "content_policy": "Refused",
    "timeout": "Timed out",
    "stalled": "Stalled",
    "truncated": "Broke off",
    "malformed": "Unreadable",
    "blocked_origin": "Address not allowed",
}
"""One or two words for each class of provider error."""


@dataclass(frozen=True, slots=True)
class Result:
    """A state: icon, word and tone."""

    tone: str
    icon: str
    word: str


_COUNTED_BY = {
    "provider": "the provider",
    "counted": "us, from the text",
    "estimated": "us, as the most it can be",
    "none": "nobody: nothing to bill",
}

ANSWERED = Result("ok", "circle-check", "Answered")
CANCELLED = Result("", "circle-minus", "Cancelled")
LEFT = Result("", "circle-minus", "Left out")
NOT_NEEDED = Result("", "circle-minus", "Not needed")
NOT_TRIED = Result("", "circle-minus", "Not tried")
UNKNOWN = Result("", "circle-minus", "Not known")


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt as a line of the waterfall. `said` is the provider's own message."""

    record: AttemptRecord
    bars: tuple[Bar, ...]
    result: Result
    cost: Cost
    sentence: str
    said: str
    counted_by: str


@dataclass(frozen=True, slots=True)
class NotCalled:
    """A candidate that no attempt went to; `codes` are empty where nothing spoke against it."""

    deployment: str
    sentence: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    summary: str
    chart: Waterfall
    calls: tuple[Call, ...]
    not_called: tuple[NotCalled, ...]


def story(trace: StoredTrace) -> Story:
    """The calls in order, then the candidates that were not called, in the decision's order."""
    stall_ms = trace.head.decision.limits.stall_ms or STALL_MS
    chart = waterfall(trace.attempts, trace.outcome.latency_ms, stall_ms)
    called = {attempt.deployment for attempt in trace.attempts}
    return Story(
        summary=_summary(trace),
        chart=chart,
        calls=tuple(
            _call(attempt, bars) for attempt, bars in zip(trace.attempts, chart.lanes, strict=True)
        ),
        not_called=tuple(
            _not_called(candidate, trace)
            for candidate in trace.head.decision.candidates
            if candidate.deployment not in called
        ),
    )


def result_of(attempt: AttemptRecord) -> Result:
    if attempt.outcome == "succeeded":
        return ANSWERED
    if attempt.outcome == "cancelled":
        return CANCELLED
    return Result("error", "circle-x", FAILED_AS.get(attempt.error_class or "", "Failed"))


def result_for(candidate: Candidate, trace: StoredTrace) -> Result:
    """What became of a candidate: its last attempt's result, or why it was not called."""
    attempts = [a for a in trace.attempts if a.deployment == candidate.deployment]
    if attempts:
        return result_of(attempts[-1])
    if not candidate.eligible:
        return LEFT
    if not is_complete(trace):
        return UNKNOWN
    return NOT_NEEDED if trace.outcome.deployment else NOT_TRIED


def is_complete(trace: StoredTrace) -> bool:
    """Whether every call is on record. It is not when the process died on the way, or when the
    database would take no more than the outcome."""
    return trace.outcome.error_code != "abandoned" and "reduced" not in trace.outcome.marks


def _summary(trace: StoredTrace) -> str:
    if not is_complete(trace):
        on_record = counted(len(trace.attempts), "call") if trace.attempts else "No call"
        return f"{on_record} on record; what followed is not known"
    took = duration(trace.outcome.latency_ms)
    if not trace.attempts:
        return f"No provider was called. It ended after {took}"
    return f"{counted(len(trace.attempts), 'call')} in {took}"


def _call(attempt: AttemptRecord, bars: tuple[Bar, ...]) -> Call:
    return Call(
        record=attempt,
        bars=bars,
        result=result_of(attempt),
        cost=attempt_cost(attempt),
        sentence=_sentence(attempt),
        said=attempt.error_message,
        counted_by=_COUNTED_BY.get(attempt.usage_source, attempt.usage_source),
    )


def _sentence(attempt: AttemptRecord) -> str:
    """`First token after 0.62 s. Fell silent in the middle of its answer after 7.9 s.`"""
    parts = []
    if attempt.first_token_ms is not None:
        parts.append(f"First token after {duration(attempt.first_token_ms)}.")
    if attempt.outcome == "failed":
        parts.append(sentence(capitalised(failure(attempt))))
    elif attempt.usage_source == "provider":
        parts.append(f"{counted(attempt.output_tokens, 'output token')}.")
    return " ".join(parts)


def _not_called(candidate: Candidate, trace: StoredTrace) -> NotCalled:
    if candidate.reasons and not candidate.eligible:
        return NotCalled(
            candidate.deployment,
            " ".join(sentence(reason.message) for reason in candidate.reasons),
            tuple(reason.code for reason in candidate.reasons),
        )
    return NotCalled(candidate.deployment, _idle(trace), ())


def _idle(trace: StoredTrace) -> str:
    """Why a candidate that could have served was not called."""
    if not is_complete(trace):
        return "Could have served. Whether it was called is not on record."
    if trace.outcome.deployment:
        return "Could have served, but was not needed."
    if trace.attempts:
        return "Could have served, but the request ended before its turn."
    return "Could have served, but the request was stopped before any call."
