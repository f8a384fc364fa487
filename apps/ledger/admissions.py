"""The way in: requests wait here, for about a millisecond, until their money is held.

Whatever has arrived while one batch was on its way is the next batch. A commit costs seven times
what a hold in it does, so batches that have company leave at most every `PACE_S`; who comes alone
leaves at once. A caller goes on only when its hold is committed; what may have been held for a
caller who does not go on is released.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from apps.ledger import rows
from apps.ledger.batch_answer import BatchAnswer, windows_of
from apps.ledger.lease import LeasedLine
from apps.ledger.line import CallFailed, LineLost
from apps.ledger.records import Admitted, AttemptRecord, Hold, LedgerAway
from routerctl.engine.errors import RouterError

PACE_S = 0.002
_MAX_BATCH = 128
_PATIENCE_S = 0.9
"""How long a request waits for a database that is away."""


class _Waiting:
    """One request and whoever awaits its hold: which of its steps found room. `had` are the
    windows of the hold in whose place this one comes."""

    __slots__ = ("admitted", "claim", "had", "hold", "row", "since")

    def __init__(
        self, hold: Hold, row: bytes, claim: bytes | None, since: float, had: tuple[int, ...]
    ) -> None:
        self.hold = hold
        self.row = row
        self.claim = claim
        self.since = since
        self.had = had
        self.admitted: asyncio.Future[Admitted] = asyncio.get_running_loop().create_future()

    def refuse(self, error: RouterError) -> None:
        if not self.admitted.done():
            self.admitted.set_exception(error)


_Queue = deque[_Waiting]
_Send = Callable[[list[_Waiting], bytes], Awaitable[None]]


class Admissions:
    """The queues of reserves and advances of one process, over one leased line.

    `release(hold, code)` is called for what was held, or may have been, and is not sent.
    """

    def __init__(
        self,
        dsn: str,
        release: Callable[[Hold, str], None],
        *,
        lease_s: float,
        pace_s: float = PACE_S,
    ) -> None:
        self.leased = LeasedLine(dsn, self._go_on, lease_s=lease_s)
        self._release = release
        self._pace_s = pace_s
        self._had_company = False
        self._left_at = 0.0
        """When the last batch of reserves did."""
        self._reserving: _Queue = deque()
        self._advancing: _Queue = deque()
        self._in_doubt: list[Hold] = []
        self._asleep: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def in_doubt(self) -> int:
        """Holds of which a lost line left unknown whether they exist."""
        return len(self._in_doubt)

    @property
    def queued(self) -> int:
        """How many attempts wait for their hold."""
        return len(self._reserving) + len(self._advancing)

    async def reserve(self, hold: Hold) -> Admitted:
        """See `Ledger.reserve`."""
        waiting = self._enter(self._reserving, hold, rows.hold_row(hold), rows.claim_row(hold))
        try:
            return await waiting.admitted
        except asyncio.CancelledError:
            admitted = waiting.admitted
            if not admitted.cancelled() and admitted.exception() is None:
                self._release(hold, "client_disconnected")
            raise

    async def advance(
        self, hold: Hold, attempt: AttemptRecord, had: tuple[int, ...], used: tuple[int, ...]
    ) -> Admitted:
        """See `Ledger.advance`."""
        row = rows.advance_row(hold, attempt, used)
        return await self._enter(self._advancing, hold, row, None, had).admitted

    def _enter(
        self,
        queue: _Queue,
        hold: Hold,
        row: bytes,
        claim: bytes | None,
        had: tuple[int, ...] = (),
    ) -> _Waiting:
        loop = asyncio.get_running_loop()
        now, down_since = loop.time(), self.leased.down_since
        if down_since is not None and now - down_since > _PATIENCE_S:
            raise LedgerAway
        waiting = _Waiting(hold, row, claim, now, had)
        queue.append(waiting)
        if self._timer is None:
            self._timer = loop.call_later(_PATIENCE_S, self._expire)
        self._wake_up()
        return waiting

    def _expire(self) -> None:
        """Refuse who has waited too long; look again when the next one will have."""
        loop = asyncio.get_running_loop()
        self._timer = None
        for queue in (self._reserving, self._advancing):
            while queue and queue[0].since + _PATIENCE_S <= loop.time():
                queue.popleft().refuse(LedgerAway())
            if queue and self._timer is None:
                self._timer = loop.call_at(queue[0].since + _PATIENCE_S, self._expire)

    def _return(self, queue: _Queue, parts: list[list[_Waiting]]) -> None:
        """Put what was not sent back to the head of `queue`, in its order."""
        for part in parts:
            queue.extendleft(reversed(part))
        if queue and self._timer is None:
            self._expire()

    # ------------------------------------------------------------------ the pump

    async def run(self) -> None:
        """Send what waits, one batch at a time. Runs until cancelled."""
        while True:
            if self.leased.epoch is not None and self._advancing:
                await self._send(self._advancing, self._advance)
            elif self.leased.epoch is not None and self._reserving:
                await self._keep_pace()
                await self._send(self._reserving, self._reserve)
            else:
                self._asleep = asyncio.get_running_loop().create_future()
                await self._asleep
                self._asleep = None

    async def _keep_pace(self) -> None:
        """Let company gather, where there was some the last time."""
        loop = asyncio.get_running_loop()
        if self._had_company:
            await asyncio.sleep(self._left_at + self._pace_s - loop.time())
        self._left_at = loop.time()
        self._had_company = len(self._reserving) > 1

    def _wake_up(self) -> None:
        if self._asleep is not None and not self._asleep.done():
            self._asleep.set_result(None)

    def _go_on(self) -> None:
        """The line is leased anew: what a lost one did is done, so doubts can be ended."""
        in_doubt, self._in_doubt = self._in_doubt, []
        for hold in in_doubt:
            self._release(hold, "budget_unavailable")
        self._wake_up()

    async def _send(self, queue: _Queue, send: _Send) -> None:
        """The next batch; where a row is at fault its halves, down to that row alone."""
        parts = [part for part in [_next(queue)] if part]
        try:
            while parts:
                epoch = self.leased.epoch
                if epoch is None:
                    break
                part = parts[-1]
                try:
                    await send(part, epoch)
                except CallFailed as error:
                    if error.is_fenced:
                        self.leased.lost()
                    elif error.is_about_rows and len(part) > 1:
                        middle = len(part) // 2
                        parts[-1:] = [part[middle:], part[:middle]]
                    else:
                        _refuse_all(parts.pop(), error)
                else:
                    parts.pop()
        finally:
            self._return(queue, parts)

    async def _reserve(self, part: list[_Waiting], epoch: bytes) -> None:
        claims = [one.claim for one in part if one.claim is not None]
        windows, needed = windows_of([(one.hold, one.had) for one in part])
        try:
            told = await self.leased.line.call(
                b"reserve",
                self.leased.worker,
                epoch,
                rows.batch([one.row for one in part]),
                rows.batch(claims) if claims else None,
                windows,
                needed,
            )
        except LineLost:
            self._in_doubt += [one.hold for one in part]
            _refuse_all(part)
            part.clear()
            return
        answer = BatchAnswer.read(told)
        for one in part:
            trace_id = one.hold.trace_id
            if trace_id in answer.errors:
                one.refuse(answer.errors[trace_id])
            elif one.admitted.done():
                # Cancelled on the way.
                self._release(one.hold, "client_disconnected")
            else:
                one.admitted.set_result(answer.admitted(trace_id))

    async def _advance(self, part: list[_Waiting], epoch: bytes) -> None:
        batch = rows.batch([one.row for one in part])
        windows, _ = windows_of([(one.hold, one.had) for one in part])
        try:
            told = await self.leased.line.call(
                b"advance", self.leased.worker, epoch, batch, windows
            )
        except LineLost:
            # Its caller settles; that ends whichever hold there is.
            _refuse_all(part)
            part.clear()
            return
        answer = BatchAnswer.read(told)
        for one in part:
            trace_id = one.hold.trace_id
            if trace_id in answer.errors:
                one.refuse(answer.errors[trace_id])
            elif not one.admitted.done():
                one.admitted.set_result(answer.admitted(trace_id))


def _next(queue: _Queue) -> list[_Waiting]:
    batch: list[_Waiting] = []
    while queue and len(batch) < _MAX_BATCH:
        one = queue.popleft()
        if not one.admitted.done():
            batch.append(one)
    return batch


def _refuse_all(part: list[_Waiting], error: CallFailed | None = None) -> None:
    about_rows = error is not None and error.is_about_rows
    for one in part:
        one.refuse(RouterError("internal_error" if about_rows else "budget_unavailable"))
