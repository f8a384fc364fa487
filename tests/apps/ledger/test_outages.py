"""The database goes away, falls silent, or its answers are lost: nobody is sent on without a hold,
nobody waits for longer than a second, and nothing that was admitted is lost."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from apps import ledger as ledger_app
from apps.ledger.batcher import Ledger
from apps.ledger.records import IdempotencyKey, TraceHead
from routerctl.engine.errors import RouterError
from tests.apps.ledger import made
from tests.apps.ledger.conftest import MakeLedger
from tests.apps.ledger.stored import Stored
from tests.apps.ledger.wire import Wire
from tests.own_postgres import OwnPostgres, own_postgres

SQL = Path(ledger_app.__file__).parent / "sql"
KEY = IdempotencyKey.of("acme", "order-1", b"body")


async def _refusal(ledger: Ledger, known: TraceHead) -> RouterError:
    with pytest.raises(RouterError) as refused:
        await ledger.reserve(made.hold(known))
    return refused.value


async def _until_open(ledger: Ledger) -> None:
    deadline = time.monotonic() + 10
    while not ledger.is_open:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_without_a_database_requests_are_refused_within_a_second(
    make_ledger: MakeLedger, wire: Wire
) -> None:
    ledger = await make_ledger(wire.url)
    wire.cut()

    started = time.monotonic()
    refused = await _refusal(ledger, made.head())
    assert time.monotonic() - started < 3
    assert refused.code == "budget_unavailable"

    await asyncio.sleep(1)
    started = time.monotonic()
    await _refusal(ledger, made.head())
    assert time.monotonic() - started < 0.7


async def test_a_silent_database_is_not_waited_for(make_ledger: MakeLedger, wire: Wire) -> None:
    ledger = await make_ledger(wire.url)
    wire.mute()

    started = time.monotonic()
    codes = [error.code for error in await asyncio.gather(
        *(_refusal(ledger, made.head()) for _ in range(300))
    )]  # fmt: skip

    assert time.monotonic() - started < 3
    assert set(codes) == {"budget_unavailable"}


async def test_a_hold_whose_answer_was_lost_is_released_and_its_key_is_free(
    make_ledger: MakeLedger, wire: Wire, stored: Stored
) -> None:
    ledger = await make_ledger(wire.url)
    known = made.head()
    wire.answers_vanish = True

    with pytest.raises(RouterError, match="ledger"):
        await ledger.reserve(made.hold(known, key=KEY))
    assert [id_ for id_, _, _ in stored.holds()] == [known.trace_id]
    assert ledger.pending
    wire.cut()
    await wire.mend()
    await _until_open(ledger)
    assert await ledger.drain(5)

    assert stored.holds() == []
    trace = stored.trace(known.trace_id)
    assert (trace["error_code"], trace["cost_nano_usd"]) == ("budget_unavailable", 0)
    await ledger.reserve(made.hold(made.head(), key=KEY))


async def test_a_refusal_told_of_a_hold_in_doubt_leaves_one_trace(
    make_ledger: MakeLedger, wire: Wire, stored: Stored
) -> None:
    ledger = await make_ledger(wire.url)
    known = made.head()
    wire.answers_vanish = True
    await _refusal(ledger, known)

    ledger.refuse(made.refused(known, code="budget_unavailable"))
    wire.cut()
    await wire.mend()
    await _until_open(ledger)
    assert await ledger.drain(5)

    assert stored.trace(known.trace_id)["error_code"] == "budget_unavailable"
    assert stored.holds() == []


async def test_a_reserve_that_reaches_the_database_late_holds_nothing(
    make_ledger: MakeLedger, wire: Wire, stored: Stored
) -> None:
    ledger = await make_ledger(wire.url)
    wire.mute()
    await asyncio.gather(*(_refusal(ledger, made.head()) for _ in range(10)))

    await wire.mend()
    await _until_open(ledger)
    await asyncio.sleep(0.2)
    assert await ledger.drain(5)

    assert stored.holds() == []


async def test_a_reserve_that_the_server_takes_too_long_for_holds_nothing(
    ledger: Ledger, stored: Stored
) -> None:
    stored.do("BEGIN")
    stored.do("LOCK TABLE ledger_hold IN SHARE MODE")

    refused = await _refusal(ledger, made.head())

    stored.do("COMMIT")
    assert refused.code == "budget_unavailable"
    assert stored.holds() == []
    await ledger.reserve(made.hold(made.head()))


async def test_settlements_wait_for_the_database_and_none_is_lost(
    make_ledger: MakeLedger, wire: Wire, stored: Stored
) -> None:
    ledger = await make_ledger(wire.url)
    heads = [made.head() for _ in range(300)]
    await asyncio.gather(*(ledger.reserve(made.hold(known)) for known in heads))
    wire.cut()
    for known in heads:
        ledger.settle(made.settlement(known, made.attempt()))

    assert not await ledger.drain(0.3)
    assert ledger.pending == 300
    await wire.mend()

    assert await ledger.drain(10)
    assert stored.traces() == {known.trace_id for known in heads}
    assert stored.holds() == []


async def test_settlements_whose_answer_was_lost_are_stored_once(
    make_ledger: MakeLedger, wire: Wire, stored: Stored
) -> None:
    ledger = await make_ledger(wire.url)
    heads = [made.head() for _ in range(50)]
    await asyncio.gather(*(ledger.reserve(made.hold(known)) for known in heads))
    for known in heads[:25]:
        ledger.settle(made.settlement(known, made.attempt()))
    await ledger.drain(5)
    wire.answers_vanish = True
    for known in heads[25:]:
        ledger.settle(made.settlement(known, made.attempt()))
    await asyncio.sleep(0.3)
    assert ledger.pending == 25
    wire.cut()
    await wire.mend()

    assert await ledger.drain(10)
    assert len(stored.traces()) == 50
    assert [len(stored.attempts(known.trace_id)) for known in heads] == [1] * 50


async def test_a_ledger_may_start_before_its_database(
    wire: Wire, make_ledger: MakeLedger, stored: Stored
) -> None:
    wire.cut()
    starting = asyncio.create_task(make_ledger(wire.url))
    await asyncio.sleep(0.3)
    await wire.mend()

    ledger = await starting

    assert ledger.is_open
    await ledger.reserve(made.hold(made.head()))


# --------------------------------------------------------------------------- a real restart


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[OwnPostgres]:
    """A PostgreSQL that only this test uses, with the ledger's tables."""
    with own_postgres(tmp_path) as own:
        with psycopg.connect(own.url, autocommit=True) as connection:
            for name in (
                "tables.sql",
                "partitions.sql",
                "windows.sql",
                "tick.sql",
                "reap.sql",
                "answers.sql",
                "unheld.sql",
            ):
                connection.execute((SQL / name).read_bytes())
            connection.execute(
                "CREATE TABLE ledger_latetrace (id bigserial PRIMARY KEY, trace_id uuid NOT NULL)"
            )
            connection.execute("SELECT ensure_partitions(current_date, current_date + 1)")
        yield own


async def _serve(ledger: Ledger, admitted: set[str]) -> None:
    known = made.head()
    with contextlib.suppress(RouterError):
        await ledger.reserve(made.hold(known))
        admitted.add(known.trace_id)
        await asyncio.sleep(0.05)
        ledger.settle(made.settlement(known, made.attempt()))


async def test_a_restart_of_the_server_under_load_loses_nothing(
    own_server: OwnPostgres,
) -> None:
    ledger = Ledger(own_server.url)
    await ledger.start()
    admitted: set[str] = set()
    serving: list[asyncio.Task[None]] = []
    restart: asyncio.Task[None] | None = None
    for turn in range(600):
        serving.append(asyncio.create_task(_serve(ledger, admitted)))
        await asyncio.sleep(0.005)
        if turn == 150:
            restart = asyncio.create_task(asyncio.to_thread(_restart, own_server))
    await asyncio.gather(*serving)
    assert restart is not None
    await restart
    await _until_open(ledger)
    for _ in range(20):
        await _serve(ledger, admitted)

    assert await ledger.drain(20)
    await ledger.stop()

    with psycopg.connect(own_server.url, row_factory=dict_row) as connection:
        stored = Stored(connection)
        assert admitted <= stored.traces()
        assert stored.holds() == []
    assert len(admitted) > 150


def _restart(own_server: OwnPostgres) -> None:
    own_server.stop()
    time.sleep(0.5)
    own_server.start()
