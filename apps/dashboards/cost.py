"""What a request or an attempt cost, as far as it is known."""

from dataclasses import dataclass

from apps.ledger.records import AttemptRecord
from apps.traces.values import StoredTrace

_OUR_FIGURES = frozenset(("counted", "estimated"))


@dataclass(frozen=True, slots=True)
class Cost:
    """`nano_usd` is None when no price was in force, and `why_unknown` says whose. `estimated`:
    tokens were counted or bounded here, because the provider never told."""

    nano_usd: int | None
    estimated: bool = False
    why_unknown: str = ""


def attempt_cost(attempt: AttemptRecord) -> Cost:
    if _is_unpriced(attempt):
        return _unknown(attempt.deployment)
    return Cost(attempt.cost_nano_usd, attempt.usage_source in _OUR_FIGURES)


def trace_cost(trace: StoredTrace) -> Cost:
    """Of all attempts together; one without a price leaves the whole unknown."""
    outcome = trace.outcome
    unpriced = [attempt.deployment for attempt in trace.attempts if _is_unpriced(attempt)]
    if not trace.attempts and outcome.deployment and not _had_price(trace):
        unpriced = [outcome.deployment]  # a list brings no attempts along, but its decision says
    if unpriced:
        return _unknown(unpriced[0])
    sources = {outcome.usage_source, *(attempt.usage_source for attempt in trace.attempts)}
    return Cost(outcome.cost_nano_usd, bool(sources & _OUR_FIGURES))


def _is_unpriced(attempt: AttemptRecord) -> bool:
    return attempt.price_id is None and attempt.usage_source != "none"


def _had_price(trace: StoredTrace) -> bool:
    answered = trace.outcome.deployment
    steps = trace.head.decision.steps
    return any(step.price_id is not None for step in steps if step.deployment == answered)


def _unknown(deployment: str) -> Cost:
    return Cost(None, why_unknown=f"{deployment} had no price then")
