"""What a call costs, in nano-USD: integers only, rounded up once per component."""

from routerctl.engine.prices import PriceSpec
from routerctl.engine.specs import DeploymentSpec

TOKENS_PER_MTOK = 1_000_000

MAX_OUTPUT = 1 << 62
"""More tokens than anybody writes."""


def price_at(deployment: DeploymentSpec, moment_ms: int) -> PriceSpec | None:
    """The row of the catalog in force at `moment_ms`; None when no price had begun by then."""
    for price in reversed(deployment.prices):
        if price.starts_at_ms <= moment_ms:
            return price
    return None


def is_free(price: PriceSpec | None) -> bool:
    """Whether a call at `price` costs nothing, however long it is. Without a price nobody knows."""
    return price is not None and not bound_nano_usd(price, TOKENS_PER_MTOK, TOKENS_PER_MTOK)


def cost_nano_usd(
    price: PriceSpec,
    input_tokens: int,
    cached_input_tokens: int = 0,
    cache_write_tokens: int = 0,
    output_tokens: int = 0,
    reasoning_tokens: int = 0,
) -> int:
    """What was used, at `price`. `input_tokens` includes cached reads and cache writes, and
    `output_tokens` reasoning, so that no token is in two components.

    What has no price of its own is billed as ordinary input or output. Counts that do not add
    up (more cached than sent) never make the rest negative.
    """
    tier = price.tier_of(input_tokens) if price.above else price
    cached = tier.cached_input_nano_usd_per_mtok
    written = tier.cache_write_nano_usd_per_mtok
    plain = max(0, input_tokens - cached_input_tokens - cache_write_tokens)
    full = tier.input_nano_usd_per_mtok
    cost = (
        price.request_nano_usd
        + component(plain, full)
        + component(cached_input_tokens, full if cached is None else cached)
        + component(cache_write_tokens, full if written is None else written)
    )
    said, thought = tier.output_nano_usd_per_mtok, tier.reasoning_nano_usd_per_mtok
    if thought is None:
        return cost + component(output_tokens, said)
    rest = max(0, output_tokens - reasoning_tokens)
    return cost + component(rest, said) + component(reasoning_tokens, thought)


def bound_nano_usd(price: PriceSpec, input_tokens: int, output_tokens: int) -> int:
    """The most a call with at most these tokens can cost: every token at the dearest price of
    its direction, in any tier which so much input can reach."""
    dearest = price.dearest_up_to(input_tokens) if price.above else price.dearest
    read, written, fixed_nano_usd = dearest
    # `component` in line: every candidate of every request passes here.
    input_nano_usd = -(-input_tokens * read // TOKENS_PER_MTOK)
    return fixed_nano_usd + input_nano_usd - (-output_tokens * written // TOKENS_PER_MTOK)


def output_within(price: PriceSpec, input_tokens: int, nano_usd: int) -> int | None:
    """The most output that surely fits into `nano_usd` beside at most `input_tokens` of input.

    None when the input alone may cost more; `MAX_OUTPUT` when output costs nothing.
    """
    left = nano_usd - bound_nano_usd(price, input_tokens, 0)
    if left < 0:
        return None
    dearest = price.dearest_up_to(input_tokens).output_nano_usd_per_mtok
    return left * TOKENS_PER_MTOK // dearest if dearest else MAX_OUTPUT


def estimate_nano_usd(price: PriceSpec, input_tokens: int, output_tokens: int) -> int:
    """What a call with so many tokens costs when none is cached and none is reasoning, rounded
    up as a whole."""
    tier = price.tier_of(input_tokens) if price.above else price
    read = input_tokens * tier.input_nano_usd_per_mtok
    written = output_tokens * tier.output_nano_usd_per_mtok
    return price.request_nano_usd - (-(read + written) // TOKENS_PER_MTOK)


def component(tokens: int, nano_usd_per_mtok: int) -> int:
    """`tokens` at one price, rounded up."""
    return -(-tokens * nano_usd_per_mtok // TOKENS_PER_MTOK)


def cost_by_class(
    price: PriceSpec,
    input_tokens: int,
    cached_input_tokens: int = 0,
    cache_write_tokens: int = 0,
    output_tokens: int = 0,
    reasoning_tokens: int = 0,
) -> dict[str, tuple[int, int]]:
    """What `cost_nano_usd` adds up, by class: how many are billed as that, and the nano-USD.

    No token is in two classes; reasoning is in `output` where it has no price of its own.
    """
    tier = price.tier_of(input_tokens)
    full, said = tier.input_nano_usd_per_mtok, tier.output_nano_usd_per_mtok
    thought = tier.reasoning_nano_usd_per_mtok
    cached, written = tier.cached_input_nano_usd_per_mtok, tier.cache_write_nano_usd_per_mtok
    apart = 0 if thought is None else reasoning_tokens
    billed = {
        "input": (max(0, input_tokens - cached_input_tokens - cache_write_tokens), full),
        "cached_input": (cached_input_tokens, full if cached is None else cached),
        "cache_write": (cache_write_tokens, full if written is None else written),
        "output": (max(0, output_tokens - apart), said),
        "reasoning": (apart, thought or 0),
    }
    costs = {name: (tokens, component(tokens, rate)) for name, (tokens, rate) in billed.items()}
    return costs | {"requests": (1, price.request_nano_usd)}
