"""What is left of a request's choices under the caps that count it, and what that took away."""

from collections.abc import Iterator, Sequence

import msgspec

from routerctl.engine.cap_actions import Pressed
from routerctl.engine.caps import Cap
from routerctl.engine.case import Case, estimated_tokens
from routerctl.engine.place import input_bound
from routerctl.engine.pricing import is_free, output_within
from routerctl.engine.restrict import MIN_OUTPUT_TOKENS, Judged
from routerctl.engine.strategies import by_cost
from routerctl.engine.types import Decision, Lessened, Reason, Refusal


def shortened(case: Case, turns: int) -> Case:
    """`case` without its oldest `turns`; the system text and the last user message always stay."""
    if not turns:
        return case
    request = case.request
    left = request.text_bytes - sum(request.turn_bytes[:turns])
    shorter = msgspec.structs.replace(
        request, text_bytes=left, turn_bytes=request.turn_bytes[turns:]
    )
    return msgspec.structs.replace(case, request=shorter, input_tokens=estimated_tokens(left))


def turns_to_drop(case: Case, pressed: Pressed) -> int:
    """How many of the oldest turns must go so that the input is about what a cap still allows."""
    if pressed.input is None:
        return 0
    left = case.request.text_bytes
    for dropped, turn in enumerate(case.request.turn_bytes):
        if estimated_tokens(left) <= pressed.input[0]:
            return dropped
        left -= turn
    return len(case.request.turn_bytes)


def under_caps(judged: Sequence[Judged], case: Case, pressed: Pressed) -> tuple[Judged, ...]:
    """`judged`, with what caps have against each: who has no price cannot be held to a limit of
    money, a cap may have stopped it or want the cheapest alone, and a ceiling per request leaves
    less room for the answer."""
    if not pressed:
        return tuple(judged)
    found = tuple([_capped(one, case, pressed) for one in judged])
    fit = [one for one in found if not one.barred and one.unfit is None]
    if pressed.cheaper is None or not fit:
        return found
    cap, cheapest = pressed.cheaper, by_cost(fit)[0]
    dearer = Reason(cap.code, f"Cap {cap.slug} is nearly used up: only the cheapest may answer.")
    return tuple(
        [
            one
            if one is cheapest or one.barred or one.unfit is not None
            else msgspec.structs.replace(one, unfit=dearer)
            for one in found
        ]
    )


def _capped(one: Judged, case: Case, pressed: Pressed) -> Judged:
    output, unfit = one.max_output_tokens, one.unfit
    if pressed.output is not None:
        output = min(output, pressed.output[0])
    for cap in pressed.caps:
        if unfit is None and cap.counts(one.place.slug):
            output, unfit = _under(cap, one, case, output, pressed)
    return msgspec.structs.replace(one, max_output_tokens=output, unfit=unfit)


def _under(
    cap: Cap, one: Judged, case: Case, output: int, pressed: Pressed
) -> tuple[int, Reason | None]:
    if cap.unit == "nano_usd" and one.price is None:
        message = f"It has no price, so cap {cap.slug} could not be kept."
        return output, Reason("unpriced", message)
    if cap in pressed.stopped and not (cap.unit == "nano_usd" and is_free(one.price)):
        return output, Reason(cap.code, f"Cap {cap.slug} is nearly used up, and stops it.")
    if cap.has_window:
        return output, None
    room = _room(cap, one, case)
    if room >= min(MIN_OUTPUT_TOKENS, output):
        return min(output, room), None
    return output, Reason(cap.code, f"One request may be more than cap {cap.slug} allows.")


def _room(cap: Cap, one: Judged, case: Case) -> int:
    """The tokens that may be written so that one request stays under a cap per request; below
    0 when not even its input does."""
    tokens, limit = input_bound(one.place, case), cap.limit_at(case.moment_ms)
    if cap.unit == "requests":
        return one.max_output_tokens if limit else -1
    if cap.unit == "tokens":
        return limit - tokens
    assert one.price is not None  # `_under` has looked
    paid = output_within(one.price, tokens, limit)
    return -1 if paid is None else paid


# --------------------------------------------------------------------------- what it means


def with_caps(decision: Decision, pressed: Pressed, dropped_turns: int) -> Decision:
    """`decision` with the caps that counted it, and what they took from the answer: its caller
    is told, never silently lessened."""
    told = msgspec.structs.replace(decision, caps=pressed.uses, drop_turns=dropped_turns)
    return msgspec.structs.replace(told, lessened=tuple(_lessened(told, pressed)))


def _lessened(decision: Decision, pressed: Pressed) -> Iterator[Lessened]:
    if not decision.steps:
        return
    cheaper = pressed.cheaper
    if cheaper is not None and _turned_away(decision, cheaper):
        message = f"Cap {cheaper.slug} is nearly used up, so the cheapest model answers."
        yield Lessened("cheaper", cheaper.slug, message)
    if pressed.input is not None and decision.drop_turns:
        cap, turns = pressed.input[1], decision.drop_turns
        told = "the oldest turn was" if turns == 1 else f"the {turns} oldest turns were"
        yield Lessened("shortened", cap.slug, f"Cap {cap.slug} is nearly used up: {told} left out.")
    if pressed.output is not None and decision.steps[0].max_output_tokens == pressed.output[0]:
        most, cap = pressed.output
        message = f"Cap {cap.slug} is nearly used up: answers end after {most} tokens."
        yield Lessened("limited", cap.slug, message)


def _turned_away(decision: Decision, cap: Cap) -> bool:
    """Whether somebody who could have answered was too dear for the cap."""
    return any(reason.code == cap.code for one in decision.candidates for reason in one.reasons)


def refusal_by_caps(judged: Sequence[Judged], pressed: Pressed) -> Refusal | None:
    """When a cap is all that is in the way of somebody: it is the cap that refuses."""
    for cap in pressed.caps:
        for one in judged:
            if one.unfit is not None and one.unfit.code == cap.code and not one.barred:
                return Refusal("cap_reached", one.unfit.message)
    return None
