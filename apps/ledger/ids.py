"""Trace ids: UUIDv7 in canonical form, unique, and ascending within a process."""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import UUID

_COUNTER_BITS = 32
_RANDOM_BITS = 80


def epoch_ms() -> int:
    """Milliseconds since the epoch by the machine's clock."""
    return time.time_ns() // 1_000_000


class TraceIds:
    """A source of ids: 48 bits of milliseconds, 32 of a counter, 40 random ones of the process.

    One number is milliseconds and counter together and only ever grows, so ids ascend even when
    the clock is set back. `clock` tells milliseconds since the epoch, `entropy` gives random bytes.
    """

    def __init__(
        self,
        clock: Callable[[], int] = epoch_ms,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._clock = clock
        self._entropy = entropy
        self.seed()

    def seed(self) -> None:
        """Start anew; a forked child must, or it would repeat its parent."""
        self._lock = threading.Lock()
        self._last = 0
        self._process = self._entropy(5).hex()

    def next(self) -> str:
        """A new id, 36 characters."""
        now = self._clock() << _COUNTER_BITS
        with self._lock:
            last = self._last + 1
            self._last = last = max(last, now)
        n = f"{last:020x}"
        # 7 is the version, 8 the variant; the digits of the number stand around them in order.
        return f"{n[:8]}-{n[8:12]}-7{n[12:15]}-8{n[15:18]}-{n[18:]}{self._process}"


_ids = TraceIds()
os.register_at_fork(after_in_child=_ids.seed)
trace_id = _ids.next


def moment_of(trace_id: str) -> int:
    """When an id was made, in milliseconds since the epoch."""
    return UUID(trace_id).int >> 80


def first_id_at(moment_ms: int) -> UUID:
    """The lowest id a trace of that moment can have: ids sort as time does."""
    return UUID(int=(moment_ms & (2**48 - 1)) << _RANDOM_BITS)


def day_of(trace_id: str) -> date:
    """The UTC day inside an id: its rows are in that day's partition."""
    return datetime.fromtimestamp(moment_of(trace_id) / 1000, UTC).date()
