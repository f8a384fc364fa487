"""Holds, settlements and traces of a simulated past, by the ledger's own SQL, many at a time."""

from collections import defaultdict
from collections.abc import Sequence

from django.db.backends.utils import CursorWrapper

from apps.ledger import rows
from apps.ledger.records import (
    Admitted,
    AttemptRecord,
    Hold,
    IdempotencyKey,
    Refused,
    Settlement,
    Unheld,
)
from routerctl.engine.caps import Cap

_MOST_AT_ONCE = 256
_LEASE = "1 hour"


class PastBooks:
    """What requests hold and settle, kept until `write`. Nobody is refused, and no cap counts
    anybody: windows are of today."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._held: list[bytes] = []
        self._advanced: defaultdict[int, list[bytes]] = defaultdict(list)
        self._settled: list[bytes] = []
        self._refused: list[bytes] = []

    @property
    def pending(self) -> int:
        return len(self._settled) + len(self._refused)

    @property
    def balances(self) -> dict[str, int]:
        return {}

    async def windows(
        self,
        caps: Sequence[Cap],
        keys: Sequence[tuple[str, ...]],  # noqa: ARG002  # they are of no window
    ) -> list[int]:
        return [0] * len(caps)

    def window(self, id_: int) -> None:
        """None is known."""

    async def reserve(self, hold: Hold) -> Admitted:
        self._held.append(rows.hold_row(hold))
        return Admitted()

    async def advance(
        self,
        hold: Hold,
        attempt: AttemptRecord,
        *,
        had: tuple[int, ...] = (),  # noqa: ARG002  # windows, of which there are none
        used: tuple[int, ...] = (),
    ) -> Admitted:
        self._advanced[hold.n].append(rows.advance_row(hold, attempt, used))
        return Admitted()

    @property
    def keeps_unheld(self) -> bool:
        return False

    async def begin_unheld(self, unheld: Unheld) -> None:
        """The past has its database."""

    def settle_unheld(self, unheld: Unheld) -> None:
        """As above: nothing was begun."""

    def keep(self, trace_id: str, key: IdempotencyKey, answer: str) -> None:
        """Nobody of the past comes again."""

    async def kept(self, trace_id: str, key: IdempotencyKey) -> str:  # noqa: ARG002  # as `keep`
        return ""

    def settle(self, settlement: Settlement) -> None:
        self._settled.append(rows.settle_row(settlement))

    def refuse(self, refused: Refused) -> None:
        self._refused.append(rows.refuse_row(refused))

    def write(self, cursor: CursorWrapper) -> None:
        """Store what is kept, in the order in which it happened to each request."""
        cursor.execute("SELECT ledger_register(%s, %s)", [self._worker, _LEASE])
        (epoch,) = cursor.fetchone()
        leased = (self._worker, epoch)
        _write(cursor, "SELECT ledger_reserve(%s, %s, %s, NULL, NULL, NULL)", self._held, *leased)
        for n in sorted(self._advanced):
            _write(cursor, "SELECT ledger_advance(%s, %s, %s, NULL)", self._advanced[n], *leased)
        self._advanced.clear()
        _write(cursor, "SELECT ledger_settle(%s)", self._settled)
        _write(cursor, "SELECT ledger_refuse(%s)", self._refused)
        cursor.execute("SELECT ledger_resign(%s)", [self._worker])


def _write(cursor: CursorWrapper, call: str, waiting: list[bytes], *before: str | int) -> None:
    """`call` with all that waits, `_MOST_AT_ONCE` rows each time; then nothing waits."""
    for start in range(0, len(waiting), _MOST_AT_ONCE):
        batch = rows.batch(waiting[start : start + _MOST_AT_ONCE]).decode()
        cursor.execute(call, [*before, batch])
    waiting.clear()
