"""What a deployment's tokens cost, as rows of the catalog; `pricing.py` reckons with them.

Prices are nano-USD per million tokens, by class of token. A cached read, a cache write or
reasoning without a price of its own is billed as ordinary input or output. All tokens of a
request, and not only the excess, cost what its input's length makes them cost: that is how
Google (Gemini), Anthropic and OpenAI bill long contexts.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct


class PriceTier(Struct, frozen=True):
    """What holds instead for a request of more than `above_input_tokens` input tokens, cached
    reads and cache writes included. Every class is stated: nothing is taken over from below."""

    above_input_tokens: int
    input_nano_usd_per_mtok: int
    output_nano_usd_per_mtok: int
    cached_input_nano_usd_per_mtok: int | None = None
    cache_write_nano_usd_per_mtok: int | None = None
    reasoning_nano_usd_per_mtok: int | None = None


class Dearest(NamedTuple):
    """The most that a token of either direction can cost, and `fixed_nano_usd`, which a call
    costs beside its tokens: the vendor's fee, and what rounding up each component can add."""

    input_nano_usd_per_mtok: int
    output_nano_usd_per_mtok: int
    fixed_nano_usd: int


class PriceSpec(Struct, frozen=True, dict=True):
    """One row of the catalog, in force from `starts_at_ms` until the next row begins.

    `request_nano_usd` is charged for each call beside its tokens. `above` are the tiers for long
    inputs, shortest first.
    """

    id: int
    starts_at_ms: int
    input_nano_usd_per_mtok: int
    output_nano_usd_per_mtok: int
    cached_input_nano_usd_per_mtok: int | None = None
    cache_write_nano_usd_per_mtok: int | None = None
    reasoning_nano_usd_per_mtok: int | None = None
    request_nano_usd: int = 0
    above: tuple[PriceTier, ...] = ()

    @cached_property
    def dearest(self) -> Dearest:
        """Below the first tier. Kept, because every candidate of every request asks for it."""
        return self._dearest_of((self,))

    def dearest_up_to(self, input_tokens: int) -> Dearest:
        """Over all tiers that a request of at most `input_tokens` can come to be in."""
        reached = [tier for tier in self.above if tier.above_input_tokens < input_tokens]
        return self._dearest_of((self, *reached)) if reached else self.dearest

    def tier_of(self, input_tokens: int) -> "PriceSpec | PriceTier":
        """Whose prices hold for a request of exactly `input_tokens`."""
        for tier in reversed(self.above):
            if input_tokens > tier.above_input_tokens:
                return tier
        return self

    def _dearest_of(self, tiers: "Iterable[PriceSpec | PriceTier]") -> Dearest:
        read = written = rounding = 0
        for tier in tiers:
            read = max(
                read,
                tier.input_nano_usd_per_mtok,
                tier.cached_input_nano_usd_per_mtok or 0,
                tier.cache_write_nano_usd_per_mtok or 0,
            )
            reasoning = tier.reasoning_nano_usd_per_mtok
            written = max(written, tier.output_nano_usd_per_mtok, reasoning or 0)
            rounding |= reasoning is not None and written > 0
        # Input is billed as three components and output as two, each rounded up.
        return Dearest(read, written, self.request_nano_usd + (2 if read else 0) + rounding)
