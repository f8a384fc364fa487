"""What a dead process held is settled in full, and its requests get their trace.

Runs inside every `serve`. Before it takes anything, and again after the database or this process
was away, it waits one full lease, so that the living can renew theirs first: nobody's hold is
taken because everybody slept.
"""

import asyncio
from datetime import datetime, timedelta

import psycopg
import structlog

from apps.ledger.lease import LEASE_S

log = structlog.get_logger(__name__)

_LOOKS_PER_LEASE = 5
_MOST = 500
_MAINTENANCE_EVERY = timedelta(hours=1)
_MAINTENANCE = (
    "SELECT ensure_partitions(current_date - 2, current_date + 14)",
    "DELETE FROM ledger_idempotencyrecord WHERE created_at < now() - interval '24 hours'",
    "DELETE FROM ledger_refusalcount WHERE minute < now() - interval '30 days'",
)

Connection = psycopg.AsyncConnection[tuple[object, ...]]


class Reaper:
    """Of one process. Every process looks; one at a time takes."""

    def __init__(self, dsn: str, *, lease_s: float = LEASE_S) -> None:
        self._dsn = dsn
        self._lease = timedelta(seconds=lease_s)
        self._every_s = lease_s / _LOOKS_PER_LEASE

    async def run(self) -> None:
        """Look for the dead, again and again. Runs until cancelled."""
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self._dsn,
                    autocommit=True,
                    application_name="routerctl reaper",
                    connect_timeout=5,
                    tcp_user_timeout=10_000,
                )
                async with connection:
                    await self._watch(connection)
            except (psycopg.Error, OSError) as error:
                log.warning("reaper_away", why=str(error))
                await asyncio.sleep(self._every_s)

    async def _watch(self, connection: Connection) -> None:
        """Look over one connection for as long as it lasts. Times are the database's."""
        awake_since = last_look = await _now(connection)
        maintained = awake_since - _MAINTENANCE_EVERY
        while True:
            if last_look - maintained >= _MAINTENANCE_EVERY:
                await _maintain(connection)
                last_look = maintained = await _now(connection)
            most = _MOST if last_look - awake_since >= self._lease else 0
            reaped, last_look = await self._look(connection, last_look, most)
            if reaped is None:
                awake_since = last_look
            if reaped:
                log.warning("holds_reaped", holds=reaped)
            if reaped != _MOST:
                await asyncio.sleep(self._every_s)

    async def _look(
        self, connection: Connection, last_look: datetime, most: int
    ) -> tuple[int | None, datetime]:
        cursor = await connection.execute(
            "SELECT reaped, looked_at FROM ledger_reap(%s, %s, %s)",
            (last_look, timedelta(seconds=2 * self._every_s), most),
        )
        row = await cursor.fetchone()
        assert row is not None
        reaped, looked_at = row
        assert reaped is None or isinstance(reaped, int)
        assert isinstance(looked_at, datetime)
        return reaped, looked_at


async def _maintain(connection: Connection) -> None:
    for statement in _MAINTENANCE:
        await connection.execute(statement)


async def _now(connection: Connection) -> datetime:
    row = await (await connection.execute("SELECT clock_timestamp()")).fetchone()
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]
