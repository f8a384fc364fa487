"""The decision as a value: what the stages found, put into one record with its explanations."""

from collections.abc import Mapping, Sequence

import msgspec

from routerctl.engine.case import Case
from routerctl.engine.gates import Gate
from routerctl.engine.restrict import Judged
from routerctl.engine.revision import Route
from routerctl.engine.score import NOBODY
from routerctl.engine.sentences import all_of, lowered
from routerctl.engine.strategies import Ranking
from routerctl.engine.types import Candidate, Decision, GateOutcome, Reason, Refusal, Step


def answer(
    case: Case,
    route: Route,
    candidates: tuple[Candidate, ...],
    gates: tuple[GateOutcome, ...] = (),
    ranking: Ranking = NOBODY,
    steps: tuple[Step, ...] = (),
    refusal: Refusal | None = None,
) -> Decision:
    """The decision on a request that took `route`."""
    spec = route.spec
    return Decision(
        revision=case.revision,
        moment_ms=case.moment_ms,
        task=case.task,
        task_source=case.task_source,
        task_reason=case.task_reason,
        sensitivity=case.sensitivity,
        difficulty=case.difficulty,
        route=route.slug,
        rule=route.rule,
        strategy=spec.strategy,
        reason=ranking.reason,
        prompt=spec.prompt,
        stream_recovery=spec.stream_recovery,
        refusals_elsewhere=spec.on_refusal == "other_provider",
        limits=spec.limits,
        redact=_redactions(case),
        gates=gates,
        flags=case.flags,
        draws={**case.draws, **ranking.draws} if ranking.draws else case.draws,
        steps=steps,
        candidates=candidates,
        refusal=refusal,
    )


def no_route(case: Case) -> Decision:
    """The decision on a request that no route takes."""
    request = case.request
    asked = [("task", case.task), ("feature", request.feature), ("plan", request.plan)]
    told = all_of([f"{name} {value}" for name, value in asked if value])
    nowhere = Refusal("no_eligible_deployment", f"No route matches this request: {told}.")
    return Decision(
        revision=case.revision,
        moment_ms=case.moment_ms,
        task=case.task,
        task_source=case.task_source,
        task_reason=case.task_reason,
        sensitivity=case.sensitivity,
        difficulty=case.difficulty,
        flags=case.flags,
        draws=case.draws,
        refusal=_stopped_by_check(case) or nowhere,
    )


def refused_at_once(case: Case, route: Route) -> Decision | None:
    """The decision when no candidate need be looked at: a check stopped the request, or its
    route is switched off. None to go on."""
    stopped = _stopped_by_check(case)
    if stopped is not None:
        return answer(case, route, _all_rejected(route, stopped, stopped.code), refusal=stopped)
    if not route.spec.enabled:
        off = Refusal("route_disabled", f"Route {route.slug} is switched off.")
        return answer(case, route, _all_rejected(route, off, "disabled"), refusal=off)
    return None


def considered(
    judged: Sequence[Judged], scores: Mapping[str, int] = NOBODY.scores
) -> tuple[Candidate, ...]:
    """Everybody who was judged, in order, chosen or rejected."""
    return tuple(
        [
            Candidate(
                one.place.slug,
                not (one.barred or one.unfit),
                scores.get(one.place.slug),
                (*one.barred, one.unfit) if one.unfit else one.barred,
                None if one.price is None else one.price.id,
                one.estimated_nano_usd,
                one.health,
                one.usual,
            )
            for one in judged
        ]
    )


def outcomes(
    route: Route, gates: Sequence[Gate], decisive: Gate | None = None
) -> tuple[GateOutcome, ...]:
    """Each gate that applied, whom of the route's candidates it turned away, and of the decisive
    one what was done then."""
    return tuple(
        msgspec.structs.replace(route.outcomes[gate.slug], otherwise=gate.otherwise)
        if gate is decisive
        else route.outcomes[gate.slug]
        for gate in gates
    )


def after_redaction(
    again: Decision, case: Case, gate: Gate, outcome: GateOutcome, before: tuple[Candidate, ...]
) -> Decision:
    """`again`, which `case` got as if its text held no personal data, with how it came to that.
    When it is refused even so, the gate is what blocks, and nothing was taken out."""
    told = msgspec.structs.replace(again, gates=(outcome, *again.gates), before_redaction=before)
    if again.refusal is not None:
        message = f"Gate {gate.slug} left nobody, and taking personal data out did not help: "
        blocked = Refusal("policy_blocked", message + lowered(again.refusal.message))
        return msgspec.structs.replace(told, refusal=blocked, sensitivity=case.sensitivity)
    return msgspec.structs.replace(
        told,
        redact=("personal_data", *again.redact),
        reason=f"Gate {gate.slug} had personal data taken out of the text. {again.reason}",
    )


# --------------------------------------------------------------------------- refusals


def blocked_by(gate: Gate, route: Route) -> Refusal:
    """No deployment may see this request."""
    return Refusal(
        "policy_blocked",
        f"Gate {gate.slug} left no deployment of route {route.slug} that may see this request"
        f" ({lowered(gate.rule)}).",
    )


def nobody_left(judged: Sequence[Judged], route: Route) -> Refusal:
    """No deployment can serve, whatever the gates say."""
    why = [f"{one.place.slug} ({(one.unfit or one.barred[0]).code})" for one in judged]
    return Refusal(
        "no_eligible_deployment", f"Nobody on route {route.slug} can serve: {all_of(why)}."
    )


def _stopped_by_check(case: Case) -> Refusal | None:
    for finding in case.reading.findings:
        if finding.do == "block":
            found = f"found {all_of(finding.kinds)}" if finding.kinds else "matched"
            return Refusal("safety_blocked", f"Check {finding.check} {found}.")
    return None


def _all_rejected(route: Route, refusal: Refusal, code: str) -> tuple[Candidate, ...]:
    reasons = (Reason(code, refusal.message),)
    return tuple(Candidate(place.slug, False, reasons=reasons) for place in route.places)


def _redactions(case: Case) -> tuple[str, ...]:
    """The checks whose matches must be taken out of the text."""
    findings = case.reading.findings
    return tuple(one.check for one in findings if one.do == "redact") if findings else ()
