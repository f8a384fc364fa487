"""The way out: what ended waits here for company, is stored, and is kept until it is.

Nobody waits for it. Every call may be repeated: what is stored already stays as it is. While the
database is away, what waits is on disk as well (`spool`).
"""

import asyncio
import time
from pathlib import Path

import structlog

from apps.ledger import rows
from apps.ledger.ids import day_of
from apps.ledger.line import CallFailed, Line, LineLost
from apps.ledger.records import Refused
from apps.ledger.refusals import RefusalMeter
from apps.ledger.spool import BEGUN, Record, Spool, ended

log = structlog.get_logger(__name__)

_MAX_BATCH = 128
_COMPANY_S = 0.01
"""How long the first of a batch waits for others; reserves wait while a large one is stored."""
_MAX_REFUSALS = 10_000
"""How many are kept for a database that is away."""
SPOOL_BYTES = 64 * 2**20
"""How much may wait before nothing new is begun without a hold. What is held is kept all the same:
without a database nothing new is held."""
_ANSWER_WITHIN_S = 5.0
_BACKOFF_S = (0.05, 2.0)

_CALLS = {
    "settle": "(jsonb) AS SELECT ledger_settle($1)",
    "settle_unheld": "(jsonb) AS SELECT ledger_settle_unheld($1)",
    "refuse": "(jsonb) AS SELECT ledger_refuse($1)",
    "release": "(jsonb) AS SELECT ledger_release($1)",
    "count_refusals": "(jsonb) AS SELECT ledger_count_refusals($1)",
    "keep": "(jsonb) AS SELECT ledger_keep($1)",
    "kept": "(text, uuid) AS SELECT ledger_kept($1, $2)",
    "ensure_partitions": "(date, date) AS SELECT ensure_partitions($1, $2)",
}


class Settlements:
    """The queues of one process for all that ends, over one line."""

    def __init__(self, dsn: str, spool: Path | None = None) -> None:
        """`spool` is the folder for what waits while the database is away."""
        self.in_a_hurry = False
        """Set when the process stops: nothing waits for company any more."""
        self._meter = RefusalMeter()
        self._line = Line(dsn, _CALLS, answer_within_s=_ANSWER_WITHIN_S, on_lost=_lost)
        self._waiting: dict[bytes, list[rows.Row]] = {
            b"release": [], b"keep": [], b"settle": [], b"settle_unheld": [], b"refuse": [],
        }  # fmt: skip
        self._bytes = 0
        """Of what waits."""
        self._spool = Spool(spool) if spool else None
        self._spooling = False
        """Whether what waits is on disk, or on its way there."""
        self._unspooled: list[Record] = []
        self._writing = False
        """Whether a thread adds to the file: emptied meanwhile, it would keep what is stored."""
        self._to_spool = asyncio.Event()
        self._begun: set[str] = set()
        """Requests without a hold that are under way: what stands of them on disk has to stay."""
        self._waiting_for_disk: list[asyncio.Future[None]] = []
        self._awake = asyncio.Event()

    @property
    def pending(self) -> int:
        """What is not stored yet."""
        return sum(map(len, self._waiting.values())) + len(self._meter.counted)

    @property
    def on_disk(self) -> int:
        """How much of it is on disk, or on its way there."""
        return self.pending if self._spooling else 0

    def taken_ticks(self) -> list[tuple[str, float]]:
        """See `Line.taken_ticks`."""
        return self._line.taken_ticks()

    @property
    def has_room(self) -> bool:
        """Whether what is done without a hold would be kept."""
        return self._spool is not None and self._bytes < SPOOL_BYTES

    def put(self, call: bytes, row: rows.Row) -> None:
        """Store `row` by `call`, a key of what waits. Returns at once."""
        self._waiting[call].append(row)
        self._bytes += len(row[1])
        if self._spooling:
            self._unspooled.append((call, row))
            self._to_spool.set()
        self._awake.set()

    async def begin(self, row: rows.Row) -> None:
        """Write to disk how a request ends if this process dies; returns when it is there. A later
        row for the same request takes its place, its end (`put`) or `forget` makes it void.
        Raises OSError."""
        self.keep_on_disk()
        self._begun.add(row[0])
        self._unspooled.append((BEGUN, row))
        written = asyncio.get_running_loop().create_future()
        self._waiting_for_disk.append(written)
        self._to_spool.set()
        await written

    def forget(self, trace_id: str) -> None:
        """That request is over, or never began."""
        self._begun.discard(trace_id)
        self._awake.set()

    def refuse(self, refused: Refused) -> None:
        """Store a refusal, or count it when it is one of a flood. Returns at once."""
        key, code = refused.head.request.key, refused.outcome.error_code or ""
        if len(self._waiting[b"refuse"]) >= _MAX_REFUSALS:
            self._meter.count(key, code)
        elif self._meter.passes(key, code, int(time.monotonic())):
            self.put(b"refuse", (refused.head.trace_id, rows.refuse_row(refused)))
        self._awake.set()

    async def kept(self, key_hash: str, trace_id: str) -> str | None:
        """The sealed answer of that request: None while it runs, empty when it is over and none
        was kept. Raises LineLost, after which the line is opened, or CallFailed."""
        self._awake.set()
        found = await self._line.call(b"kept", key_hash.encode(), trace_id.encode())
        return None if found is None else found.decode()

    async def run(self) -> None:
        """Store what waits, a batch at a time. Runs until cancelled."""
        backoff_s = _BACKOFF_S[0]
        self._adopt()
        while True:
            await self._awake.wait()
            self._awake.clear()
            if not self.in_a_hurry:
                await asyncio.sleep(_COMPANY_S)
            try:
                await self._line.open()
                await self._store_waiting()
                backoff_s = _BACKOFF_S[0]
            except (LineLost, CallFailed) as error:
                log.warning("ledger_not_stored", waiting=self.pending, why=str(error))
                self.keep_on_disk()
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, _BACKOFF_S[1])
                self._awake.set()

    def close(self) -> None:
        self._line.close()
        if self._spool is not None:
            self.keep_on_disk()
            self._spool.add(self._unspooled)
            self._spool.close(empty=not self.pending)
            self._spool = None

    # ------------------------------------------------------------------ the disk

    def keep_on_disk(self) -> None:
        """The database is away: whatever waits, and what is put from now on, goes to disk too."""
        if self._spool is not None and not self._spooling:
            self._spooling = True
            self._unspooled = [(call, row) for call, all_ in self._waiting.items() for row in all_]
            self._to_spool.set()

    async def run_spool(self) -> None:
        """Write to disk what is to be there. Runs until cancelled."""
        while True:
            await self._to_spool.wait()
            self._to_spool.clear()
            records, self._unspooled = self._unspooled, []
            waiting, self._waiting_for_disk = self._waiting_for_disk, []
            if self._spool is None or not records:
                continue
            self._writing = True
            try:
                await asyncio.to_thread(self._spool.add, records)
            except OSError as error:
                _resolve(waiting, error)
                # What began is told so and does not go on; what ended is tried again.
                ends = [record for record in records if record[0] != BEGUN]
                self._unspooled = ends + self._unspooled
                self._to_spool.set()
                raise
            finally:
                self._writing = False
                self._awake.set()  # what was written may be stored already
            _resolve(waiting)

    def _adopt(self) -> None:
        if self._spool is None:
            return
        for call, row in ended(self._spool.adopt()):
            self._spooling = True
            if call in self._waiting:
                self._waiting[call].append(row)
                self._bytes += len(row[1])
        self._awake.set()

    def _all_is_stored(self) -> None:
        """Nothing waits, and nothing is on its way to the disk."""
        self._bytes = 0
        on_disk = self._unspooled or self._writing or self._begun
        if self._spooling and self._spool is not None and not on_disk:
            self._spooling = False
            self._spool.clear()

    # ------------------------------------------------------------------ batches

    async def _store_waiting(self) -> None:
        for call, waiting in self._waiting.items():
            while waiting:
                batch = waiting[:_MAX_BATCH]
                await self._store(call, batch)
                del waiting[: len(batch)]
        if not any(self._waiting.values()):
            self._all_is_stored()
        if self._meter.counted:
            counted = self._meter.counted.copy()
            await self._line.call(b"count_refusals", self._meter.batch())
            self._meter.counted -= counted

    async def _store(self, call: bytes, batch: list[rows.Row]) -> None:
        """Where a row is at fault, store the halves, down to that row alone, which is reduced."""
        parts = [batch]
        days_are_there = False
        while parts:
            part = parts.pop()
            try:
                await self._line.call(call, rows.batch([row for _, row in part]))
            except CallFailed as error:
                if error.lacks_partition and not days_are_there:
                    days_are_there = True
                    await self._make_days(batch)
                    parts.append(part)
                elif len(part) > 1 and (error.is_about_rows or error.took_too_long):
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                elif error.is_about_rows:
                    await self._store_reduced(call, part[0], error)
                else:
                    raise

    async def _store_reduced(self, call: bytes, row: rows.Row, error: CallFailed) -> None:
        log.error("ledger_row_reduced", trace_id=row[0], why=str(error))
        for reduced in rows.reduced(row):
            try:
                await self._line.call(call, rows.batch([reduced]))
            except CallFailed as again:
                if not again.is_about_rows:
                    raise
                error = again
            else:
                return
        log.error("ledger_row_dropped", trace_id=row[0], why=str(error))

    async def _make_days(self, batch: list[rows.Row]) -> None:
        for day in {day_of(trace_id).isoformat().encode() for trace_id, _ in batch}:
            await self._line.call(b"ensure_partitions", day, day)


def _resolve(waiting: list[asyncio.Future[None]], error: OSError | None = None) -> None:
    for written in waiting:
        if written.done():  # whoever asked was cancelled
            continue
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)


def _lost(why: str) -> None:
    log.info("ledger_line_lost", line="settlements", why=why)
