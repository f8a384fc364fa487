"""How the eligible candidates of a route are put in order: the registry of strategies.

A strategy is one function from the eligible candidates, in the route's order, to a `Ranking`
that says in a sentence why the first comes first. It is never given nobody. Fallbacks are not its
business: they follow in the order in which they are written.
"""

from collections.abc import Callable, Sequence
from operator import mul

from msgspec import Struct

from routerctl.engine.case import Case
from routerctl.engine.draws import PARTS, draw
from routerctl.engine.restrict import Judged, recent_ms
from routerctl.engine.sentences import all_of, decimal, dollars
from routerctl.engine.specs import RouteSpec


class Ranking(Struct, frozen=True):
    """`order`: best first. `scores` are thousandths by deployment; `draws` are those that had
    a part in it."""

    order: tuple[Judged, ...]
    reason: str
    scores: dict[str, int] = {}
    draws: dict[str, int] = {}


Strategy = Callable[[Sequence[Judged], Case, RouteSpec], Ranking]


def priority(fit: Sequence[Judged], _case: Case, route: RouteSpec) -> Ranking:
    """The route's own order."""
    first, listed = fit[0].place.slug, route.candidates[0].deployment
    if first == listed:
        reason = f"{first} is the first choice of route {route.slug}."
    else:
        reason = f"{first} is the next choice of route {route.slug}: {listed} could not serve."
    return Ranking(tuple(fit), reason)


def weighted(fit: Sequence[Judged], case: Case, route: RouteSpec) -> Ranking:
    """A share of the requests each, by weight. The rest follow, heaviest first: a deployment
    that is unhealthy left before the draw, so its share is spread by weight all the same."""
    total = sum(judged.place.weight for judged in fit)
    if not total:
        return Ranking(tuple(fit), f"{fit[0].place.slug} comes first: no candidate has weight.")
    by = route.sticky_by
    subject = getattr(case.request, by) if isinstance(by, str) else None
    if subject is None:
        chosen, draws = _drawn(fit, f"weighted:{route.slug}", case.request.draw)
        whose = ""
    else:
        chosen, draws = _kept(fit, route, subject)
        whose = f" for this {by}"
    rest = sorted((j for j in fit if j is not chosen), key=lambda j: -j.place.weight)
    return Ranking(
        (chosen, *rest),
        f"{chosen.place.slug} was drawn{whose}: it has {chosen.place.weight} of {total} parts.",
        draws=draws,
    )


def _drawn(fit: Sequence[Judged], name: str, subject: str) -> tuple[Judged, dict[str, int]]:
    part = draw(name, subject)
    return fit[_place([judged.place.weight for judged in fit], part)], {name: part}


def _kept(fit: Sequence[Judged], route: RouteSpec, subject: str) -> tuple[Judged, dict[str, int]]:
    """Drawn among all of the route's candidates, and again without those that may not serve: who
    loses a deployment moves, and nobody else does."""
    able = {judged.place.slug: judged for judged in fit}
    left = list(route.candidates)
    draws: dict[str, int] = {}
    while True:
        name = f"weighted:{route.slug}:{len(draws)}"
        draws[name] = part = draw(name, subject)
        chosen = left.pop(_place([one.weight for one in left], part))
        if chosen.deployment in able:
            return able[chosen.deployment], draws


def _place(weights: Sequence[int], part: int) -> int:
    """Where `part` of PARTS falls among `weights`."""
    total, reached = sum(weights), 0
    for place, weight in enumerate(weights):
        reached += weight
        if part * total < reached * PARTS:
            return place
    return len(weights) - 1


def cheapest(fit: Sequence[Judged], _case: Case, _route: RouteSpec) -> Ranking:
    """By estimated cost; without a price last."""
    order = by_cost(fit)
    first = order[0]
    if first.estimated_nano_usd is None:
        reason = f"{first.place.slug} comes first: no candidate has a price."
    else:
        about = dollars(first.estimated_nano_usd)
        reason = f"{first.place.slug} is the cheapest of {len(order)}: about {about}."
    return Ranking(order, reason)


def by_cost(fit: Sequence[Judged]) -> tuple[Judged, ...]:
    """Cheapest first, unpriced last; equals keep their order."""
    return tuple(
        sorted(fit, key=lambda j: (j.estimated_nano_usd is None, j.estimated_nano_usd or 0))
    )


def fastest(fit: Sequence[Judged], case: Case, _route: RouteSpec) -> Ranking:
    """By the time a good answer took of late; the first token's for a stream.

    One that was never called comes first, so that it is known after one request; one that has
    only failed comes last.
    """
    order = sorted(fit, key=lambda judged: _slowness(judged, case))
    first, ms = order[0].place.slug, recent_ms(order[0].health, case)
    if ms is None:
        return Ranking(tuple(order), f"{first} comes first: its speed is not known yet.")
    what = "to the first token" if case.request.stream else "to the answer"
    reason = f"{first} was the fastest of {len(order)} of late: {ms} ms {what}."
    return Ranking(tuple(order), reason)


def _slowness(judged: Judged, case: Case) -> tuple[int, int]:
    """What is known is stretched by the share of calls that fail and must be made again."""
    health = judged.health
    ms = recent_ms(health, case)
    if health is None or ms is None:
        return (2 if health is not None and health.samples else 0), 0
    return 1, ms * 1000 // max(1, 1000 - health.error_permille)


# --------------------------------------------------------------------------- score

HALF_LATENCY_MS = 1_000
"""The latency that scores one half; twice that scores a third."""

UNKNOWN = 500
"""The score of what nobody knows yet: neither praise nor blame."""

EQUAL_WEIGHTS = {"cost": 1, "latency": 1, "quality": 1}


def score(fit: Sequence[Judged], case: Case, route: RouteSpec) -> Ranking:
    """By the weighted mean of the dimensions named in the route's weights."""
    weights = route.weights or EQUAL_WEIGHTS
    shares, total = weights.values(), sum(weights.values()) or 1
    rows = list(zip(*[DIMENSIONS[name](fit, case) for name in weights], strict=True))
    means = [sum(map(mul, shares, row)) // total for row in rows]
    order = sorted(range(len(fit)), key=means.__getitem__, reverse=True)
    first = order[0]
    slug, best = fit[first].place.slug, decimal(means[first])
    parts = [f"{name} {decimal(part)}" for name, part in zip(weights, rows[first], strict=True)]
    return Ranking(
        tuple([fit[i] for i in order]),
        f"{slug} scored {best}, the best of {len(fit)}: {all_of(parts)}.",
        dict(zip([judged.place.slug for judged in fit], means, strict=True)),
    )


def _cost(fit: Sequence[Judged], _case: Case) -> list[int]:
    """1000 costs nothing, 0 is the dearest of those that could serve, or has no price."""
    costs = [judged.estimated_nano_usd for judged in fit]
    dearest = max(filter(None, costs), default=1)
    return [0 if cost is None else 1000 - 1000 * cost // dearest for cost in costs]


def _latency(fit: Sequence[Judged], case: Case) -> list[int]:
    return [
        UNKNOWN
        if (ms := recent_ms(judged.health, case)) is None
        else 1000 * HALF_LATENCY_MS // (HALF_LATENCY_MS + ms)
        for judged in fit
    ]


def _quality(fit: Sequence[Judged], case: Case) -> list[int]:
    task = case.task
    return [one.place.quality.get(task, one.place.default_quality) or 0 for one in fit]


def _reliability(fit: Sequence[Judged], _case: Case) -> list[int]:
    healths = [judged.health for judged in fit]
    return [1000 if health is None else 1000 - health.error_permille for health in healths]


DIMENSIONS: dict[str, Callable[[Sequence[Judged], Case], list[int]]] = {
    "cost": _cost,
    "latency": _latency,
    "quality": _quality,
    "reliability": _reliability,
}
"""What a route's `weights` may name; each gives thousandths in the same order, more is better."""

STRATEGIES: dict[str, Strategy] = {
    "priority": priority,
    "weighted": weighted,
    "cheapest": cheapest,
    "fastest": fastest,
    "score": score,
}
