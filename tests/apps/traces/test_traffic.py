import random
import time
from datetime import UTC, datetime

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from apps.accounts.tenants import EVERY_TENANT, Tenants
from apps.rollups.models import RolledRequests, RolledSlot
from apps.rollups.rolling import roll_up
from apps.traces.calls import DAY_MS, HOUR_MS, calls_by_deployment, features_at_this_hour
from apps.traces.traffic import Sums, Traffic, traffic
from apps.traces.values import StoredTrace
from routerctl.engine.types import RoutingRequest
from tests.apps.traces.stored import attempt, keep, stored
from tests.browser.gallery import at

pytestmark = pytest.mark.django_db

NOON_MS = 1_760_000_000_000
ACME = Tenants.of(["acme"])


def asked(
    feature: str | None = "support-chat", tenant: str = "acme", **facts: object
) -> StoredTrace:
    return stored(request=RoutingRequest(tenant=tenant, feature=feature), **facts)  # type: ignore[arg-type]


def told(tenants: Tenants = EVERY_TENANT) -> Traffic:
    edges = (NOON_MS, NOON_MS + 1000)
    return traffic(NOON_MS, NOON_MS + 2000, edges, earlier_by_ms=DAY_MS, tenants=tenants)


def test_a_range_is_summed_up_in_all_over_time_and_by_feature() -> None:
    keep(
        at(asked(latency_ms=100, cost_nano_usd=5), NOON_MS),
        at(asked(latency_ms=900, cost_nano_usd=7), NOON_MS + 1),
        at(asked("other", error_code="provider_error", latency_ms=1), NOON_MS + 1500),
        at(asked(None, status="degraded", degraded_action="fallback"), NOON_MS + 1600),
    )
    found = told()
    assert (found.now.requests, found.now.failed, found.now.fallbacks) == (4, 1, 1)
    assert found.now.p95_ms == pytest.approx(1234, rel=0.05)
    assert [part.requests for part in found.parts] == [2, 2]
    assert set(found.features) == {"support-chat", "other", None}
    chat = found.features["support-chat"]
    assert chat == Sums(2, 0, 0, 0, 12, chat.p95_ms)
    assert chat.p95_ms == pytest.approx(900, rel=0.05)
    assert found.before == Sums()


def test_parts_and_features_each_add_up_to_the_whole() -> None:
    keep(*(at(asked(f"f{n % 3}", cost_nano_usd=n), NOON_MS + n * 190) for n in range(10)))
    found = told()
    for some in (found.parts, found.features.values()):
        assert sum(one.requests for one in some) == found.now.requests == 10
        assert sum(one.cost_nano_usd for one in some) == found.now.cost_nano_usd == 45


def test_the_same_span_of_the_day_before_is_told_beside_and_nothing_between() -> None:
    keep(
        at(asked(), NOON_MS),
        at(asked(error_code="provider_error"), NOON_MS - DAY_MS + 5),
        at(asked(), NOON_MS - DAY_MS + 1999),
        at(asked(), NOON_MS - DAY_MS + 2000),
        at(asked(), NOON_MS - 1),
    )
    found = told()
    assert (found.before.requests, found.before.failed) == (2, 1)
    assert found.now.requests == 1


def test_only_the_tenants_own_traffic_is_summed_up(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    keep(at(asked(), NOON_MS), at(asked(tenant="globex"), NOON_MS + 1))
    with django_assert_num_queries(4):  # what is summed up, and the sums; now and before
        assert told(ACME).now.requests == 1


@pytest.mark.parametrize("tenants", [EVERY_TENANT, ACME])
def test_from_rollups_and_traces_together_it_is_what_it_is_from_traces_alone(
    tenants: Tenants,
) -> None:
    chance = random.Random(11)

    def ask(number: int) -> None:
        for _ in range(number):
            facts = chance.choice((
                {}, {"error_code": "provider_error"}, {"status": "blocked"},
                {"status": "degraded", "degraded_action": "fallback"},
            ))  # fmt: skip
            one = asked(
                chance.choice(("a", "b", None)), chance.choice(("acme", "globex")),
                latency_ms=round(chance.lognormvariate(6, 2)), cost_nano_usd=chance.randrange(99),
                **facts,
            )  # fmt: skip
            keep(at(one, NOON_MS - chance.randrange(2 * DAY_MS)))

    def all_of_it() -> Traffic:
        edges = [NOON_MS - DAY_MS + n * HOUR_MS + n for n in range(24)]
        return traffic(edges[0], NOON_MS, edges, earlier_by_ms=DAY_MS, tenants=tenants)

    ask(60)
    roll_up(datetime.fromtimestamp(NOON_MS / 1000, UTC))
    ask(10)
    together = all_of_it()
    RolledSlot.objects.all().delete()
    assert together == all_of_it()
    assert together.now.requests > 10


def test_what_is_summed_up_is_read_from_the_sums() -> None:
    keep(at(asked(latency_ms=100), NOON_MS - 5 * HOUR_MS))
    roll_up(datetime.fromtimestamp(NOON_MS / 1000, UTC))
    RolledRequests.objects.update(requests=7)
    edges = [NOON_MS - DAY_MS]
    found = traffic(edges[0], NOON_MS, edges, earlier_by_ms=DAY_MS, tenants=EVERY_TENANT)
    assert found.now.requests == 7
    assert found.now.p95_ms == pytest.approx(100, rel=0.05)


def test_calls_are_summed_up_by_deployment_failed_ones_too() -> None:
    begun = NOON_MS + 60_000
    keep(
        at(asked_with_fallback(), begun),
        at(stored(attempt(price_id=1, duration_ms=10)), begun + 5),
        at(stored(attempt(price_id=None)), begun + 6),
    )
    small, fast = calls_by_deployment(NOON_MS, NOON_MS + HOUR_MS, tenants=EVERY_TENANT)
    assert (small.deployment, small.calls, small.failed, small.unpriced) == (
        *("openai/small", 3, 0, 1),
    )
    assert (fast.deployment, fast.calls, fast.failed) == ("gemini/fast", 1, 1)
    assert (fast.failed_most_as, fast.failed_first_ms) == ("stalled", begun)
    assert small.failed_most_as is None


def asked_with_fallback() -> StoredTrace:
    return stored(
        attempt(deployment="gemini/fast", error_class="stalled", price_id=1),
        attempt(2, price_id=1),
        request=RoutingRequest(tenant="globex"),
    )


def test_another_tenants_calls_are_not_counted() -> None:
    keep(at(asked_with_fallback(), NOON_MS + 1))
    assert calls_by_deployment(NOON_MS, NOON_MS + HOUR_MS, tenants=ACME) == []


def test_an_hour_is_told_beside_the_same_hour_of_the_days_before(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    now_ms = time.time_ns() // 1_000_000
    failed_at = now_ms - 10 * 60_000
    keep(
        at(asked(error_code="provider_error"), failed_at),
        at(asked(), now_ms - 5 * 60_000),
        at(asked(), now_ms - DAY_MS - 60_000),
        at(asked(error_code="provider_error"), now_ms - 7 * DAY_MS - 60_000),
        at(asked(), now_ms - DAY_MS - 2 * HOUR_MS),  # another hour
        at(asked(), now_ms - 8 * DAY_MS - 60_000),  # too long ago
        at(asked("asleep"), now_ms - DAY_MS - 61_000),  # not asked for now
    )
    with django_assert_num_queries(1):
        (hour,) = features_at_this_hour(now_ms, tenants=EVERY_TENANT)
    assert hour.feature == "support-chat"
    assert (hour.now.requests, hour.now.failed) == (2, 1)
    assert (hour.before.requests, hour.before.failed) == (2, 1)
    assert hour.failed_first_ms == failed_at
