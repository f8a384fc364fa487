"""What a new price would have cost over the last 30 days, and which routes it touches."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.policies import prices
from tests.apps.policies.files import price
from tests.apps.policies.prices.made import BY, FLASH, LOCAL, PRO, apply_catalog
from tests.apps.traces.stored import attempt, keep, stored, trace_id_at

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _catalog(db: None) -> None:
    apply_catalog()


def used(n: int, days_ago: int = 1, deployment: str = FLASH, **tokens: Any) -> None:
    moment_ms = int((NOW - timedelta(days=days_ago)).timestamp() * 1000)
    called = attempt(deployment=deployment, **{"usage_source": "provider", **tokens})
    keep(stored(called, trace_id=trace_id_at(moment_ms, n)))


def effect(after: dict[str, Any], deployment: str = FLASH) -> prices.Effect:
    made = prices.propose(deployment, after, None, **BY)
    found = prices.proposal(made.pk)
    assert found is not None
    return found.content.items[0].effect


def test_every_token_of_thirty_days_is_reckoned_at_both_prices() -> None:
    used(1, input_tokens=1_000_000, cached_input_tokens=400_000, output_tokens=100_000)
    used(2, days_ago=29, output_tokens=900_000, reasoning_tokens=500_000)
    used(3, days_ago=31, output_tokens=10**9)
    used(4, usage_source="none", input_tokens=10**9)
    after = price(
        NOW.date().isoformat(), "0.40", output_usd_per_mtok="3.00",
        cached_input_usd_per_mtok="0.05", reasoning_usd_per_mtok="1.00", request_usd="0.01",
    )  # fmt: skip
    found = effect(after)
    assert found.routes == ("chat",)
    assert found.calls == 2
    assert found.was_nano_usd == 180_000_000 + 12_000_000 + 2_500_000_000
    assert found.would_nano_usd == (
        240_000_000 + 20_000_000 + 1_500_000_000 + 500_000_000 + 2 * 10_000_000
    )
    assert found.more_nano_usd == found.would_nano_usd - found.was_nano_usd


def test_calls_are_reckoned_in_the_tier_that_their_input_puts_them_in() -> None:
    used(1, input_tokens=200_000)
    used(2, input_tokens=200_001)
    after = price(
        NOW.date().isoformat(), "0.30", output_usd_per_mtok="0",
        above=[{"input_tokens": 200_000, "input_usd_per_mtok": "3.00"}],
    )  # fmt: skip
    assert effect(after).would_nano_usd == 60_000_000 + 600_003_000


def test_where_there_was_no_price_nothing_is_said_of_what_it_was() -> None:
    used(1, deployment=PRO, input_tokens=1_000_000)
    found = effect(price(NOW.date().isoformat(), "1.25"), PRO)
    assert (found.was_nano_usd, found.would_nano_usd) == (None, 1_250_000_000)
    assert found.routes == ("chat",)


def test_a_deployment_on_no_route_and_without_calls_touches_nothing() -> None:
    assert effect(price(NOW.date().isoformat(), "1.00"), LOCAL) == prices.Effect((), 0, 0, 0)
