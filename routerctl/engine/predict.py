"""What one request is expected to cost at one deployment: for ranking and the trace. What is held
is the sure bound, which does not look at history."""

from routerctl.engine.case import Case
from routerctl.engine.place import Place, input_bound
from routerctl.engine.prices import PriceSpec
from routerctl.engine.pricing import cost_nano_usd, estimate_nano_usd
from routerctl.engine.types import Usual

EXPECTED_OUTPUT_TOKENS = 300
"""What an answer is taken to be where no history says better."""


def predicted_nano_usd(
    case: Case, place: Place, price: PriceSpec, tokens: int, output: int, usual: Usual | None
) -> int:
    """The expected cost, at `price`, of an input of about `tokens` tokens and an answer of at
    most `output`: as is usual, or else guessed from the bytes."""
    if usual is None:
        return estimate_nano_usd(price, tokens, min(EXPECTED_OUTPUT_TOKENS, output))
    billed = usual.input_tokens + case.request.text_bytes * usual.input_permille // 1000
    billed = min(max(billed, 0), input_bound(place, case))
    return usual_nano_usd(price, usual, billed, min(usual.output_tokens, output))


def usual_nano_usd(price: PriceSpec, usual: Usual, input_tokens: int, output_tokens: int) -> int:
    """What an answer with so many tokens comes to: with the share of them that is usually cached
    or reasoning, and the calls that were paid for in vain."""
    one = cost_nano_usd(
        price,
        input_tokens,
        input_tokens * usual.cached_permille // 1000,
        input_tokens * usual.written_permille // 1000,
        output_tokens,
        output_tokens * usual.reasoning_permille // 1000,
    )
    return -(-one * usual.calls_permille // 1000)
