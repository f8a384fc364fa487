"""A drafted cap is tried on what was really asked: by the engine, with what it really cost."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from apps.accounts.tenants import Tenants
from apps.policies.apply import apply
from apps.policies.hindsight import Hindsight, Would, hindsight
from apps.policies.specs import cap_spec
from routerctl.engine.types import RoutingRequest
from tests.apps.policies.files import deployment, price, route, small
from tests.apps.traces.stored import decision, keep, stored, trace_id_at

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
USD = 1_000_000_000
EVERY = Tenants.of(["*"])


@pytest.fixture(autouse=True)
def _policy() -> None:
    places = [
        deployment(slug="vendor/strong", prices=[price(usd="10.00")]),
        deployment(slug="vendor/small", prices=[price()]),
        deployment(
            slug="vendor/free", region="us", prices=[price(usd="0", output_usd_per_mtok="0")]
        ),
    ]
    both = route(candidates=["vendor/strong", "vendor/small"])
    free = route(
        slug="summaries", when={"task": "summary"}, candidates=["vendor/strong", "vendor/free"]
    )
    apply(small(deployments=places, routes=[free, both], gates=[], caps=[]), reason="for a test")


def asked(at: datetime, number: int, **facts: Any) -> None:
    """`number` requests, a second apart, each for $1 by vendor/strong."""
    outcome: Any = {"cost_nano_usd": USD, "deployment": "vendor/strong", "input_tokens": 900,
               "output_tokens": 100}  # fmt: skip
    request = {"task": "chat", "plan": "free", "tenant": "acme", "text_bytes": 400} | facts
    traces = []
    for n in range(number):
        ms = int(at.timestamp() * 1000) + n * 1000
        trace = stored(
            trace_id=trace_id_at(ms, n),
            request=msgspec.convert(request, RoutingRequest),
            decided=decision(route="all" if request["task"] == "chat" else "summaries"),
            **outcome,
        )
        head = msgspec.structs.replace(trace.head, started_at_ms=ms)
        traces.append(msgspec.structs.replace(trace, head=head))
    keep(*traces)


def seen(tenants: Sequence[str] = ("*",), **fields: Any) -> Hindsight:
    entry = {"slug": "drafted", "period": "day", "limit_usd": "10.00",
             "actions": [{"at_percent": 100, "do": "stop"}]}  # fmt: skip
    spec = cap_spec({name: v for name, v in {**entry, **fields}.items() if v is not None})
    found = hindsight(spec, tenants=Tenants.of(tenants), now=NOW)
    assert found is not None
    return found


def test_requests_past_a_threshold_would_have_gone_to_the_cheapest() -> None:
    for day in (1, 2):
        asked(NOW - timedelta(days=day), 20)
    found = seen(actions=[{"at_percent": 50, "do": "cheaper"}])
    assert (found.days, found.requests, found.taken) == (30, 40, 40 * USD)
    assert (found.windows, found.full) == (2, 2)
    assert set(found.would) == {Would("moved", 10, "vendor/small"), Would("refused", 20)}


def test_at_the_limit_what_costs_nothing_goes_on() -> None:
    asked(NOW - timedelta(days=1), 12, task="summary")
    assert seen().would == (Would("moved", 2, "vendor/free"),)


def test_a_limit_that_was_never_met_changes_nothing() -> None:
    asked(NOW - timedelta(days=1), 10)
    found = seen()
    assert (found.full, found.would) == (0, ())


def test_only_what_it_counts_fills_it() -> None:
    asked(NOW - timedelta(days=1), 11)
    asked(NOW - timedelta(days=2), 11, plan="pro")
    assert seen(scope={"plan": "free"}).requests == 11
    assert seen(scope={"plan": ["free", "pro"]}).requests == 22
    assert seen(scope={"deployment": "vendor/small"}).requests == 0
    assert seen(scope={"route": "all", "tenant": "acme"}).full == 2


def test_each_of_what_it_is_per_has_a_window() -> None:
    at = NOW - timedelta(days=1)
    asked(at, 8, session="one")
    asked(at + timedelta(minutes=1), 8, metadata={"ticket": "7"})
    assert (seen(per=["session"]).windows, seen(per=["session"]).full) == (2, 0)
    assert seen(per=["metadata.ticket"]).windows == 2
    assert seen(per=["metadata.ticket"], missing="skip").requests == 8
    assert (seen().windows, seen().full) == (1, 1)


def test_days_begin_by_the_caps_own_clocks() -> None:
    asked(datetime(2026, 11, 18, 22, 59, 30, tzinfo=UTC), 60)
    assert seen().windows == 1
    assert seen(time_zone="Europe/Berlin").windows == 2


@pytest.mark.parametrize(
    ("limit", "full"),
    [({"limit_tokens": 11_999}, 1), ({"limit_tokens": 12_000}, 0), ({"limit_requests": 11}, 1)],
)
def test_tokens_and_requests_are_counted_too(limit: dict[str, Any], full: int) -> None:
    asked(NOW - timedelta(days=1), 12)
    assert seen(limit_usd=None, **limit).full == full


def test_other_tenants_requests_are_not_told_of() -> None:
    asked(NOW - timedelta(days=1), 3)
    asked(NOW - timedelta(days=2), 4, tenant="globex")
    assert seen(tenants=["globex"]).requests == 4


def test_what_is_older_than_30_days_is_past() -> None:
    asked(NOW - timedelta(days=31), 3)
    assert seen().requests == 0


def test_a_ceiling_for_each_request_is_asked_of_the_engine() -> None:
    asked(NOW - timedelta(days=1), 3)
    found = seen(period="request", limit_usd="0.0000001")
    assert (found.full, found.would) == (3, (Would("refused", 3),))
