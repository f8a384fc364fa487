"""Money: exact integers, rounded up once per component, and a bound that holds."""

from fractions import Fraction
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routerctl.engine.prices import PriceSpec, PriceTier
from routerctl.engine.pricing import (
    bound_nano_usd,
    component,
    cost_nano_usd,
    estimate_nano_usd,
    output_within,
    price_at,
)
from routerctl.engine.sentences import dollars
from tests.engine.builders import deployment, price

rates = st.integers(0, 10**12)
tokens = st.integers(0, 10**7)
or_none = st.none() | rates


tiers = st.lists(
    st.builds(PriceTier, st.integers(1, 3 * 10**7), rates, rates, or_none, or_none, or_none),
    max_size=2,
    unique_by=lambda tier: tier.above_input_tokens,
).map(lambda found: tuple(sorted(found, key=lambda tier: tier.above_input_tokens)))
prices = st.builds(
    PriceSpec, st.just(1), st.just(0), rates, rates, or_none, or_none, or_none, rates, tiers
)
patient = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
"""Also on a machine that others use, whose speed is no matter here."""


class Used(NamedTuple):
    """Tokens of a call, each in the one class that the vendor bills it as."""

    plain: int
    cached: int
    written: int
    said: int
    thought: int

    @property
    def sent(self) -> int:
        return self.plain + self.cached + self.written

    @property
    def output(self) -> int:
        return self.said + self.thought

    def cost(self, row: PriceSpec) -> int:
        return cost_nano_usd(row, self.sent, self.cached, self.written, self.output, self.thought)


used = st.builds(Used, tokens, tokens, tokens, tokens, tokens)
long_context = price(1.25, 10, above=(PriceTier(200_000, 2_500_000_000, 15_000_000_000),))


def test_each_component_is_rounded_up_once() -> None:
    odd = PriceSpec(1, 0, 1, 1, 1, 1)
    assert cost_nano_usd(odd, 3, 1, 1, 1) == 4
    assert cost_nano_usd(odd, 1_000_000) == 1
    assert cost_nano_usd(odd, 1_000_001) == 2


def test_cached_and_written_input_have_their_own_prices() -> None:
    usual = price(
        3,
        15,
        cached_input_nano_usd_per_mtok=300_000_000,
        cache_write_nano_usd_per_mtok=3_750_000_000,
    )
    assert cost_nano_usd(usual, 1_000_000) == 3_000_000_000
    assert cost_nano_usd(usual, 1_000_000, cached_input_tokens=1_000_000) == 300_000_000
    assert cost_nano_usd(usual, 1_000_000, cache_write_tokens=1_000_000) == 3_750_000_000
    assert cost_nano_usd(usual, 0, output_tokens=1_000_000) == 15_000_000_000


def test_without_a_price_of_their_own_they_cost_what_input_costs() -> None:
    assert cost_nano_usd(price(2, 0), 100, 50, 50) == cost_nano_usd(price(2, 0), 100)


def test_a_free_deployment_costs_and_holds_nothing() -> None:
    assert bound_nano_usd(price(0, 0), 10**6, 10**6) == 0


def test_the_price_row_in_force_is_the_last_that_has_begun() -> None:
    rows = (price(id=1, starts_at_ms=100), price(id=2, starts_at_ms=200))
    priced = deployment("a", prices=rows)
    assert [getattr(price_at(priced, at), "id", None) for at in (99, 100, 199, 200)] == [
        None, 1, 1, 2,
    ]  # fmt: skip


def test_a_long_input_makes_every_token_dearer_and_not_only_the_excess() -> None:
    # Gemini 2.5 Pro, 2025-06-17: $1.25 in and $10 out, above 200 000 tokens $2.50 and $15.
    assert cost_nano_usd(long_context, 200_000, output_tokens=1_000) == 260_000_000
    assert cost_nano_usd(long_context, 200_001, output_tokens=1_000) == 515_002_500


def test_the_tier_is_that_of_the_whole_input_however_much_of_it_is_cached() -> None:
    assert cost_nano_usd(long_context, 300_000, 299_999) == cost_nano_usd(long_context, 300_000)


def test_the_highest_tier_that_is_passed_holds() -> None:
    row = price(1, 0, above=(PriceTier(10, 2 * 10**9, 0), PriceTier(20, 3 * 10**9, 0)))
    costs = [cost_nano_usd(row, tokens) // tokens for tokens in (10, 11, 20, 21)]
    assert costs == [1_000, 2_000, 2_000, 3_000]


def test_a_short_input_is_not_held_at_the_price_of_a_long_one() -> None:
    assert bound_nano_usd(long_context, 200_000, 0) == 250_000_002
    assert bound_nano_usd(long_context, 200_001, 0) == 500_002_502


def test_reasoning_has_its_own_price_where_the_vendor_bills_it_apart() -> None:
    apart = price(0, 8, reasoning_nano_usd_per_mtok=3_000_000_000)
    assert cost_nano_usd(apart, 0, output_tokens=1_000, reasoning_tokens=400) == 6_000_000
    assert cost_nano_usd(price(0, 8), 0, output_tokens=1_000, reasoning_tokens=400) == 8_000_000


def test_the_vendors_fee_is_charged_once_for_each_call() -> None:
    fee = price(0, 0, request_nano_usd=5_000_000)
    assert cost_nano_usd(fee, 10, output_tokens=10) == 5_000_000
    assert bound_nano_usd(fee, 10, 10) == estimate_nano_usd(fee, 10, 10) == 5_000_000


def test_an_estimate_is_made_in_the_tier_of_its_input() -> None:
    assert estimate_nano_usd(long_context, 300_000, 0) == 750_000_000


@patient
@given(prices, used)
def test_a_cost_is_the_exact_sum_with_every_token_in_one_class(row: PriceSpec, used: Used) -> None:
    tier = row.tier_of(used.sent)
    full, said = tier.input_nano_usd_per_mtok, tier.output_nano_usd_per_mtok
    read, written = tier.cached_input_nano_usd_per_mtok, tier.cache_write_nano_usd_per_mtok
    thought = tier.reasoning_nano_usd_per_mtok
    exact = row.request_nano_usd + Fraction(
        used.plain * full
        + used.cached * (full if read is None else read)
        + used.written * (full if written is None else written)
        + used.said * said
        + used.thought * (said if thought is None else thought),
        10**6,
    )
    assert 0 <= exact <= used.cost(row) < exact + 5


@patient
@given(prices, used, used)
def test_a_cost_is_within_the_bound_whenever_the_tokens_are(
    row: PriceSpec, used: Used, spare: Used
) -> None:
    bound = bound_nano_usd(row, used.sent + spare.sent, used.output + spare.output)
    assert used.cost(row) <= bound


@patient
@given(prices, tokens, st.integers(0, 10**16), tokens)
def test_the_output_that_is_said_to_fit_fits(
    row: PriceSpec, sent: int, ceiling: int, less: int
) -> None:
    output = output_within(row, sent, ceiling)
    if output is None:
        assert bound_nano_usd(row, sent, 0) > ceiling
    else:
        assert bound_nano_usd(row, sent, max(0, output - less)) <= ceiling


@patient
@given(prices, tokens, tokens, tokens, tokens)
def test_counts_that_do_not_add_up_are_no_credit(
    row: PriceSpec, sent: int, cached: int, written: int, output: int
) -> None:
    said = component(output, row.tier_of(sent).output_nano_usd_per_mtok)
    cost = cost_nano_usd(row, sent, cached, written, output)
    assert cost >= row.request_nano_usd + said
    assert cost >= cost_nano_usd(row, sent, cached, written)


def test_dollars_are_exact() -> None:
    assert dollars(0) == "$0.00"
    assert dollars(1_230_000_000) == "$1.23"
    assert dollars(1) == "$0.000000001"
    assert dollars(12_500_000_000) == "$12.50"
