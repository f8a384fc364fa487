"""Whoever falsifies the books is found out, and books that are right stay unsuspected."""

import asyncio
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from apps.ledger.batcher import Ledger
from apps.ledger.reconciler import Finding, Reconciler, connect, reconcile
from apps.ledger.records import Claim, Hold
from routerctl.engine.caps import compile_caps
from routerctl.engine.specs import CapSpec
from tests.apps.ledger import made
from tests.apps.ledger.stored import Stored

DAILY = compile_caps([CapSpec("daily", limit_requests=3)]).named["daily"]


@pytest.fixture
async def window(ledger: Ledger, stored: Stored) -> int:
    """Of a cap of three requests, one of which is settled and one open."""
    stored.do(
        "INSERT INTO policies_cap (slug, position, scope, per, missing, period, time_zone, mode,"
        " actions, limit_requests) VALUES ('daily', 1, '{}', '[]', 'share', 'day', 'UTC',"
        " 'closed', '[]', 3)"
    )
    [id_] = await ledger.windows([DAILY], [()])
    heads = [made.head(), made.head()]
    for known in heads:
        usual = made.hold(known)
        claims = (Claim(10, (id_,), (1,)),)
        await ledger.reserve(Hold(trace_id=usual.trace_id, n=1, claims=claims, head=usual.head))
    ledger.settle(replace(made.settlement(heads[0], made.attempt()), used=(1,)))
    assert await ledger.drain(5)
    return id_


async def _found(dsn: str) -> list[Finding]:
    async with await connect(dsn) as connection:
        return await reconcile(connection, datetime.now(UTC))


async def test_right_books_are_right(dsn: str, window: int) -> None:
    assert await _found(dsn) == []


@pytest.mark.parametrize(
    ("falsified", "kind", "found", "expected"),
    [("held = held + 1", "held", 2, 1), ("settled = settled - 1", "settled", 0, 1)],
)
async def test_a_window_that_says_something_else_is_found(
    dsn: str, window: int, stored: Stored, falsified: str, kind: str, found: int, expected: int
) -> None:
    stored.do(f"UPDATE ledger_capwindow SET {falsified}")
    assert await _found(dsn) == [Finding(kind, "daily", window, found, expected)]


async def test_a_lost_trace_is_found(dsn: str, window: int, stored: Stored) -> None:
    stored.do("DELETE FROM ledger_trace")
    assert await _found(dsn) == [Finding("settled", "daily", window, 1, 0)]


async def test_more_than_the_limit_is_found_unless_something_excuses_it(
    dsn: str, window: int, stored: Stored
) -> None:
    stored.do("UPDATE policies_cap SET limit_requests = 1")
    assert await _found(dsn) == [Finding("over", "daily", window, 2, 1)]
    stored.do("UPDATE ledger_trace SET marks = '{bound_exceeded}'")
    assert await _found(dsn) == []


async def test_what_began_too_long_ago_is_not_looked_at(
    dsn: str, window: int, stored: Stored
) -> None:
    stored.do("UPDATE ledger_capwindow SET held = 9, starts_at = starts_at - interval '10 days'")
    assert await _found(dsn) == []


async def test_one_process_looks_and_says_what_it_found(
    dsn: str, window: int, stored: Stored
) -> None:
    stored.do("UPDATE ledger_capwindow SET held = 9")
    both = [Reconciler(dsn, every_s=0.05), Reconciler(dsn, every_s=0.05)]
    with capture_logs() as logs:
        running = [asyncio.create_task(one.run()) for one in both]
        async with asyncio.timeout(10):
            while len(logs) < 2:  # noqa: ASYNC110 (logs tell nobody that they came)
                await asyncio.sleep(0.01)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    assert {entry["event"] for entry in logs} == {"books_wrong"}
    troubles = [one.trouble for one in both if one.trouble]
    assert len(troubles) == 1
    assert f"window {window} of cap daily holds 9, and it should be 1" in troubles[0].why
