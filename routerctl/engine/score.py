"""Third stage: the order of those who may serve. The strategy ranks the route's candidates; its
fallbacks follow as written. Who limits his callers just now comes after everybody else."""

from collections.abc import Sequence

import msgspec

from routerctl.engine.case import Case
from routerctl.engine.restrict import Judged
from routerctl.engine.sentences import all_of
from routerctl.engine.specs import RouteSpec
from routerctl.engine.strategies import Ranking, Strategy

NOBODY = Ranking((), "")


def score(judged: Sequence[Judged], strategy: Strategy, case: Case, route: RouteSpec) -> Ranking:
    """The eligible among `judged`, best first, and why; an empty order when there is none."""
    fit = [one for one in judged if not one.barred and one.unfit is None]
    limiting = [one for one in fit if one.health is not None and one.health.saturated]
    if not limiting:
        return _in_order(fit, strategy, case, route)
    ready = [one for one in fit if one not in limiting]
    ranking = _in_order(ready or limiting, strategy, case, route)
    if not ready:
        return ranking
    return msgspec.structs.replace(
        ranking,
        order=(*ranking.order, *limiting),
        reason=f"{ranking.reason} {all_of([one.place.slug for one in limiting])} limited calls"
        " just now and may be asked only after the others.",
    )


def _in_order(fit: Sequence[Judged], strategy: Strategy, case: Case, route: RouteSpec) -> Ranking:
    fallbacks = tuple([one for one in fit if one.place.fallback]) if route.fallback else ()
    if not fallbacks:
        return strategy(fit, case, route) if fit else NOBODY
    candidates = [one for one in fit if not one.place.fallback]
    if candidates:
        ranking = strategy(candidates, case, route)
        return msgspec.structs.replace(ranking, order=ranking.order + fallbacks)
    first = fallbacks[0].place.slug
    return Ranking(
        fallbacks,
        f"{first} is the first fallback: no candidate of route {route.slug} could serve.",
    )
