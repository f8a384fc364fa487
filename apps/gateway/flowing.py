"""A stream of a provider that has begun, as whoever passes it on reads it."""

from apps.gateway.attempts import Attempt
from apps.gateway.surroundings import Clock, Incoming
from routerctl.providers.ports import StreamParser
from routerctl.providers.types import Finish, StreamEvent


class Flowing:
    """An open stream whose first content is in hand. `head` are the events read so far."""

    __slots__ = ("_clock", "_done", "_parser", "_stream", "_until_ns", "attempt", "head")

    def __init__(
        self,
        attempt: Attempt,
        stream: Incoming,
        parser: StreamParser,
        head: list[StreamEvent],
        until_ns: int,
        clock: Clock,
    ) -> None:
        self.attempt = attempt
        self.head = head
        self._stream = stream
        self._parser = parser
        self._until_ns = until_ns
        self._clock = clock
        self._done = bool(head) and type(head[-1]) is Finish

    async def read(self) -> list[StreamEvent] | None:
        """The next events; None after the last. Raises ProviderError when it is cut, stalls or
        says that it failed."""
        if self._done:
            return None
        left_ms = (self._until_ns - self._clock.monotonic_ns()) // 1_000_000
        chunk = await self._stream.read(max(1, min(self.attempt.limits.stall_ms, left_ms)))
        if chunk is None:
            events = self._parser.close()
            self._done = True
        else:
            events = self._parser.feed(chunk)
            self._done = bool(events) and type(events[-1]) is Finish
        self.attempt.saw(events)
        return events

    async def close(self) -> None:
        await self._stream.close()
