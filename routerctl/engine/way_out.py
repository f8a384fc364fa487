"""When gates leave nobody: which gate says what happens then, and who else may be asked."""

from collections.abc import Iterator, Sequence

import msgspec

from routerctl.engine.gates import Gate
from routerctl.engine.place import Place, place_on
from routerctl.engine.restrict import Judged
from routerctl.engine.revision import Revision, Route
from routerctl.engine.strategies import Ranking, by_cost
from routerctl.engine.types import Sensitivity, TextReading


def decisive(judged: Sequence[Judged], gates: Sequence[Gate]) -> Gate | None:
    """The gate whose `otherwise` is followed; None when gates are not what emptied the list.

    Only candidates with nothing else against them count. The first gate, as written, that alone
    is in the way of one of them decides; where several bar each, the first of those.
    """
    blamed = [one.barred for one in judged if one.barred and one.unfit is None]
    alone = {reasons[0].code for reasons in blamed if len(reasons) == 1}
    codes = alone or {reason.code for reasons in blamed for reason in reasons}
    return next((gate for gate in gates if gate.code in codes), None)


def without_personal_data(reading: TextReading) -> TextReading:
    """What `reading` would be had the text held no personal data."""
    return msgspec.structs.replace(reading, sensitivity=Sensitivity.PUBLIC, personal_data=())


def beyond(route: Route, revision: Revision, otherwise: str) -> Iterator[Place]:
    """Whom `downgrade` (every deployment) or `local` (those of local providers) may ask: the
    route's own first, then the rest of the catalog."""
    system = revision.prompts.get(route.spec.prompt or "")
    own = {place.slug: place for place in route.places}
    for slug in (*own, *(slug for slug in revision.deployments if slug not in own)):
        deployment = revision.deployments[slug]
        if otherwise == "downgrade" or revision.providers[deployment.provider].local:
            yield own.get(slug) or place_on(route.spec, deployment, system)


def joined(judged: Sequence[Judged], asked: Sequence[Judged]) -> tuple[Judged, ...]:
    """Everybody once: the later judgement where there are two."""
    return tuple(({one.place.slug: one for one in (*judged, *asked)}).values())


def rank_beyond(asked: Sequence[Judged], gate: Gate) -> Ranking:
    """Cheapest first among those who pass; whether somebody was a fallback no longer counts."""
    order = by_cost([one for one in asked if not one.barred and one.unfit is None])
    if not order:
        return Ranking((), "")
    whom = "local deployment" if gate.otherwise == "local" else "deployment"
    return Ranking(
        order,
        f"Gate {gate.slug} left nobody on the route, so the cheapest {whom} that passes every"
        f" gate answers: {order[0].place.slug}.",
    )
