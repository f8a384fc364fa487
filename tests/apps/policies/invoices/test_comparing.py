"""What is billed stands beside what was settled, exact to the nano-dollar, class by class."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.policies.invoices import Row, compare, comparison_csv
from apps.policies.invoices.comparing import UNATTRIBUTED
from routerctl.engine.prices import PriceSpec, PriceTier
from routerctl.engine.pricing import cost_by_class, cost_nano_usd
from tests.apps.policies.invoices.made import HOUR, MODEL, NOON, called, kept, line, recorded
from tests.apps.policies.prices.made import apply_catalog


@pytest.fixture
def catalog(db: None) -> None:
    """google/flash costs $0.30 input, $2.50 output, $0.03 cached, for a million tokens."""
    apply_catalog()


pytestmark = pytest.mark.usefixtures("catalog")


def rows(*lines: str, time_zone: str = "UTC") -> dict[str, Row]:
    return {row.token_class: row for row in compare(kept(*lines, time_zone=time_zone)).rows}


def test_what_is_billed_as_it_was_settled_differs_by_nothing() -> None:
    called(input_tokens=1000, cached_input_tokens=400, output_tokens=200)
    told = compare(
        kept(
            line("input", "600", "0.00018"),
            line("cached_input", "400", "0.000012"),
            line("output", "200", "0.0005"),
        )
    )
    assert [(row.state, row.difference_nano_usd, row.percent) for row in told.rows] == [
        ("within", 0, "0.00")
    ] * 3
    assert (told.whole.billed_nano_usd, told.whole.settled_nano_usd) == (692_000, 692_000)
    assert told.flagged == 0


def test_each_attempt_is_rounded_up_as_it_was_when_it_was_charged() -> None:
    cost = sum(called(n=n, input_tokens=1, cached_input_tokens=1) for n in range(3))
    assert rows(line())["cached_input"].settled_nano_usd == cost == 90


@pytest.mark.parametrize(("usd", "state"), [("0.000306", "within"), ("0.000306001", "over")])
def test_more_than_two_percent_is_flagged_and_two_are_not(usd: str, state: str) -> None:
    called(input_tokens=1000)
    row = rows(line("input", "1000", usd))["input"]
    assert (row.state, row.percent) == (state, "+2.00")


def test_a_quantity_that_differs_is_flagged_though_the_money_does_not() -> None:
    called(input_tokens=1000)
    row = rows(line("input", "979", "0.0003"))["input"]
    assert (row.state, row.difference_quantity) == ("over", -21)


def test_what_only_one_side_knows_is_told() -> None:
    called(input_tokens=1000, output_tokens=10)
    told = compare(kept(line(), line("input", "5", "0.01", model="stranger")))
    assert [(row.model, row.token_class, row.state) for row in told.rows] == [
        (MODEL, "input", "within"),
        (MODEL, "output", "not_billed"),
        ("stranger", "input", "unknown"),
    ]
    assert told.rows[2].percent == ""
    assert told.whole.difference_nano_usd == 10_000_000 - 25_000


def test_what_was_settled_without_usage_stands_apart_and_the_rows_add_up() -> None:
    called(input_tokens=1000)
    recorded(n=1, cost_nano_usd=777, price_id=None, usage_source="estimated")
    told = compare(kept(line()))
    [apart] = [row for row in told.rows if row.token_class == UNATTRIBUTED]
    assert (apart.state, apart.recorded_quantity, apart.settled_nano_usd) == ("not_billed", 1, 777)
    assert told.whole.settled_nano_usd == 300_777


def test_requests_are_counted_where_they_are_billed() -> None:
    called(input_tokens=1000)
    assert "requests" not in rows(line())
    other = compare(kept(line("requests", "1", "0", days="2026-03-09,2026-03-09")))
    assert other.rows[0].state == "unknown"


@pytest.mark.parametrize(
    ("hours", "time_zone", "counted"),
    [
        (11, "UTC", True),
        (12, "UTC", False),
        (-12, "UTC", True),
        (-13, "UTC", False),
        (-13, "Europe/Berlin", True),
        (11, "Europe/Berlin", False),
    ],
)
def test_days_are_those_of_the_zone(hours: int, time_zone: str, counted: bool) -> None:
    called(NOON + hours * HOUR, input_tokens=1000)
    row = rows(line(), time_zone=time_zone)["input"]
    assert (row.recorded_quantity == 1000) == counted


def test_the_file_names_period_zone_and_every_row() -> None:
    called(input_tokens=1000)
    first, _, row, whole = comparison_csv(compare(kept(line(usd="0.0006")))).splitlines()
    assert first == '"google, 2026-03-10 to 2026-03-10, UTC"'
    assert row == (f"google,{MODEL},input,over,1000,1000,0.0006,0.0003,300000,'+100.00")
    assert whole.startswith("google,,,over,0,0,0.0006,0.0003")


RATE = st.integers(0, 10**10)
RATES = {
    "input_nano_usd_per_mtok": RATE,
    "output_nano_usd_per_mtok": RATE,
    "cached_input_nano_usd_per_mtok": st.none() | RATE,
    "cache_write_nano_usd_per_mtok": st.none() | RATE,
    "reasoning_nano_usd_per_mtok": st.none() | RATE,
}
TIERS = st.builds(PriceTier, st.just(200_000), **RATES)
PRICES = st.builds(
    PriceSpec,
    st.just(1),
    st.just(0),
    request_nano_usd=RATE,
    above=st.tuples(TIERS),
    **RATES,
)


@given(PRICES, st.tuples(*[st.integers(0, 10**6)] * 5))
def test_classes_add_up_to_what_a_call_costs(price: PriceSpec, tokens: tuple[int, ...]) -> None:
    classes = cost_by_class(price, *tokens).values()
    assert sum(cost for _, cost in classes) == cost_nano_usd(price, *tokens)
