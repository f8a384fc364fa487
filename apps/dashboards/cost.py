"""What a request or an attempt cost, as far as it is known."""

from dataclasses import dataclass

from apps.ledger.records import AttemptRecord
from apps.traces.values import StoredTrace


@dataclass(frozen=True, slots=True)
class Cost:
    """`nano_usd` is None when no price was in force, and `why_unknown` says whose. `estimated`:
    the tokens were bounded or counted here, because the provider never told."""

    nano_usd: int | None
    estimated: bool = False
    why_unknown: str = ""


def attempt_cost(attempt: AttemptRecord) -> Cost:
    return _cost(
        attempt.cost_nano_usd,
        attempt.usage_source,
        attempt.deployment if attempt.price_id is None and attempt.usage_source != "none" else None,
    )


def trace_cost(trace: StoredTrace) -> Cost:
    """Of all attempts together. The decision's steps say who had a price."""
    outcome = trace.outcome
    priced = {step.deployment for step in trace.head.decision.steps if step.price_id is not None}
    unpriced = outcome.deployment is not None and outcome.deployment not in priced
    return _cost(
        outcome.cost_nano_usd, outcome.usage_source, outcome.deployment if unpriced else None
    )


def _cost(nano_usd: int, usage_source: str, unpriced: str | None) -> Cost:
    if unpriced is not None and nano_usd == 0:
        return Cost(None, why_unknown=f"{unpriced} had no price then")
    return Cost(nano_usd, estimated=usage_source in ("counted", "estimated"))
