"""A database of the ledger's own, emptied before each test, and ledgers on it."""

import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from apps.ledger.batcher import Ledger
from tests import databases
from tests.apps.ledger.stored import Stored
from tests.apps.ledger.wire import Wire, wired

MakeLedger = Callable[..., Coroutine[Any, Any, Ledger]]

_TABLES = (
    "ledger_trace, ledger_attempt, ledger_hold, ledger_workerlease, ledger_idempotencyrecord,"
    " ledger_refusalcount, ledger_capwindow, policies_cap,"
    " ledger_latetrace"
)


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """Where the ledger's database answers."""
    url = databases.renamed(os.environ["DATABASE_URL"], f"test_{os.getpid()}_ledger")
    databases.create(url)
    yield url
    databases.drop(url)


@pytest.fixture
def stored(dsn: str) -> Iterator[Stored]:
    """What the database says, beside all ledgers."""
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        connection.execute(f"TRUNCATE {_TABLES}")
        yield Stored(connection)


@pytest.fixture
async def make_ledger(dsn: str, stored: Stored) -> AsyncIterator[MakeLedger]:
    """Makes ledgers that stand for one process each; they are open."""
    made: list[Ledger] = []

    async def make(where: str = dsn, **facts: Any) -> Ledger:
        ledger = Ledger(where, **facts)
        made.append(ledger)
        await ledger.start()
        return ledger

    yield make
    for ledger in made:
        await ledger.stop()


@pytest.fixture
async def ledger(make_ledger: MakeLedger) -> Ledger:
    """One process's ledger."""
    return await make_ledger()


@pytest.fixture
async def wire(dsn: str, stored: Stored, tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(dsn, tmp_path) as whole:
        yield whole
