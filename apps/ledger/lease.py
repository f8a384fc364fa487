"""The line on which a process reserves, and the lease without which it may not.

A lease is registered when the line opens, under a new epoch each time. That is also a barrier:
the database lets no statement of an older epoch finish afterwards, so whatever a lost call
may have done is done.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable

import structlog

from apps.ledger.heartbeat import Trouble
from apps.ledger.ids import epoch_ms
from apps.ledger.line import CallFailed, Line, LineLost

log = structlog.get_logger(__name__)

LEASE_S = 15.0
_RENEWALS_PER_LEASE = 3
_ANSWER_WITHIN_S = 0.9
_BACKOFF_S = (0.05, 2.0)

_CALLS = {
    "register": "(text, interval) AS SELECT ledger_register($1, $2)",
    "renew": "(text, bigint, interval) AS SELECT ledger_renew($1, $2, $3)",
    "resign": "(text) AS SELECT ledger_resign($1)",
    "reserve": "(text, bigint, jsonb, jsonb, bigint[], bigint[])"
    " AS SELECT ledger_reserve($1, $2, $3, $4, $5, $6)",
    "advance": "(text, bigint, jsonb, bigint[]) AS SELECT ledger_advance($1, $2, $3, $4)",
}


class LeasedLine:
    """Open and leased as long as the database can be reached; `on_ready` is called each time
    that it has become so."""

    def __init__(self, dsn: str, on_ready: Callable[[], None], *, lease_s: float = LEASE_S) -> None:
        name = f"{socket.gethostname()[:64]}:{os.getpid()}:{os.urandom(4).hex()}"
        self.worker = name.encode()
        self.epoch: bytes | None = None
        """None while nothing may be reserved."""
        self.down_since: float | None = 0.0
        self.trouble: Trouble | None = None
        """What went wrong last."""
        self.line = Line(dsn, _CALLS, answer_within_s=_ANSWER_WITHIN_S, on_lost=self._hung_up)
        self._on_ready = on_ready
        self._lease_s = lease_s
        self._lease = f"{lease_s} seconds".encode()
        self.fresh = asyncio.Event()
        """Set while `epoch` is there."""
        self._stale = asyncio.Event()

    async def keep(self) -> None:
        """Register, renew, and start over when either fails. Runs until cancelled."""
        backoff_s = _BACKOFF_S[0]
        while True:
            try:
                await self._register()
                backoff_s = _BACKOFF_S[0]
                await self._renew_while_fresh()
            except (LineLost, CallFailed) as error:
                self.lost()
                self.trouble = Trouble(epoch_ms(), f"The ledger could not be reached: {error}")
                log.warning("ledger_away", why=str(error), retry_in_s=backoff_s)
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, _BACKOFF_S[1])

    async def _register(self) -> None:
        await self.line.open()
        self._stale.clear()
        self.epoch = await self.line.call(b"register", self.worker, self._lease)
        self.down_since = None
        self.fresh.set()
        self._on_ready()

    async def _renew_while_fresh(self) -> None:
        """Ends when `lost` was called. Raises what the line raises, but not a stale lease."""
        while not self._stale.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._lease_s / _RENEWALS_PER_LEASE):
                    await self._stale.wait()
                return
            try:
                await self.line.call(b"renew", self.worker, self.epoch, self._lease)
            except CallFailed as error:
                if not error.is_fenced:
                    raise
                self.lost()

    def lost(self) -> None:
        """The lease is stale or the line is gone: nothing is reserved until `on_ready`."""
        if self.down_since is None:
            self.down_since = asyncio.get_running_loop().time()
        self.epoch = None
        self.fresh.clear()
        self._stale.set()

    def _hung_up(self, why: str) -> None:
        log.info("ledger_line_lost", line="reserves", why=why)
        self.lost()

    async def resign(self) -> None:
        """Say goodbye, so that nobody waits for the lease to expire, and hang up."""
        with contextlib.suppress(LineLost, CallFailed):
            await self.line.call(b"resign", self.worker)
        self.line.close()
