"""What an attempt cost, as its record says."""

import pytest

from apps.gateway.attempts import Attempt
from apps.gateway.live import Endpoint
from apps.gateway.surroundings import Clock
from routerctl.engine.limits import resolve
from routerctl.engine.specs import Limits
from routerctl.engine.types import Step
from routerctl.providers import ADAPTERS
from routerctl.providers.errors import ProviderError
from routerctl.providers.ports import Target
from routerctl.providers.types import Usage
from tests.engine.builders import deployment, price

FEE = 5_000_000
STOPPED = Clock(monotonic_ns=lambda: 0)


def attempt(**prices: int) -> Attempt:
    priced = deployment("a", prices=(price(0, 8, id=1, **prices),))
    endpoint = Endpoint(priced, ADAPTERS["openai"], Target("https://a.example", None, "a"))
    step = Step("a", 100, 100, 10**9, 1)
    return Attempt(1, step, endpoint, resolve(Limits(), priced), 0, STOPPED)


def test_a_call_costs_the_vendors_fee_beside_its_tokens() -> None:
    tried = attempt(request_nano_usd=FEE)
    tried.succeeded(Usage(output_tokens=100), 0)
    assert tried.record().cost_nano_usd == FEE + 800_000


@pytest.mark.parametrize(("error", "cost"), [("rate_limited", 0), ("stalled", FEE)])
def test_what_cannot_have_been_billed_costs_no_fee(error: str, cost: int) -> None:
    tried = attempt(request_nano_usd=FEE)
    tried.failed(ProviderError(error, "no"), "no")
    assert tried.record().cost_nano_usd == cost


def test_reasoning_that_is_billed_apart_costs_its_own_price() -> None:
    tried = attempt(reasoning_nano_usd_per_mtok=3_000_000_000)
    tried.succeeded(Usage(output_tokens=100, reasoning_tokens=60), 0)
    assert tried.record().cost_nano_usd == 40 * 8_000 + 60 * 3_000


def test_what_nobody_told_is_charged_at_the_dearest_price_it_can_have_had() -> None:
    tried = attempt(cache_write_nano_usd_per_mtok=2_000_000_000)
    tried.failed(ProviderError("stalled", "no"), "no")
    assert tried.record().cost_nano_usd == 100 * 2_000 + 2  # two for rounding
