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
    tokens = input_bound(judged.place, case)
    price, output = judged.price, judged.max_output_tokens
    return Step(
        deployment=judged.place.slug,
        max_output_tokens=output,
        input_tokens_bound=tokens,
        cost_bound_nano_usd=0 if price is None else bound_nano_usd(price, tokens, output),
        price_id=None if price is None else price.id,
    )
