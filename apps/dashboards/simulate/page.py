"""All that the simulator shows of one decision."""

import shlex
from dataclasses import dataclass

import msgspec

from apps.dashboards.reasoning import Reasoning, explained
from apps.dashboards.simulate.form import SimulateForm
from apps.dashboards.story import LEFT, Result
from apps.ledger.ids import trace_id
from apps.policies.compiled import vocabulary
from apps.policies.dry_run import dry_run, first_choice, read_call
from apps.traces.values import StoredTrace
from apps.traces.words import sentence
from routerctl.engine.errors import RouterError
from routerctl.engine.revision import Revision
from routerctl.engine.sentences import capitalised, lowered
from routerctl.engine.types import Candidate, Decision, RoutingRequest, TextReading
from routerctl.wire import native
from routerctl.wire.types import KeyFacts, ParsedCall

_NOBODY = KeyFacts(id=0, prefix="", tenant="*")
"""A person has no key, and so none of its pins."""

CHOSEN = Result("ok", "circle-check", "Chosen")
FALLBACK = Result("info", "corner-down-right", "Fallback")


@dataclass(frozen=True, slots=True)
class Line:
    """A candidate: `place` is its place in the fallback chain, 1 the first; `why` in words."""

    candidate: Candidate
    result: Result
    place: int | None
    why: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Untouched:
    """A gate or check of the configuration that had nothing to say to this request."""

    slug: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Simulated:
    """A decision that nobody carries out. `position` is the route's among `routes`; amounts are
    None where nobody was chosen or no price is in force."""

    decision: Decision
    reasoning: Reasoning
    lines: tuple[Line, ...]
    untouched: tuple[Untouched, ...]
    position: int | None
    routes: int
    held_nano_usd: int | None
    expected_nano_usd: int | None
    without_text: bool
    stands_in: StoredTrace | None

    @property
    def choice(self) -> Line | None:
        return next((line for line in self.lines if line.place == 1), None)

    @property
    def fallbacks(self) -> list[Line]:
        behind = [line for line in self.lines if line.place is not None and line.place > 1]
        return sorted(behind, key=lambda line: line.place or 0)


def simulate(form: SimulateForm, revision: Revision, trace: StoredTrace | None) -> Simulated | None:
    """What would be decided for what `form` says. Where it has no message, what was read in the
    text of `trace` stands in. None when the request is not valid; then the form says why."""
    try:
        call = native.parse(form.body(), {}, _NOBODY, vocabulary(revision), trace_id())
    except RouterError as error:
        _tell(form, error)
        return None
    stands_in = trace if trace is not None and not call.last_user else None
    request, reading = _asked(call, revision, trace, stands_in)
    cap, permille = form.assumed()
    decision = dry_run(request, reading, revision, cap=cap, used_permille=permille)
    without_text = not call.last_user and stands_in is None
    return _simulated(decision, reading, revision, without_text=without_text, stands_in=stands_in)


def _tell(form: SimulateForm, error: RouterError) -> None:
    """The door's complaint at the field that it is about."""
    path = str(error.details.get("path", ""))
    field = path.partition(".")[0]
    message = capitalised(error.message.removeprefix(f"{path}: "))
    form.add_error(field if field in form.fields else None, message)


def _asked(
    call: ParsedCall, revision: Revision, trace: StoredTrace | None, stands_in: StoredTrace | None
) -> tuple[RoutingRequest, TextReading]:
    """The request, as the same caller that `trace` had, and what is known of its text."""
    request = call.request
    if trace is not None:
        was = trace.head.request
        request = msgspec.structs.replace(
            request, operation=was.operation, user=was.user, session=was.session, draw=was.draw
        )
    if stands_in is None:
        return request, read_call(call, revision)
    was = stands_in.head.request
    request = msgspec.structs.replace(request, text_bytes=was.text_bytes, messages=was.messages)
    return request, stands_in.head.reading


def _simulated(
    decision: Decision,
    reading: TextReading,
    revision: Revision,
    *,
    without_text: bool,
    stands_in: StoredTrace | None,
) -> Simulated:
    places = {step.deployment: n for n, step in enumerate(decision.steps, start=1)}
    choice = first_choice(decision)
    priced = bool(decision.steps) and decision.steps[0].price_id is not None
    return Simulated(
        decision=decision,
        reasoning=explained(decision, reading, lambda c: _result(places.get(c.deployment))),
        lines=tuple(_line(c, places.get(c.deployment), decision) for c in decision.candidates),
        untouched=_untouched(decision, reading, revision),
        position=_position(decision, revision),
        routes=len(revision.routes),
        held_nano_usd=decision.steps[0].cost_bound_nano_usd if priced else None,
        expected_nano_usd=None if choice is None else choice.estimated_nano_usd,
        without_text=without_text,
        stands_in=stands_in,
    )


def _result(place: int | None) -> Result:
    if place is None:
        return LEFT
    return CHOSEN if place == 1 else FALLBACK


def _line(candidate: Candidate, place: int | None, decision: Decision) -> Line:
    told = " ".join(sentence(reason.message) for reason in candidate.reasons)
    if place == 1:
        told = sentence(decision.reason)
    elif place is not None:
        told = told or f"Asked if the {'first' if place == 2 else f'{place - 1} before it'} fail."
    codes = tuple(reason.code for reason in candidate.reasons)
    return Line(candidate, _result(place), place, told, codes)


def _untouched(
    decision: Decision, reading: TextReading, revision: Revision
) -> tuple[Untouched, ...]:
    """Gates which did not apply, and checks which found nothing."""
    asked = {outcome.gate for outcome in decision.gates}
    found = {finding.check for finding in reading.findings}
    return (
        *(
            Untouched(gate.slug, f"not asked; it is for: {lowered(gate.rule)}")
            for gate in revision.gates
            if gate.slug not in asked
        ),
        *(
            Untouched(check.slug, "found nothing")
            for check in revision.checks
            if check.slug not in found
        ),
    )


def _position(decision: Decision, revision: Revision) -> int | None:
    slugs = [route.slug for route in revision.routes]
    return slugs.index(decision.route) + 1 if decision.route in slugs else None


def curl(form: SimulateForm, origin: str) -> str:
    """The API call which asks the same, to be pasted into a shell."""
    return "\n".join(
        (
            f"curl {shlex.quote(origin + '/api/v1/route')} \\",
            '  -H "Authorization: Bearer $ROUTERCTL_KEY" \\',
            '  -H "Content-Type: application/json" \\',
            f"  -d {shlex.quote(form.body().decode())}",
        )
    )
