"""What a request meets and does not make itself: time, ids, chance, the books and the providers.

A serving process gives the machine's own clock, the ledger and the transport. A simulation gives
others, and the same requests take place at another time.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from apps.gateway.buckets import Taken
from apps.ledger.ids import epoch_ms, trace_id
from apps.ledger.records import (
    Admitted,
    AttemptRecord,
    Hold,
    IdempotencyKey,
    Refused,
    Settlement,
    Unheld,
)
from apps.ledger.windows import Window
from routerctl.engine.caps import Cap
from routerctl.engine.rate_limits import Bucket
from routerctl.providers.ports import UpstreamRequest
from routerctl.providers.transport import UpstreamResponse


class Clock(Struct, frozen=True):
    """Time and what comes with it. The default is the machine's. Whoever gives another one runs
    on a loop whose timers follow it."""

    monotonic_ns: Callable[[], int] = time.monotonic_ns
    epoch_ms: Callable[[], int] = epoch_ms
    trace_id: Callable[[], str] = trace_id
    chance: Callable[[], float] = random.random
    """From 0 to 1, for what is spread so that not everybody does it at once."""


MACHINE = Clock()


class Purse(Protocol):
    """Where an admitted request holds for its next attempt; `ledger.batcher.Ledger` says how."""

    def window(self, id_: int) -> Window | None: ...

    async def advance(
        self,
        hold: Hold,
        attempt: AttemptRecord,
        *,
        had: tuple[int, ...] = (),
        used: tuple[int, ...] = (),
    ) -> Admitted: ...


class Books(Purse, Protocol):
    """Where money is held and requests are written down; `ledger.batcher.Ledger` says how."""

    @property
    def pending(self) -> int: ...

    @property
    def balances(self) -> dict[str, int]: ...

    @property
    def keeps_unheld(self) -> bool: ...

    async def begin_unheld(self, unheld: Unheld) -> None: ...

    async def windows(self, caps: Sequence[Cap], keys: Sequence[tuple[str, ...]]) -> list[int]: ...

    async def reserve(self, hold: Hold) -> Admitted: ...

    def settle(self, settlement: Settlement) -> None: ...

    def settle_unheld(self, unheld: Unheld) -> None: ...

    def refuse(self, refused: Refused) -> None: ...

    def keep(self, trace_id: str, key: IdempotencyKey, answer: str) -> None: ...

    async def kept(self, trace_id: str, key: IdempotencyKey) -> str | None: ...


class Buckets(Protocol):
    """Where rate limits are counted; `buckets.SharedBuckets` says how."""

    async def take(self, buckets: Sequence[Bucket]) -> Taken: ...


class Incoming(Protocol):
    """A provider's answer whose body is still coming; `transport.UpstreamStream` says how."""

    status: int
    headers: dict[str, str]

    async def read(self, timeout_ms: float) -> bytes | None: ...

    async def rest(self, timeout_ms: float) -> bytes: ...

    async def close(self) -> None: ...


class Upstream(Protocol):
    """The way to the providers; `transport.Transport` says how."""

    async def send(
        self,
        request: UpstreamRequest,
        *,
        connect_ms: int,
        first_byte_ms: int | None = None,
        total_ms: int,
    ) -> UpstreamResponse: ...

    async def open(
        self, request: UpstreamRequest, *, connect_ms: int, first_byte_ms: int
    ) -> Incoming: ...
