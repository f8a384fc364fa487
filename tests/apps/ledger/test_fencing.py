"""A process that slept through its lease: its holds are settled without it, its word counts once
when it comes back, and it reserves again only under a new lease."""

import asyncio

import psycopg
import pytest

from apps.ledger.batcher import Ledger
from routerctl.engine.errors import RouterError
from tests.apps.ledger import made
from tests.apps.ledger.conftest import MakeLedger
from tests.apps.ledger.stored import Stored


async def test_what_a_dead_process_held_is_settled_in_full(ledger: Ledger, stored: Stored) -> None:
    known = made.head()
    await ledger.reserve(made.hold(known, amount=10))
    await ledger.advance(made.hold(known, 2, amount=5), made.attempt(1, cost_nano_usd=3))

    stored.expire(ledger.worker)
    assert stored.reap() == 1

    trace = stored.trace(known.trace_id)
    assert (trace["status"], trace["error_code"]) == ("failed", "abandoned")
    assert (trace["cost_nano_usd"], trace["usage_source"]) == (8, "estimated")
    assert (trace["tenant"], trace["route"]) == ("acme", "chat")
    assert [row["n"] for row in stored.attempts(known.trace_id)] == [1]
    assert stored.holds() == []


async def test_the_living_are_left_alone(make_ledger: MakeLedger, stored: Stored) -> None:
    alive, dead = await make_ledger(), await make_ledger()
    await alive.reserve(made.hold(kept := made.head()))
    await dead.reserve(made.hold(lost := made.head()))

    stored.expire(dead.worker)
    stored.reap()

    assert [id_ for id_, _, _ in stored.holds()] == [kept.trace_id]
    assert stored.traces() == {lost.trace_id}


async def test_a_late_settlement_corrects_an_abandoned_trace_once(
    ledger: Ledger, stored: Stored
) -> None:
    known = made.head()
    await ledger.reserve(made.hold(known))
    stored.expire(ledger.worker)
    stored.reap()

    ledger.settle(made.settlement(known, made.attempt(1), cost_nano_usd=42))
    await ledger.drain(5)
    ledger.settle(made.settlement(known, made.attempt(1), cost_nano_usd=1))
    await ledger.drain(5)

    trace = stored.trace(known.trace_id)
    assert (trace["status"], trace["error_code"], trace["cost_nano_usd"]) == ("succeeded", None, 42)
    assert trace["tenant"] == "acme"
    assert [row["n"] for row in stored.attempts(known.trace_id)] == [1]
    assert stored.holds() == []


async def test_late_and_timely_settlements_of_one_batch_are_all_stored(
    ledger: Ledger, stored: Stored
) -> None:
    reaped, timely = made.head(), made.head()
    await ledger.reserve(made.hold(reaped))
    stored.expire(ledger.worker)
    stored.reap()
    await ledger.reserve(made.hold(timely))

    for known in (reaped, timely):
        ledger.settle(made.settlement(known, made.attempt()))
    await ledger.drain(5)

    for known in (reaped, timely):
        assert stored.trace(known.trace_id)["status"] == "succeeded"


async def test_a_fenced_process_takes_a_new_lease_and_goes_on(
    ledger: Ledger, stored: Stored
) -> None:
    [before] = stored.all("SELECT epoch FROM ledger_workerlease")
    stored.expire(ledger.worker)
    stored.reap()
    assert stored.all("SELECT * FROM ledger_workerlease") == []

    await ledger.reserve(made.hold(known := made.head()))

    [after] = stored.all("SELECT worker, epoch FROM ledger_workerlease")
    assert after["worker"] == ledger.worker
    assert after["epoch"] > before["epoch"]
    assert [id_ for id_, _, _ in stored.holds()] == [known.trace_id]


async def test_a_request_whose_hold_was_reaped_does_not_fall_back(
    ledger: Ledger, stored: Stored
) -> None:
    known = made.head()
    await ledger.reserve(made.hold(known))
    stored.expire(ledger.worker)
    stored.reap()

    with pytest.raises(RouterError) as refused:
        await ledger.advance(made.hold(known, 2), made.attempt(1, outcome="failed"))

    assert refused.value.code == "budget_unavailable"
    ledger.settle(made.settlement(known, made.attempt(1), n=1, status="failed"))
    await ledger.drain(5)
    assert stored.trace(known.trace_id)["status"] == "failed"
    assert stored.holds() == []


async def test_a_statement_of_an_older_epoch_is_refused_however_late(
    ledger: Ledger, stored: Stored
) -> None:
    [lease] = stored.all("SELECT worker, epoch FROM ledger_workerlease")
    stored.all("SELECT ledger_register(%s, '15 s')", lease["worker"])

    with pytest.raises(psycopg.DatabaseError, match="stale") as refused:
        stored.all(
            "SELECT ledger_reserve(%s, %s, '[]', null, null, null)", lease["worker"], lease["epoch"]
        )

    assert refused.value.sqlstate == "RL001"


async def test_a_lease_is_renewed_while_its_process_lives(
    make_ledger: MakeLedger, stored: Stored
) -> None:
    ledger = await make_ledger(lease_s=0.6)
    await ledger.reserve(made.hold(known := made.head()))
    [before] = stored.all("SELECT epoch FROM ledger_workerlease")

    await asyncio.sleep(1.5)

    assert stored.reap() == 0
    assert stored.all("SELECT epoch FROM ledger_workerlease") == [before]
    assert [id_ for id_, _, _ in stored.holds()] == [known.trace_id]
