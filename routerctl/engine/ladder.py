"""Last stage: the steps to try, each with the most it may write and the most it can cost."""

import msgspec

from routerctl.engine.cap_actions import NO_CAPS, Pressed
from routerctl.engine.caps import Cap
from routerctl.engine.case import Case
from routerctl.engine.place import input_bound
from routerctl.engine.pricing import bound_nano_usd
from routerctl.engine.restrict import Judged
from routerctl.engine.types import Step


def ladder(order: tuple[Judged, ...], case: Case, pressed: Pressed = NO_CAPS) -> tuple[Step, ...]:
    """One step for each of `order`, with what it can take of each cap's window. Embeddings get
    the first alone: vectors of another model would not compare."""
    if case.request.operation == "embeddings":
        order = order[:1]
    steps = [_step(judged, case) for judged in order]
    if pressed:
        steps = [_with_amounts(step, pressed) for step in steps]
    return tuple(steps)


def _with_amounts(step: Step, pressed: Pressed) -> Step:
    amounts = tuple([_amount(cap, step) for cap in pressed.caps])
    return msgspec.structs.replace(step, amounts=amounts)


def _amount(cap: Cap, step: Step) -> int:
    """The most that `step` can take of the cap's window, in the cap's unit."""
    if not cap.has_window or not cap.counts(step.deployment):
        return 0
    if cap.unit == "nano_usd":
        return step.cost_bound_nano_usd
    if cap.unit == "tokens":
        return step.input_tokens_bound + step.max_output_tokens
    return 1


def _step(judged: Judged, case: Case) -> Step:
    place, price, output = judged.place, judged.price, judged.max_output_tokens
    tokens = input_bound(place, case)
    if price is None:
        return Step(place.slug, output, tokens, cost_bound_nano_usd=0)
    return Step(place.slug, output, tokens, bound_nano_usd(price, tokens, output), price.id)
