"""Requests that were turned away: a trace each, until it is a flood."""

from apps.ledger.batcher import Ledger
from apps.ledger.refusals import RefusalMeter
from routerctl.engine.types import RoutingRequest
from tests.apps.ledger import made
from tests.apps.ledger.stored import Stored


async def test_a_refused_request_has_a_trace_and_never_held(ledger: Ledger, stored: Stored) -> None:
    refused = made.refused(known := made.head())

    ledger.refuse(refused)
    await ledger.drain(5)

    trace = stored.trace(known.trace_id)
    assert (trace["status"], trace["error_code"], trace["tenant"]) == (
        "blocked", "policy_blocked", "acme",
    )  # fmt: skip
    assert stored.holds() == []


async def test_a_flood_of_one_key_is_counted_and_nothing_is_lost(
    ledger: Ledger, stored: Stored
) -> None:
    for _ in range(500):
        ledger.refuse(made.refused())
    await ledger.drain(5)
    for _ in range(500):
        ledger.refuse(made.refused())
    await ledger.drain(5)

    [row] = stored.all("SELECT sum(refusals)::int AS refusals FROM ledger_refusalcount")
    assert row["refusals"] + len(stored.traces()) == 1000
    assert len(stored.traces()) <= 60


async def test_refusals_do_not_fill_the_memory_while_the_database_is_away(dsn: str) -> None:
    ledger = Ledger(dsn)  # never started, as good as without a database
    for key in range(1100):
        request = RoutingRequest(key=f"key-{key}")
        for _ in range(10):
            ledger.refuse(made.refused(made.head(request=request)))

    kept, counted = 10_000, 100
    assert ledger.pending == kept + counted


def test_twenty_a_second_and_key_have_traces() -> None:
    meter = RefusalMeter()

    passed = [
        (key, second)
        for second in (1, 2)
        for _ in range(25)
        for key in ("one", "other")
        if meter.passes(key, "policy_blocked", second)
    ]

    assert {each: passed.count(each) for each in passed} == {
        ("one", 1): 20, ("one", 2): 20, ("other", 1): 20, ("other", 2): 20,
    }  # fmt: skip
    assert meter.counted == {("one", "policy_blocked"): 10, ("other", "policy_blocked"): 10}
