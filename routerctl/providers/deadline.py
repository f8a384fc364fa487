"""Time limits for many short waits, at the price of one timer.

`asyncio.timeout` makes and cancels a timer for every wait; a stream waits once per chunk. Here
one timer follows the moving limit and mostly finds, when it rings, that the limit has moved.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Deadline:
    """Bounds waits that follow each other; never two at once."""

    __slots__ = ("_expired", "_loop", "_rings_at", "_task", "_timer", "_until")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._rings_at = 0.0
        self._until = 0.0
        self._expired = False

    async def wait(self, awaitable: Awaitable[T], timeout_ms: float) -> T:
        """What `awaitable` gives. Raises TimeoutError after `timeout_ms`, having cancelled it."""
        self._until = self._loop.time() + timeout_ms / 1000
        if self._timer is None or self._until < self._rings_at:
            self._arm()
        task = self._task = asyncio.current_task()
        assert task is not None
        cancels = task.cancelling()
        try:
            result = await awaitable
        except asyncio.CancelledError:
            # Ours only when nobody else has asked this task to stop as well.
            if self._expired and task.uncancel() <= cancels:
                raise TimeoutError from None
            raise
        finally:
            self._task = None
        if self._expired:  # it came in the very moment in which the limit was reached
            self._expired = False
            task.uncancel()
        return result

    def stop(self) -> None:
        """No more waits will follow."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = self._until
        self._timer = self._loop.call_at(self._until, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._task is None:
            return  # between two waits; the next one arms
        if self._loop.time() < self._until:
            self._arm()
        else:
            self._expired = True
            self._task.cancel()
