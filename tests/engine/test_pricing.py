"""Money: exact integers, rounded up once per component, and a bound that holds."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from routerctl.engine.pricing import bound_nano_usd, cost_nano_usd, price_at
from routerctl.engine.sentences import dollars
from routerctl.engine.types import PriceSpec
from tests.engine.builders import deployment, price

rates = st.integers(0, 10**12)
tokens = st.integers(0, 10**7)
prices = st.builds(
    PriceSpec,
    st.just(1),
    st.just(0),
    rates,
    rates,
    st.none() | rates,
    st.none() | rates,
)


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


@given(prices, tokens, tokens, tokens, tokens)
def test_a_cost_is_never_negative_and_never_below_the_exact_sum(
    row: PriceSpec, plain: int, cached: int, written: int, output: int
) -> None:
    cost = cost_nano_usd(row, plain + cached + written, cached, written, output)
    full = row.input_nano_usd_per_mtok
    dear = row.cached_input_nano_usd_per_mtok
    write = row.cache_write_nano_usd_per_mtok
    exact = Fraction(
        plain * full
        + cached * (full if dear is None else dear)
        + written * (full if write is None else write)
        + output * row.output_nano_usd_per_mtok,
        10**6,
    )
    assert 0 <= exact <= cost < exact + 4


@given(prices, tokens, tokens, tokens, tokens)
def test_the_bound_holds_whatever_is_cached_or_written(
    row: PriceSpec, plain: int, cached: int, written: int, output: int
) -> None:
    sent = plain + cached + written
    assert bound_nano_usd(row, sent, output) >= cost_nano_usd(row, sent, cached, written, output)


@given(prices, tokens, tokens, tokens, tokens)
def test_counts_that_do_not_add_up_are_no_credit(
    row: PriceSpec, sent: int, cached: int, written: int, output: int
) -> None:
    assert cost_nano_usd(row, sent, cached, written, output) >= cost_nano_usd(
        row, 0, cached, written, output
    ) - cost_nano_usd(row, 0, cached, written, 0)


def test_dollars_are_exact() -> None:
    assert dollars(0) == "$0.00"
    assert dollars(1_230_000_000) == "$1.23"
    assert dollars(1) == "$0.000000001"
    assert dollars(12_500_000_000) == "$12.50"
