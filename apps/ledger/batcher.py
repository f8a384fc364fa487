"""The ledger's face to its process: hold before the call, settle after it.

A request's money is held by `reserve` (or `advance`, for its next attempt), which returns only
after the commit; `settle` ends it, and `refuse` is for those that never held anything. Reserves
and settlements travel on connections of their own, each as one SQL call for all that wait.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import structlog

from apps.ledger import rows
from apps.ledger.admissions import PACE_S, Admissions
from apps.ledger.heartbeat import Trouble
from apps.ledger.lease import LEASE_S
from apps.ledger.line import CallFailed, LineLost
from apps.ledger.records import (
    Admitted,
    AttemptRecord,
    Hold,
    IdempotencyKey,
    LedgerAway,
    Outcome,
    Refused,
    Settlement,
    Unheld,
)
from apps.ledger.settlements import Settlements
from apps.ledger.windows import Window, Windows
from routerctl.engine.caps import Cap
from routerctl.engine.errors import CATALOGUE

log = structlog.get_logger(__name__)

_FIRST_CONTACT_S = 3.0
_POLL_S = 0.005


class Ledger:
    """One per process, used from its loop."""

    def __init__(
        self,
        dsn: str,
        *,
        lease_s: float = LEASE_S,
        pace_s: float = PACE_S,
        limits: Callable[[], Mapping[str, int]] = dict,
        spool: Path | None = None,
    ) -> None:
        """`limits` tells each cap's limit by its slug, as this process knows it; balances are
        reckoned by it. `spool` is the folder for what waits while the database is away."""
        self._settlements = Settlements(dsn, spool)
        self._windows = Windows(dsn, limits)
        self._admissions = Admissions(dsn, self._release, lease_s=lease_s, pace_s=pace_s)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin; returns when requests can be admitted, or after a while without a database."""
        admissions = self._admissions
        settlements = self._settlements
        runs = (
            admissions.leased.keep, admissions.run, settlements.run, settlements.run_spool,
            self._windows.run,
        )  # fmt: skip
        self._tasks = [asyncio.create_task(_keep_running(run)) for run in runs]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_CONTACT_S):
                await self._admissions.leased.fresh.wait()

    @property
    def is_open(self) -> bool:
        """Whether the database can be reached and lets this process reserve."""
        return self._admissions.leased.epoch is not None

    @property
    def worker(self) -> str:
        """This process's name in the ledger."""
        return self._admissions.leased.worker.decode()

    @property
    def trouble(self) -> Trouble | None:
        """Why the database could not be reached the last time that it could not."""
        return self._admissions.leased.trouble

    # ------------------------------------------------------------------ caps

    @property
    def balances(self) -> dict[str, int]:
        """How full the windows in use are, in permille, at most a second ago; by
        `caps.balance_of`."""
        return self._windows.balances

    async def windows(self, caps: Sequence[Cap], keys: Sequence[tuple[str, ...]]) -> list[int]:
        """The id of each cap's open window for its key; 0 for a cap without windows. Raises
        LedgerAway when one must be opened and the database is away."""
        return await self._windows.find(caps, keys)

    def window(self, id_: int) -> Window | None:
        """What is known of a window."""
        return self._windows.of(id_)

    # ------------------------------------------------------------------ one request

    async def reserve(self, hold: Hold) -> Admitted:
        """Hold the money for a request's first attempt; returns after the commit which of the
        hold's claims it is: the first for which every window has room.

        Raises LedgerAway within a second when the database cannot be reached. Raises RouterError:
        budget_unavailable when it was lost on the way, cap_reached (details: window, room) when
        no claim finds room, idempotency_conflict or answer_expired (details: earlier_trace_id)
        for a key that was used, internal_error for a hold which the database will not take.
        Nothing may be sent then. When the caller is cancelled the hold is released, if it came
        to be.
        """
        return await self._admissions.reserve(hold)

    async def advance(
        self,
        hold: Hold,
        attempt: AttemptRecord,
        *,
        had: tuple[int, ...] = (),
        used: tuple[int, ...] = (),
    ) -> Admitted:
        """Write the attempt before `hold`, and put `hold` in the place of that one's.

        `had` are the windows of the hold before, `used` what the attempt used of each. Returns
        after the commit which of the claims it is. Raises RouterError like `reserve`; the
        request must then be settled, with `attempt` among its attempts.
        """
        return await self._admissions.advance(hold, attempt, had, used)

    def settle(self, settlement: Settlement) -> None:
        """The end of an admitted request. Kept and retried until stored; returns at once."""
        row = rows.settle_row(settlement)
        self._settlements.put(b"settle", (settlement.trace_id, row))

    @property
    def keeps_unheld(self) -> bool:
        """Whether there is room on disk for what goes on without a hold."""
        return self._settlements.has_room

    async def begin_unheld(self, unheld: Unheld) -> None:
        """Before a request without a hold is sent: `unheld` is how it ends should this process die.
        Returns when that is on disk. Raises LedgerAway when it cannot be kept there."""
        trace_id = unheld.head.trace_id
        try:
            await self._settlements.begin((trace_id, rows.unheld_row(unheld)))
        except BaseException as error:
            self._settlements.forget(trace_id)
            if isinstance(error, OSError):
                raise LedgerAway from None
            raise

    def settle_unheld(self, unheld: Unheld) -> None:
        """The end of a request without a hold. On disk until stored; returns at once."""
        self._settlements.keep_on_disk()
        self._settlements.forget(unheld.head.trace_id)
        row = rows.unheld_row(unheld)
        self._settlements.put(b"settle_unheld", (unheld.head.trace_id, row))

    def refuse(self, refused: Refused) -> None:
        """The end of a request that was not admitted; a flood of one key's is only counted."""
        self._settlements.refuse(refused)

    # ------------------------------------------------------------------ a request again

    def keep(self, trace_id: str, key: IdempotencyKey, answer: str) -> None:
        """Keep a sealed answer for whoever comes again with `key`; returns at once."""
        self._settlements.put(b"keep", (trace_id, rows.keep_row(trace_id, key.key_hash, answer)))

    async def kept(self, trace_id: str, key: IdempotencyKey) -> str | None:
        """The sealed answer of the request that used `key` first: None while it runs or nobody
        can say, empty when it is over and no answer was kept."""
        try:
            return await self._settlements.kept(key.key_hash, trace_id)
        except (LineLost, CallFailed):
            return None

    # ------------------------------------------------------------------ the end

    @property
    def pending(self) -> int:
        """How much is not stored yet."""
        return self._settlements.pending + self._admissions.in_doubt

    @property
    def queued(self) -> int:
        """How many attempts wait for their hold."""
        return self._admissions.queued

    @property
    def on_disk(self) -> int:
        """How much of what is not stored yet is on disk, or on its way there."""
        return self._settlements.on_disk

    def ticks(self) -> list[tuple[str, float]]:
        """The calls since this was asked last, and what each took in ms."""
        return self._admissions.leased.line.taken_ticks() + self._settlements.taken_ticks()

    async def drain(self, timeout_s: float) -> bool:
        """Wait until all is stored, at most that long. Whether it is."""
        self._settlements.in_a_hurry = True
        deadline = time.monotonic() + timeout_s
        while self.pending and time.monotonic() < deadline:  # noqa: ASYNC110 (seldom, and once)
            await asyncio.sleep(_POLL_S)
        self._settlements.in_a_hurry = False
        return not self.pending

    async def stop(self) -> None:
        """Say goodbye to the database. What is not stored by then is the reaper's."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._admissions.leased.resign()
        self._settlements.close()
        self._windows.close()

    def _release(self, hold: Hold, code: str) -> None:
        """End what was held and never sent."""
        outcome = Outcome(
            status="failed",
            finish_status="error",
            http_status=CATALOGUE[code].status,
            error_code=code,
        )
        self._settlements.put(b"release", (hold.trace_id, rows.release_row(hold, outcome)))


async def _keep_running(run: Callable[[], Awaitable[None]]) -> None:
    """`run` for ever: a fault of ours must not end the ledger of a process that serves on."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("ledger_crashed", part=run.__qualname__)
            await asyncio.sleep(1)
