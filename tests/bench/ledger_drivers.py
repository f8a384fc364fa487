"""`python -m tests.bench.ledger_drivers`: what a reserve and its settlement cost this process.

The same batches through a psycopg cursor, through asyncpg (if it is installed) and through the
ledger's own line, which is psycopg's libpq without the cursor. CPU is what counts: the gateway
has one core, and PostgreSQL another.
"""

import importlib
import importlib.util
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg
import uvloop

from apps.ledger import rows
from apps.ledger.ids import trace_id
from apps.ledger.line import Line
from routerctl import embedded
from tests import databases
from tests.apps.ledger import made

SECONDS = 1.5
BATCHES = (1, 4, 16, 64)
WORKER = "bench"
RESERVE = "SELECT ledger_reserve($1, $2, $3, null, null, null)"
SETTLE = "SELECT ledger_settle($1)"

Send = Callable[[str, int, bytes], Awaitable[object]]
"""Reserves (epoch given) or settles (epoch 0) one batch."""


@asynccontextmanager
async def cursor(dsn: str) -> AsyncIterator[Send]:
    """psycopg as its documentation shows it, with server-side statements."""
    connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True, prepare_threshold=0)
    raw = psycopg.AsyncRawCursor(connection)

    async def send(worker: str, epoch: int, batch: bytes) -> object:
        if epoch:
            await raw.execute(RESERVE, (worker, epoch, batch.decode()))
        else:
            await raw.execute(SETTLE, (batch.decode(),))
        return await raw.fetchone()

    yield send
    await connection.close()


@asynccontextmanager
async def asyncpg(dsn: str) -> AsyncIterator[Send]:
    """asyncpg with prepared statements."""
    connection = await importlib.import_module("asyncpg").connect(dsn)
    reserve, settle = await connection.prepare(RESERVE), await connection.prepare(SETTLE)

    async def send(worker: str, epoch: int, batch: bytes) -> object:
        if epoch:
            return await reserve.fetchval(worker, epoch, batch.decode())
        return await settle.fetchval(batch.decode())

    yield send
    await connection.close()


@asynccontextmanager
async def line(dsn: str) -> AsyncIterator[Send]:
    """The ledger's own."""
    calls = {"reserve": f"(text, bigint, jsonb) AS {RESERVE}", "settle": f"(jsonb) AS {SETTLE}"}
    opened = Line(dsn, calls, answer_within_s=5, on_lost=print)
    await opened.open()

    async def send(worker: str, epoch: int, batch: bytes) -> object:
        if epoch:
            return await opened.call(b"reserve", worker.encode(), b"%d" % epoch, batch)
        return await opened.call(b"settle", batch)

    yield send
    opened.close()


async def measure(send: Send, epoch: int, size: int) -> tuple[float, float]:
    """CPU and wall time of a pair, in microseconds, encoding included."""
    known = made.head()
    hold, settlement = made.hold(known), made.settlement(known, made.attempt())
    pairs, cpu, wall = 0, time.process_time(), time.perf_counter()
    while time.perf_counter() - wall < SECONDS:
        ids = [trace_id() for _ in range(size)]
        held = [rows.hold_row(_of(hold, id_)) for id_ in ids]
        await send(WORKER, epoch, rows.batch(held))
        settled = [rows.settle_row(_of(settlement, id_)) for id_ in ids]
        await send("", 0, rows.batch(settled))
        pairs += size
    return (
        (time.process_time() - cpu) / pairs * 1e6,
        (time.perf_counter() - wall) / pairs * 1e6,
    )


def _of(value: Any, id_: str) -> Any:
    return msgspec.structs.replace(value, trace_id=id_)


async def main(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        query = "SELECT ledger_register(%s, '1 hour')"
        [epoch] = connection.execute(query, [WORKER]).fetchone() or (0,)
    print(f"{'driver':10}{'batch':>6}{'CPU µs':>10}{'wall µs':>10}   per reserve and settlement")
    for driver in (cursor, asyncpg, line):
        if driver is asyncpg and not importlib.util.find_spec("asyncpg"):
            continue
        async with driver(dsn) as send:
            for size in BATCHES:
                cpu, wall = await measure(send, epoch, size)
                print(f"{driver.__name__:10}{size:6}{cpu:10.1f}{wall:10.1f}")


if __name__ == "__main__":
    embedded.prepare()
    url = databases.renamed(os.environ["DATABASE_URL"], f"test_{os.getpid()}")
    databases.create(url)
    try:
        uvloop.run(main(url))
    finally:
        databases.drop(url)
