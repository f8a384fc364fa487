"""Second stage: who may serve. Gates first, then what the request needs; nobody is ranked yet.

The same judgement falls on candidates and fallbacks: no path leaves the gates.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from routerctl.engine.case import Case
from routerctl.engine.gates import Gate
from routerctl.engine.place import Place, estimated_input, input_bound
from routerctl.engine.predict import predicted_nano_usd
from routerctl.engine.prices import PriceSpec
from routerctl.engine.pricing import (
    bound_nano_usd,
    output_within,
    price_at,
)
from routerctl.engine.sentences import all_of, decimal, dollars
from routerctl.engine.types import DeploymentHealth, Facts, Reason, Usual

MIN_OUTPUT_TOKENS = 256
"""An answer is not cut below this to fit a ceiling or a window, unless less was asked for."""


class Judged(Struct, frozen=True):
    """A place, judged for one request. `barred` are the gates' reasons, `unfit` the first other
    one; with neither it may serve. `estimated_nano_usd` is None without a price in force."""

    place: Place
    price: PriceSpec | None
    health: DeploymentHealth | None
    max_output_tokens: int
    estimated_nano_usd: int | None
    barred: tuple[Reason, ...]
    unfit: Reason | None
    usual: Usual | None = None


def restrict(
    case: Case,
    places: Iterable[Place],
    gates: Sequence[Gate],
    quality_floor: int,
    facts: Facts,
    route: str,
) -> tuple[Judged, ...]:
    """Every one of `places`, in order, with all that is against it on `route`. `gates` are those
    that apply to this request; `quality_floor` is in thousandths."""
    asked = 0 if case.request.operation == "embeddings" else case.request.max_output_tokens
    usual = facts.history(route, case.task)
    return tuple(
        [_judge(case, place, gates, quality_floor, asked, facts, usual) for place in places]
    )


def _judge(
    case: Case,
    place: Place,
    gates: Sequence[Gate],
    quality_floor: int,
    asked_output: int | None,
    facts: Facts,
    history: Mapping[str, Usual],
) -> Judged:
    slug = place.slug
    price = price_at(place.deployment, facts.moment_ms)
    health = facts.health.get(slug)
    tokens = estimated_input(place, case)
    output = place.limits.max_output_tokens
    if asked_output is not None and asked_output < output:
        output = asked_output
    barred: tuple[Reason, ...] = ()
    for gate in gates:
        if slug in gate.rejects:
            barred += (gate.rejects[slug],)
    unfit = (
        place.off
        or _incapable(case, place)
        or (_unwell(case, place, health) if health is not None else None)
        or (_below(case, place, quality_floor) if quality_floor else None)
    )
    if unfit is None:
        output, unfit = _within_window(place, tokens, output)
        ceiling = case.request.max_cost_nano_usd
        if ceiling is not None and unfit is None:
            output, unfit = _within_ceiling(case, place, price, output, ceiling)
    if price is None:
        return Judged(place, price, health, output, None, barred, unfit)
    usual = history.get(slug)
    estimate = predicted_nano_usd(case, place, price, tokens, output, usual)
    return Judged(place, price, health, output, estimate, barred, unfit, usual)


def _incapable(case: Case, place: Place) -> Reason | None:
    if not case.needs <= place.capabilities:
        missing = all_of(sorted(case.needs - place.capabilities))
        return Reason("capability_missing", f"The request needs {missing}, which it has not.")
    if place.embeds_only and case.request.operation != "embeddings":
        return Reason("capability_missing", "It makes embeddings and nothing else.")
    return None


def _unwell(case: Case, place: Place, health: DeploymentHealth) -> Reason | None:
    """Resting after failures, or too slow of late where speed is what counts."""
    if not health.available:
        return Reason("unhealthy", health.reason or f"{place.slug} is resting after failures.")
    limit = case.request.max_latency_ms
    if limit is not None and place.ranked_by_speed:
        ms = recent_ms(health, case)
        if ms is not None and ms > limit:
            return Reason("too_slow", f"It took {ms} ms of late, and the limit is {limit} ms.")
    return None


def recent_ms(health: DeploymentHealth | None, case: Case) -> int | None:
    """How long the caller waited of late: for a stream's first token, or for the answer."""
    if health is None:
        return None
    return health.first_token_ms if case.request.stream else health.latency_ms


def _below(case: Case, place: Place, quality_floor: int) -> Reason | None:
    quality = place.quality.get(case.task, place.default_quality)
    if quality is not None and quality >= quality_floor:
        return None
    stated = "no quality is stated" if quality is None else f"its quality is {decimal(quality)}"
    return Reason(
        "below_quality_floor",
        f"For {case.task} {stated}, and the floor is {decimal(quality_floor)}.",
    )


def _within_window(place: Place, tokens: int, output: int) -> tuple[int, Reason | None]:
    """The output that fits beside the input, and the reason when too little of it does."""
    reads = place.limits.max_input_tokens
    if tokens > reads:
        message = f"The input is about {tokens} tokens; at most {reads} may be sent."
        return output, Reason("context_window", message)
    room = place.deployment.context_window - tokens
    if room >= output:
        return output, None
    if room >= MIN_OUTPUT_TOKENS:
        return room, None
    message = f"About {tokens} tokens of input leave {room} of its window for the answer."
    return output, Reason("context_window", message)


def _within_ceiling(
    case: Case, place: Place, price: PriceSpec | None, output: int, ceiling: int
) -> tuple[int, Reason | None]:
    """The output that the caller's cost ceiling still pays for, or why there is too little."""
    if price is None:
        message = f"It has no price, so the ceiling of {dollars(ceiling)} could not be kept."
        return output, Reason("over_cost_ceiling", message)
    paid = output_within(price, input_bound(place, case), ceiling)
    if paid is not None and paid >= min(MIN_OUTPUT_TOKENS, output):
        return min(output, paid), None
    least = bound_nano_usd(price, input_bound(place, case), min(MIN_OUTPUT_TOKENS, output))
    message = f"It may cost {dollars(least)}, and the ceiling is {dollars(ceiling)}."
    return output, Reason("over_cost_ceiling", message)
