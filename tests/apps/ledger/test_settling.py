"""From the hold to the trace, as one process sees it."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from apps.ledger import rows
from apps.ledger.batcher import Ledger
from apps.ledger.line import Line
from apps.ledger.records import TraceHead
from routerctl.engine.errors import RouterError
from routerctl.engine.types import RoutingRequest
from tests.apps.ledger import made
from tests.apps.ledger.conftest import MakeLedger
from tests.apps.ledger.stored import Stored


async def test_a_reserve_returns_when_its_hold_is_committed(ledger: Ledger, stored: Stored) -> None:
    known = made.head()

    await ledger.reserve(made.hold(known, amount=7))

    assert stored.holds() == [(known.trace_id, 1, 7)]
    assert stored.traces() == set()


async def test_a_settlement_turns_the_hold_into_a_trace_with_its_attempts(
    ledger: Ledger, stored: Stored
) -> None:
    known = made.head()
    await ledger.reserve(made.hold(known))

    ledger.settle(made.settlement(known, made.attempt(1, provider_request_id="req_1")))
    assert await ledger.drain(5)

    assert stored.holds() == []
    trace = stored.trace(known.trace_id)
    assert (trace["status"], trace["cost_nano_usd"], trace["latency_ms"]) == (
        "succeeded", 42_000, 812,
    )  # fmt: skip
    [attempt] = stored.attempts(known.trace_id)
    assert (attempt["n"], attempt["provider_request_id"]) == (1, "req_1")


async def test_a_trace_has_the_request_and_the_decision_in_columns_and_whole(
    ledger: Ledger, stored: Stored
) -> None:
    known = made.head(
        request_id="caller-1",
        request=RoutingRequest(
            operation="embeddings", tenant="acme", feature="search", plan="pro", user="u_1",
            session="s_9", app="ios", app_version="3.2.0", key="abcd1234",
        ),
    )  # fmt: skip
    await ledger.reserve(made.hold(known))

    ledger.settle(made.settlement(known))
    await ledger.drain(5)

    trace = stored.trace(known.trace_id)
    named = {name: trace[name] for name in ("tenant", "feature", "plan", "user", "session")}
    assert named == {
        "tenant": "acme", "feature": "search", "plan": "pro", "user": "u_1", "session": "s_9",
    }  # fmt: skip
    assert (trace["app"], trace["app_version"], trace["key"]) == ("ios", "3.2.0", "abcd1234")
    assert (trace["task"], trace["route"], trace["revision"]) == ("chat", "chat", "c0ffee")
    assert (trace["operation"], trace["door"]) == ("embeddings", "native")
    assert trace["request_id"] == "caller-1"
    assert trace["started_at"] == datetime.fromtimestamp(known.started_at_ms / 1000, UTC)
    assert _as_head(trace["head"]) == known


def _as_head(stored: object) -> TraceHead:
    return msgspec.convert(stored, TraceHead)


async def test_a_trace_can_be_read_within_a_second_without_anybody_waiting(
    ledger: Ledger, stored: Stored
) -> None:
    known = made.head()
    await ledger.reserve(made.hold(known))
    ledger.settle(made.settlement(known))

    await asyncio.sleep(0.5)

    assert stored.traces() == {known.trace_id}
    assert ledger.pending == 0


async def test_settling_twice_keeps_the_first_word(ledger: Ledger, stored: Stored) -> None:
    known = made.head()
    await ledger.reserve(made.hold(known))

    ledger.settle(made.settlement(known, made.attempt(1), cost_nano_usd=1))
    ledger.settle(made.settlement(known, made.attempt(1), cost_nano_usd=2))
    await ledger.drain(5)
    ledger.settle(made.settlement(known, made.attempt(1), cost_nano_usd=3))
    await ledger.drain(5)

    assert stored.trace(known.trace_id)["cost_nano_usd"] == 1
    assert len(stored.attempts(known.trace_id)) == 1


async def test_a_settlement_without_a_hold_writes_nothing(ledger: Ledger, stored: Stored) -> None:
    ledger.settle(made.settlement(made.head()))

    assert await ledger.drain(5)
    assert stored.traces() == set()


async def test_a_fallback_writes_its_attempt_and_holds_for_the_next_in_one_step(
    ledger: Ledger, stored: Stored
) -> None:
    known = made.head()
    await ledger.reserve(made.hold(known, amount=10))

    await ledger.advance(made.hold(known, 2, amount=99), made.attempt(1, outcome="failed"))

    assert stored.holds() == [(known.trace_id, 2, 99)]
    assert [row["outcome"] for row in stored.attempts(known.trace_id)] == ["failed"]
    await ledger.advance(made.hold(known, 3, amount=5), made.attempt(2, outcome="failed"))
    ledger.settle(made.settlement(known, made.attempt(3), n=3))
    await ledger.drain(5)
    assert [row["n"] for row in stored.attempts(known.trace_id)] == [1, 2, 3]
    assert stored.trace(known.trace_id)["status"] == "succeeded"
    assert stored.holds() == []


async def test_a_request_that_was_settled_cannot_go_on(ledger: Ledger, stored: Stored) -> None:
    known = made.head()
    await ledger.reserve(made.hold(known))
    ledger.settle(made.settlement(known))
    await ledger.drain(5)

    with pytest.raises(RouterError) as refused:
        await ledger.advance(made.hold(known, 2), made.attempt(1))

    assert refused.value.code == "budget_unavailable"
    assert stored.holds() == []


async def test_many_at_once_all_have_their_trace(ledger: Ledger, stored: Stored) -> None:
    heads = [made.head() for _ in range(250)]

    async def serve(known: TraceHead) -> None:
        await ledger.reserve(made.hold(known))
        ledger.settle(made.settlement(known, made.attempt()))

    await asyncio.gather(*map(serve, heads))
    await ledger.drain(10)

    assert stored.traces() == {known.trace_id for known in heads}
    assert stored.holds() == []


async def test_what_arrives_together_travels_together(ledger: Ledger, stored: Stored) -> None:
    await asyncio.gather(*(ledger.reserve(made.hold(made.head())) for _ in range(256)))

    [row] = stored.all("SELECT count(DISTINCT xmin::text) AS transactions FROM ledger_hold")
    assert row["transactions"] == 2


async def test_a_cancelled_caller_leaves_no_hold_whenever_it_is_cancelled(
    ledger: Ledger, stored: Stored
) -> None:
    heads = [made.head() for _ in range(300)]
    tasks = [asyncio.create_task(ledger.reserve(made.hold(known))) for known in heads]
    for task in tasks:
        await asyncio.sleep(0)
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    await asyncio.sleep(0.1)
    assert await ledger.drain(5)

    went_on = {
        known.trace_id for known, result in zip(heads, results, strict=True) if result is None
    }
    assert {id_ for id_, _, _ in stored.holds()} == went_on
    assert not stored.traces() & went_on


async def test_a_hold_is_released_when_its_caller_was_cancelled_on_the_way(
    ledger: Ledger, stored: Stored
) -> None:
    known = made.head()
    stored.do("BEGIN")
    stored.do("SELECT * FROM ledger_workerlease FOR UPDATE")
    task = asyncio.create_task(ledger.reserve(made.hold(known)))
    await asyncio.sleep(0.1)

    task.cancel()
    stored.do("COMMIT")
    await asyncio.sleep(0.1)
    await ledger.drain(5)

    trace = stored.trace(known.trace_id)
    assert (trace["error_code"], trace["cost_nano_usd"]) == ("client_disconnected", 0)
    assert stored.holds() == []


async def test_a_process_that_ends_gives_its_lease_back(
    make_ledger: MakeLedger, stored: Stored
) -> None:
    ledger = await make_ledger()
    assert [row["worker"] for row in stored.all("SELECT * FROM ledger_workerlease")] == [
        ledger.worker
    ]

    await ledger.stop()

    assert stored.all("SELECT * FROM ledger_workerlease") == []


async def _reserved(ledger: Ledger, count: int) -> list[TraceHead]:
    """So many holds, a few at a time: who waits for long is refused."""
    heads = [made.head() for _ in range(count)]
    for start in range(0, count, 200):
        part = heads[start : start + 200]
        await asyncio.gather(*(ledger.reserve(made.hold(known)) for known in part))
    return heads


async def test_a_settlement_reads_its_own_holds_only_whatever_the_statistics_say(
    ledger: Ledger, stored: Stored, dsn: str
) -> None:
    await _reserved(ledger, 3000)
    stored.do("DELETE FROM ledger_hold")
    stored.do("VACUUM (ANALYZE, TRUNCATE false) ledger_hold")  # many pages, no row: it is told
    heads = await _reserved(ledger, 3000)
    line = Line(dsn, {"settle": COUNTING_READS}, answer_within_s=5, on_lost=lambda why: None)
    await line.open()

    batch = rows.batch([rows.settle_row(made.settlement(known)) for known in heads[:10]])
    read = await line.call(b"settle", batch)

    line.close()
    assert read is not None
    assert int(read) <= 20
    assert len(stored.traces()) == 10


async def test_reserves_that_had_company_wait_for_more(
    make_ledger: MakeLedger, stored: Stored
) -> None:
    ledger = await make_ledger(pace_s=0.5)
    heads = [made.head() for _ in range(4)]
    await asyncio.gather(*(ledger.reserve(made.hold(known)) for known in heads[:2]))

    early = asyncio.create_task(ledger.reserve(made.hold(heads[2])))
    await asyncio.sleep(0.1)
    await asyncio.gather(early, ledger.reserve(made.hold(heads[3])))

    assert _transactions(stored) == [2, 2]


async def test_who_reserves_alone_waits_for_nobody(make_ledger: MakeLedger, stored: Stored) -> None:
    ledger = await make_ledger(pace_s=3600.0)

    for _ in range(3):
        await ledger.reserve(made.hold(made.head()))

    assert _transactions(stored) == [1, 1, 1]


def _transactions(stored: Stored) -> list[int]:
    """How many holds each of the transactions that made them brought."""
    rows = stored.all("SELECT count(*) AS holds FROM ledger_hold GROUP BY xmin::text")
    return [row["holds"] for row in rows]


async def test_what_is_held_is_not_compressed_first(ledger: Ledger, stored: Stored) -> None:
    reason = "This candidate is too dear. " * 200
    known = made.head(decision=made.decision(reason=reason))

    await ledger.reserve(made.hold(known))

    [row] = stored.all("SELECT pg_column_compression(head) AS method FROM ledger_hold")
    assert row["method"] is None


COUNTING_READS = """(jsonb) AS
    SELECT pg_stat_get_xact_tuples_returned('ledger_hold'::regclass)
        + pg_stat_get_xact_tuples_fetched('ledger_hold_pkey'::regclass)
    FROM ledger_settle($1)
"""
