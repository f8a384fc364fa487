"""A connection to PostgreSQL for prepared calls, one at a time, at a few microseconds each.

psycopg connects, with its hosts, TLS and passwords; the calls then go through libpq itself
(`psycopg.pq`). A cursor's own work costs more than all the rest of a tick: see "One driver" in
docs/architecture.md.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping

import psycopg
from psycopg import pq

_SETTINGS = """
SET statement_timeout = {statement_timeout_ms};
SET synchronous_commit = on;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_nestloop = off;
SET enable_mergejoin = off;
SET jit = off
"""
"""Plans are made when tables are empty and must be good when they are full: rows are found by
key and batches are joined by hash, whatever the statistics say."""


_MOST_TICKS = 10_000


class LineLost(Exception):
    """The connection is gone, or stayed silent. What the call did is not known."""


class CallFailed(Exception):
    """The server said no, and nothing of the call remains."""

    def __init__(self, sqlstate: str, message: str) -> None:
        self.sqlstate = sqlstate
        super().__init__(f"{message} ({sqlstate})")

    @property
    def is_fenced(self) -> bool:
        """The worker's lease is stale."""
        return self.sqlstate == "RL001"

    @property
    def is_farewell(self) -> bool:
        """The server ends the connection; what it did last is not known."""
        return self.sqlstate[:3] == "57P" or self.sqlstate[:2] == "08"

    @property
    def is_about_rows(self) -> bool:
        """Some row of the batch is at fault: other rows may pass."""
        return self.sqlstate[:2] in ("22", "23", "54")

    @property
    def lacks_partition(self) -> bool:
        return self.sqlstate == "23514"

    @property
    def took_too_long(self) -> bool:
        return self.sqlstate == "57014"


class Line:
    """One connection. `calls` maps names to what `PREPARE` takes after the name; `on_lost` is
    told once whenever an open connection is gone.

    `open` and `call` belong to one loop; calls wait for their turn.
    """

    def __init__(
        self,
        dsn: str,
        calls: Mapping[str, str],
        *,
        answer_within_s: float,
        on_lost: Callable[[str], None],
    ) -> None:
        self._dsn = dsn
        self._calls = calls
        self._answer_within_s = answer_within_s
        self._on_lost = on_lost
        self._turn = asyncio.Lock()
        self._opening = asyncio.Lock()
        self._connection: psycopg.AsyncConnection[object] | None = None
        self._socket = -1
        """Of the connection; libpq forgets it at once when the server hangs up."""
        self._answer: asyncio.Future[bytes | None] | None = None
        self._result: pq.abc.PGresult | None = None
        self._ticks: deque[tuple[str, float]] = deque(maxlen=_MOST_TICKS)

    async def open(self) -> None:
        """Connect and prepare, if that is not done. Raises LineLost.

        Of those who find the line closed at the same time one connects. A second connection
        would leave the first one's socket with the loop, and uvloop aborts the whole process
        when a socket that it still watches is closed.
        """
        async with self._opening:
            if self._connection is not None:
                return
            try:
                async with asyncio.timeout(3):
                    self._connect(await self._prepared())
            except (psycopg.Error, OSError, TimeoutError) as error:
                raise LineLost(str(error) or type(error).__name__) from error

    async def _prepared(self) -> psycopg.AsyncConnection[object]:
        connection = await psycopg.AsyncConnection.connect(
            self._dsn,
            autocommit=True,
            application_name="routerctl ledger",
            tcp_user_timeout=10_000,
        )
        try:
            within_ms = int(self._answer_within_s * 800)
            await connection.execute(_SETTINGS.format(statement_timeout_ms=within_ms))
            for name, statement in self._calls.items():
                await connection.execute(f"PREPARE {name} {statement}")
        except BaseException:
            await connection.close()
            raise
        return connection

    def _connect(self, connection: psycopg.AsyncConnection[object]) -> None:
        self._connection = connection
        self._socket = connection.pgconn.socket
        connection.pgconn.nonblocking = 1
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    async def call(self, name: bytes, *values: bytes | None) -> bytes | None:
        """Run one prepared call in a transaction of its own; its only value, as text.

        Raises CallFailed when the server refuses, LineLost when no answer comes in time; the
        line is then closed.
        """
        async with self._turn:
            if self._connection is None:
                raise LineLost("not connected")
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[bytes | None] = loop.create_future()
            self._answer = answer
            began_ns = time.perf_counter_ns()
            timer = loop.call_later(self._answer_within_s, self._lose, "no answer in time")
            try:
                self._connection.pgconn.send_query_prepared(name, values)
                self._flush()
                return await answer
            except psycopg.Error as error:
                self._lose(str(error))
                raise LineLost(str(error)) from error
            except asyncio.CancelledError:
                self._lose("the call was cancelled")
                raise
            finally:
                timer.cancel()
                self._answer = None
                took_ms = (time.perf_counter_ns() - began_ns) / 1e6
                self._ticks.append((name.decode(), took_ms))

    def taken_ticks(self) -> list[tuple[str, float]]:
        """The calls since this was asked last, and what each took in ms; nobody who does not ask
        fills the memory."""
        ticks = list(self._ticks)
        self._ticks.clear()
        return ticks

    def close(self) -> None:
        """Hang up, without telling `on_lost`. A call under way ends with LineLost."""
        self._hang_up("closed")

    # ------------------------------------------------------------------ the socket

    def _flush(self) -> None:
        """Send what libpq holds; go on when the socket takes more."""
        assert self._connection is not None
        pgconn = self._connection.pgconn
        loop = asyncio.get_running_loop()
        try:
            if pgconn.flush():
                loop.add_writer(self._socket, self._flush)
            else:
                loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._lose(str(error))

    def _read(self) -> None:
        assert self._connection is not None
        pgconn = self._connection.pgconn
        try:
            pgconn.consume_input()
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    self._finish()
                    return
                self._result = result
        except psycopg.Error as error:
            self._lose(str(error))

    def _finish(self) -> None:
        result, self._result = self._result, None
        answer = self._answer
        if result is None or answer is None or answer.done():
            return
        if result.status == pq.ExecStatus.TUPLES_OK:
            answer.set_result(result.get_value(0, 0))
            return
        failed = CallFailed(
            _field(result, pq.DiagnosticField.SQLSTATE),
            _field(result, pq.DiagnosticField.MESSAGE_PRIMARY),
        )
        if failed.is_farewell:
            self._lose(str(failed))
        else:
            answer.set_exception(failed)

    def _lose(self, why: str) -> None:
        was_open = self._connection is not None
        self._hang_up(why)
        if was_open:
            self._on_lost(why)

    def _hang_up(self, why: str) -> None:
        connection, self._connection = self._connection, None
        self._result = None
        if connection is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.remove_writer(self._socket)
            connection.pgconn.finish()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(LineLost(why))


def _field(result: pq.abc.PGresult, field: pq.DiagnosticField) -> str:
    return (result.error_field(field) or b"").decode("utf-8", "replace")
