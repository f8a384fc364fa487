"""What was spent adds up: by whatever it is told, over time, and with what brought no answer."""

import itertools
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.tenants import EVERY_TENANT, Tenants
from apps.ledger.models import Attempt, LateTrace, Trace
from apps.rollups.models import RolledCalls, RolledRequests, RolledSlot
from apps.rollups.rolling import roll_up
from apps.traces.spend import GROUPINGS, OF_CALLS, Spend, Spending, spending
from routerctl.engine.types import RoutingRequest
from tests.apps.traces.stored import attempt, decision, keep, stored, trace_id_at

pytestmark = pytest.mark.django_db

DAY = 86_400_000
NOW = 1_760_000_000_000


def asked(
    ago_ms: int, *costs: int, failed: bool = False, n: int = 0, deployment: str = "openai/small",
    **request: Any,
) -> None:  # fmt: skip
    """A request whose attempts cost so much; all but the last failed, and that one if `failed`."""
    at = NOW - ago_ms
    attempts = []
    for place, cost in enumerate(costs, start=1):
        ill = failed or place < len(costs)
        facts: dict[str, Any] = {"error_class": "server"} if ill else {"input_tokens": 100}
        where = "vendor/other" if ill else deployment
        attempts.append(attempt(place, where, cost_nano_usd=cost, price_id=1, **facts))
    outcome: dict[str, Any] = {"cost_nano_usd": sum(costs), "input_tokens": 100}
    if failed:
        outcome |= {"error_code": "provider_error", "http_status": 502}
    said = {"tenant": "acme", "feature": "support-chat"} | request
    trace = stored(*attempts, trace_id=trace_id_at(at, n), decided=decision(),
                   request=msgspec.convert(said, RoutingRequest), **outcome)  # fmt: skip
    keep(msgspec.structs.replace(trace, head=msgspec.structs.replace(trace.head, started_at_ms=at)))


def spent(by: str = "feature", tenants: Tenants = EVERY_TENANT, days: int = 1) -> Spending:
    edges = [NOW - days * DAY, NOW - days * DAY // 2]
    return spending(NOW - days * DAY, NOW, edges, by=by, earlier_by_ms=days * DAY, tenants=tenants)


def test_what_brought_no_answer_is_waste_and_an_answer_bears_it() -> None:
    asked(1000, 30, 100)
    asked(2000, 50, failed=True)
    [row] = spent().rows
    assert row == Spend("support-chat", 2, 1, 180, 80, 200, 0, 0, 0)
    assert row.for_each_answer == 180


def test_by_deployment_each_gets_what_its_own_calls_cost() -> None:
    asked(1000, 30, 100)
    assert [(one.name, one.requests, one.cost_nano_usd, one.wasted_nano_usd)
            for one in spent("deployment").rows] == [
        ("openai/small", 1, 100, 0), ("vendor/other", 1, 30, 30)]  # fmt: skip


def test_the_span_before_stands_beside_it_and_what_is_older_does_not_count() -> None:
    asked(1000, 7)
    asked(DAY + 1000, 5)
    asked(2 * DAY + 1000, 3, feature="gone")
    [row] = spent().rows
    assert (row.cost_nano_usd, row.before_nano_usd, row.requests) == (7, 5, 1)


def test_what_was_spent_before_alone_is_a_row_too() -> None:
    asked(DAY + 1000, 5, feature="switched-off")
    [row] = spent().rows
    assert (row.name, row.requests, row.before_nano_usd) == ("switched-off", 0, 5)


def test_requests_without_one_are_a_row_of_their_own() -> None:
    asked(1000, 5, plan="free")
    asked(2000, 6)
    assert {one.name: one.cost_nano_usd for one in spent("plan").rows} == {"free": 5, "": 6}


@pytest.mark.parametrize("by", GROUPINGS)
def test_other_tenants_spending_is_not_told_of(by: str) -> None:
    asked(1000, 3, 5)
    asked(2000, 7, 8, failed=True, tenant="globex")
    told = spent(by, Tenants.of(["acme"]))
    assert told.whole.cost_nano_usd == 8
    assert sum(itertools.chain(*told.parts.values())) == 8
    assert spent(by, Tenants.of(["nobody"])).rows == ()


REQUESTS = st.tuples(
    st.integers(0, 2 * DAY - 1),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=3),
    st.booleans(),
    st.sampled_from(["a", "b", "c", "d", "e", "f", "g"]),
)


@settings(max_examples=15, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.lists(REQUESTS, max_size=25))
def test_rows_and_parts_add_up_to_the_whole_by_whatever_it_is_told(
    db: None, requests: list[tuple[int, list[int], bool, str]]
) -> None:
    Trace.objects.all().delete()
    Attempt.objects.all().delete()
    for n, (ago, costs, failed, feature) in enumerate(requests):
        asked(ago + 1, *costs, failed=failed, n=n, feature=feature)
    now = [one for one in requests if one[0] < DAY]
    for by in GROUPINGS:
        told = spent(by)
        assert told.whole.cost_nano_usd == sum(sum(costs) for _, costs, _, _ in now)
        assert sum(itertools.chain(*told.parts.values())) == told.whole.cost_nano_usd
        if by not in OF_CALLS:
            assert told.whole.requests == len(now)
            assert told.whole.wasted_nano_usd == sum(
                sum(costs if failed else costs[:-1]) for _, costs, failed, _ in now
            )


@settings(max_examples=15, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    st.lists(REQUESTS, max_size=25), st.lists(REQUESTS, max_size=5), st.integers(0, 3_600_000),
)  # fmt: skip
def test_from_rollups_and_traces_together_it_is_what_it_is_from_traces_alone(
    db: None, early: list[Any], late: list[Any], shift_ms: int
) -> None:
    """Whatever was written before and after the sums were made, for any beginning and end."""
    for model in (Trace, Attempt, LateTrace, RolledSlot, RolledRequests, RolledCalls):
        model.objects.all().delete()

    def write(requests: list[Any], first: int) -> None:
        for n, (ago, costs, failed, feature) in enumerate(requests, start=first):
            tenant = "globex" if ago % 3 else "acme"
            asked(ago + 1, *costs, failed=failed, n=n, feature=feature, tenant=tenant)

    def told() -> list[Spending]:
        first, end = NOW - DAY - shift_ms, NOW - shift_ms
        edges = [first, NOW - DAY // 2, NOW - DAY // 2 + shift_ms]
        return [
            spending(first, end, edges, by=by, earlier_by_ms=DAY, tenants=whose)
            for by in GROUPINGS
            for whose in (EVERY_TENANT, Tenants.of(["acme"]))
        ]

    write(early, 0)
    roll_up(datetime.fromtimestamp(NOW / 1000, UTC))
    write(late, 100)
    together = told()
    RolledSlot.objects.all().delete()
    assert together == told()


def test_what_was_summed_up_is_read_from_the_sums_and_what_came_late_from_the_traces() -> None:
    asked(5 * 3_600_000, 7)
    asked(3 * 3_600_000, 5)
    roll_up(datetime.fromtimestamp(NOW / 1000, UTC))
    RolledRequests.objects.update(cost_nano_usd=1_000)  # to be told from the traces' sum
    asked(3 * 3_600_000, 4, n=1)
    assert spent().whole.cost_nano_usd == 1_000 + 5 + 4
