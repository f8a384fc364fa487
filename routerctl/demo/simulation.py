"""Time that passes as fast as it can be worked through."""

import asyncio
import selectors
from collections.abc import Callable
from random import Random
from typing import Any

from apps.gateway.surroundings import Clock
from apps.ledger.ids import TraceIds


class SimulatedLoop(asyncio.SelectorEventLoop):
    """A loop on which nobody waits: when all that can run has run, it is at once the moment of the
    next timer. `time` counts seconds from 0; sockets and threads have no place here."""

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__(_Impatient(self._pass))

    def time(self) -> float:
        return self._now_s

    def _pass(self, seconds: float) -> None:
        self._now_s += seconds


class _Impatient(selectors.SelectSelector):
    """Instead of waiting it tells how long it would have waited."""

    def __init__(self, instead: Callable[[float], None]) -> None:
        super().__init__()
        self._instead = instead

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("in a simulation something waits for what will never come")
        if timeout > 0:
            self._instead(timeout)
        return super().select(0)


def clock(loop: SimulatedLoop, begins_ms: int, random: Random) -> Clock:
    """The clock of requests that run on `loop`, whose time begins at `begins_ms` since the epoch.
    Equal seeds of `random` give equal ids."""

    def epoch_ms() -> int:
        return begins_ms + int(loop.time() * 1000)

    return Clock(
        monotonic_ns=lambda: int(loop.time() * 1_000_000_000),
        epoch_ms=epoch_ms,
        trace_id=TraceIds(epoch_ms, random.randbytes).next,
        chance=random.random,
    )
