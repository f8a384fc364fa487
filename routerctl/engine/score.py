"""Third stage: the order of those who may serve. The strategy ranks the route's candidates; its
fallbacks follow as written."""

from collections.abc import Sequence

import msgspec

from routerctl.engine.case import Case
from routerctl.engine.restrict import Judged
from routerctl.engine.specs import RouteSpec
from routerctl.engine.strategies import Ranking, Strategy

NOBODY = Ranking((), "")


def score(judged: Sequence[Judged], strategy: Strategy, case: Case, route: RouteSpec) -> Ranking:
    """The eligible among `judged`, best first, and why; an empty order when there is none."""
    fit = [one for one in judged if not one.barred and one.unfit is None]
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
