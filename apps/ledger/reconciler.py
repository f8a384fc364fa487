"""The books are compared with themselves, again and again: what windows say with what holds and
traces say, and with the limits.

Runs inside every `serve`, in one process at a time. It repairs nothing: books that contradict
themselves have a cause, which a repair would hide.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from msgspec import Struct

from apps.ledger.heartbeat import Trouble
from apps.ledger.ids import epoch_ms

log = structlog.get_logger(__name__)

EVERY_S = 300.0
LOOKS_BACK = timedelta(days=8)
"""Windows that began so long ago at most: what is open by the hour, day or week, and its eve."""
_WITHIN_S = 60
_FIND = 'SELECT kind, cap, "window", found, expected FROM ledger_reconcile(%s)'
_MINE = "SELECT pg_try_advisory_lock(hashtext('ledger.reconciler'))"

Connection = psycopg.AsyncConnection[tuple[object, ...]]


class Finding(Struct, frozen=True):
    """A contradiction. `kind` is held, settled or over (see `sql/reconcile.sql`); `found` is what
    the window says, `expected` what it should or, for `over`, what it may at most."""

    kind: str
    cap: str
    window: int
    found: int
    expected: int

    def __str__(self) -> str:
        words = {"held": "holds", "settled": "has settled", "over": "has settled and holds"}
        least = "at most " if self.kind == "over" else ""
        return (
            f"window {self.window} of cap {self.cap} {words[self.kind]} {self.found},"
            f" and it should be {least}{self.expected}"
        )


async def reconcile(
    connection: Connection, now: datetime, looks_back: timedelta = LOOKS_BACK
) -> list[Finding]:
    """What is wrong with the windows that began in the last `looks_back`. One query."""
    cursor = await connection.execute(_FIND, (now - looks_back,))
    return [Finding(*row) for row in await cursor.fetchall()]  # type: ignore[arg-type]  # its columns


class Reconciler:
    """Of one process. `trouble` is what it found the last time that it looked; `told` is called
    with how many findings there were."""

    def __init__(
        self, dsn: str, told: Callable[[int], None] = lambda _: None, *, every_s: float = EVERY_S
    ) -> None:
        self.trouble: Trouble | None = None
        self._told = told
        self._dsn = dsn
        self._every_s = every_s

    async def run(self) -> None:
        """Look again and again, as long as nobody else does. Runs until cancelled."""
        while True:
            try:
                async with await connect(self._dsn) as connection:
                    await self._watch(connection)
            except (psycopg.Error, OSError) as error:
                log.warning("reconciler_away", why=str(error))
                await asyncio.sleep(min(self._every_s, 15.0))

    async def _watch(self, connection: Connection) -> None:
        while True:
            row = await (await connection.execute(_MINE)).fetchone()
            if row == (True,):
                self._tell(await reconcile(connection, datetime.now(UTC)))
            await asyncio.sleep(self._every_s)

    def _tell(self, findings: list[Finding]) -> None:
        self._told(len(findings))
        for finding in findings:
            log.error("books_wrong", finding=str(finding), kind=finding.kind, cap=finding.cap)
        self.trouble = None
        if findings:
            more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
            self.trouble = Trouble(epoch_ms(), f"The books are wrong: {findings[0]}{more}.")


async def connect(dsn: str) -> Connection:
    """A connection to reconcile on, which gives up on what takes too long."""
    return await psycopg.AsyncConnection.connect(
        dsn,
        autocommit=True,
        application_name="routerctl reconciler",
        connect_timeout=5,
        tcp_user_timeout=10_000,
        options=f"-c statement_timeout={_WITHIN_S}s",
    )
