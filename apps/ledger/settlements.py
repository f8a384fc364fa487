"""The way out: what ended waits here for company, is stored, and is kept until it is.

Nobody waits for it. Every call may be repeated: what is stored already stays as it is.
"""

import asyncio
import time

import structlog

from apps.ledger import rows
from apps.ledger.ids import day_of
from apps.ledger.line import CallFailed, Line, LineLost
from apps.ledger.records import Refused
from apps.ledger.refusals import RefusalMeter

log = structlog.get_logger(__name__)

_MAX_BATCH = 128
_COMPANY_S = 0.01
"""How long the first of a batch waits for others; reserves wait while a large one is stored."""
_MAX_REFUSALS = 10_000
"""How many are kept for a database that is away; what is held is kept without bound, because
without a database nothing new is."""
_ANSWER_WITHIN_S = 5.0
_BACKOFF_S = (0.05, 2.0)

_CALLS = {
    "settle": "(jsonb) AS SELECT ledger_settle($1)",
    "refuse": "(jsonb) AS SELECT ledger_refuse($1)",
    "release": "(jsonb) AS SELECT ledger_release($1)",
    "count_refusals": "(jsonb) AS SELECT ledger_count_refusals($1)",
    "keep": "(jsonb) AS SELECT ledger_keep($1)",
    "kept": "(text, uuid) AS SELECT ledger_kept($1, $2)",
    "ensure_partitions": "(date, date) AS SELECT ensure_partitions($1, $2)",
}


class Settlements:
    """The queues of one process for all that ends, over one line."""

    def __init__(self, dsn: str) -> None:
        self.in_a_hurry = False
        """Set when the process stops: nothing waits for company any more."""
        self._meter = RefusalMeter()
        self._line = Line(dsn, _CALLS, answer_within_s=_ANSWER_WITHIN_S, on_lost=_lost)
        self._waiting: dict[bytes, list[rows.Row]] = {
            b"release": [], b"keep": [], b"settle": [], b"refuse": [],
        }  # fmt: skip
        self._awake = asyncio.Event()

    @property
    def pending(self) -> int:
        """What is not stored yet."""
        return sum(map(len, self._waiting.values())) + len(self._meter.counted)

    def put(self, call: bytes, row: rows.Row) -> None:
        """Store `row` by `call`: settle, refuse, release or keep. Returns at once."""
        self._waiting[call].append(row)
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
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, _BACKOFF_S[1])
                self._awake.set()

    def close(self) -> None:
        self._line.close()

    # ------------------------------------------------------------------ batches

    async def _store_waiting(self) -> None:
        for call, waiting in self._waiting.items():
            while waiting:
                batch = waiting[:_MAX_BATCH]
                await self._store(call, batch)
                del waiting[: len(batch)]
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


def _lost(why: str) -> None:
    log.info("ledger_line_lost", line="settlements", why=why)
