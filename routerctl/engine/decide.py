"""The decision: a pure function. Read this first; each stage is the module of its name.

    classify ─▶ match ─▶ press ─▶ restrict ─▶ score ─▶ ladder ─▶ answer

`press` is what caps do to the request: nothing, as long as none that counts it is nearly full.

Nothing here does I/O, reads a clock or draws a random number. What can change a decision is an
argument of it, so a stored one can be made again, and the explanation is a return value.
"""

from collections.abc import Sequence

from routerctl.engine.answer import (
    after_redaction,
    answer,
    blocked_by,
    considered,
    no_route,
    nobody_left,
    outcomes,
    refused_at_once,
)
from routerctl.engine.cap_actions import Pressed, press
from routerctl.engine.case import Case
from routerctl.engine.classify import classify
from routerctl.engine.gates import Gate
from routerctl.engine.ladder import ladder
from routerctl.engine.match import match, quality_floor
from routerctl.engine.restrict import Judged, restrict
from routerctl.engine.revision import Revision, Route
from routerctl.engine.score import score
from routerctl.engine.types import Decision, Facts, RoutingRequest, TextReading
from routerctl.engine.under_caps import (
    refusal_by_caps,
    shortened,
    turns_to_drop,
    under_caps,
    with_caps,
)
from routerctl.engine.way_out import beyond, decisive, joined, rank_beyond, without_personal_data


def decide(
    request: RoutingRequest, reading: TextReading, revision: Revision, facts: Facts
) -> Decision:
    """Choose the steps to try for `request`, in order.

    Deterministic: equal arguments give an equal decision on any machine on any day, which is
    what lets a stored trace be replayed. Refusing is an answer too, and it says why for every
    candidate of the route.
    """
    case = classify(request, reading, revision, facts.moment_ms)
    route = match(case, revision.routes)
    if route is None:
        return no_route(case)
    refused = refused_at_once(case, route)
    if refused is not None:
        return refused
    pressed = press(case, route.slug, revision.caps, facts.balances)
    turns = turns_to_drop(case, pressed)
    case = shortened(case, turns)
    gates = [gate for gate in revision.gates if gate.applies(case)]
    floor = quality_floor(case, route, revision.features)
    judged = under_caps(
        restrict(case, route.places, gates, floor, facts, route.slug), case, pressed
    )
    ranking = score(judged, route.strategy, case, route.spec)
    if not ranking.order:
        decision = _nobody(case, route, gates, judged, revision, facts, pressed)
    else:
        candidates = considered(judged, ranking.scores)
        steps = ladder(ranking.order, case, pressed)
        decision = answer(case, route, candidates, outcomes(route, gates), ranking, steps)
    return with_caps(decision, pressed, turns) if pressed else decision


def _nobody(
    case: Case,
    route: Route,
    gates: Sequence[Gate],
    judged: Sequence[Judged],
    revision: Revision,
    facts: Facts,
    pressed: Pressed,
) -> Decision:
    """Nobody on the route may serve. If gates are why, one of them says what happens now; and
    whoever is asked instead has passed every gate, and is counted by the same caps."""
    gate = decisive(judged, gates)
    told = outcomes(route, gates, gate)
    if gate is None:
        refusal = refusal_by_caps(judged, pressed) or nobody_left(judged, route)
        return answer(case, route, considered(judged), told, refusal=refusal)
    if gate.otherwise == "redact" and case.reading.personal_data:
        again = decide(case.request, without_personal_data(case.reading), revision, facts)
        return after_redaction(again, case, gate, told[gates.index(gate)], considered(judged))
    if gate.otherwise in ("downgrade", "local"):
        others = beyond(route, revision, gate.otherwise)
        asked = under_caps(restrict(case, others, gates, 0, facts, route.slug), case, pressed)
        judged = joined(judged, asked)
        ranking = rank_beyond(asked, gate)
        if ranking.order:
            steps = ladder(ranking.order, case, pressed)
            return answer(case, route, considered(judged), told, ranking, steps)
    return answer(case, route, considered(judged), told, refusal=blocked_by(gate, route))
