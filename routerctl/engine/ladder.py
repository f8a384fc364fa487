"""Last stage: the steps to try, each with the most it may write and the most it can cost."""

from routerctl.engine.case import Case
from routerctl.engine.place import input_bound
from routerctl.engine.pricing import bound_nano_usd
from routerctl.engine.restrict import Judged
from routerctl.engine.types import Step


def ladder(order: tuple[Judged, ...], case: Case) -> tuple[Step, ...]:
    """One step for each of `order`. Embeddings get the first alone: vectors of another model
    would not compare."""
    if case.request.operation == "embeddings":
        order = order[:1]
    return tuple([_step(judged, case) for judged in order])


def _step(judged: Judged, case: Case) -> Step:
    place, price, output = judged.place, judged.price, judged.max_output_tokens
    tokens = input_bound(place, case)
    if price is None:
        return Step(place.slug, output, tokens, cost_bound_nano_usd=0)
    return Step(place.slug, output, tokens, bound_nano_usd(price, tokens, output), price.id)
