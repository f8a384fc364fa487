"""What a call costs, in nano-USD: integers only, rounded up once per component."""

from routerctl.engine.types import DeploymentSpec, PriceSpec

TOKENS_PER_MTOK = 1_000_000


def price_at(deployment: DeploymentSpec, moment_ms: int) -> PriceSpec | None:
    """The row of the catalog in force at `moment_ms`; None when no price had begun by then."""
    for price in reversed(deployment.prices):
        if price.starts_at_ms <= moment_ms:
            return price
    return None


def cost_nano_usd(
    price: PriceSpec,
    input_tokens: int,
    cached_input_tokens: int = 0,
    cache_write_tokens: int = 0,
    output_tokens: int = 0,
) -> int:
    """What was used, at `price`. `input_tokens` includes cached reads and cache writes.

    A vendor without a price for one of these two bills it as ordinary input. Counts that do not
    add up (more cached than sent) never make the rest negative.
    """
    cached = price.cached_input_nano_usd_per_mtok
    written = price.cache_write_nano_usd_per_mtok
    plain = max(0, input_tokens - cached_input_tokens - cache_write_tokens)
    full = price.input_nano_usd_per_mtok
    return (
        component(plain, full)
        + component(cached_input_tokens, full if cached is None else cached)
        + component(cache_write_tokens, full if written is None else written)
        + component(output_tokens, price.output_nano_usd_per_mtok)
    )


def bound_nano_usd(price: PriceSpec, input_tokens: int, output_tokens: int) -> int:
    """The most a call with at most these tokens can cost: every input token at the dearest
    input price. Two more cover the rounding of input that is billed as three components."""
    dearest = price.input_nano_usd_per_mtok
    cached, written = price.cached_input_nano_usd_per_mtok, price.cache_write_nano_usd_per_mtok
    if cached is not None and cached > dearest:
        dearest = cached
    if written is not None and written > dearest:
        dearest = written
    rounding = 2 if dearest else 0
    # `component` in line: every candidate of every request passes here.
    input_nano_usd = -(-input_tokens * dearest // TOKENS_PER_MTOK)
    output_nano_usd = -(-output_tokens * price.output_nano_usd_per_mtok // TOKENS_PER_MTOK)
    return input_nano_usd + rounding + output_nano_usd


def estimate_nano_usd(price: PriceSpec, input_tokens: int, output_tokens: int) -> int:
    """What a call with so many tokens costs when none is cached, rounded up as a whole."""
    read = input_tokens * price.input_nano_usd_per_mtok
    written = output_tokens * price.output_nano_usd_per_mtok
    return -(-(read + written) // TOKENS_PER_MTOK)


def component(tokens: int, nano_usd_per_mtok: int) -> int:
    """`tokens` at one price, rounded up."""
    return -(-tokens * nano_usd_per_mtok // TOKENS_PER_MTOK)
