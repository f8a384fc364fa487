"""One HTTP exchange over ASGI: the body with its limit, the answer, and whether anyone listens."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from routerctl.engine.errors import RouterError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
HeaderList = list[tuple[bytes, bytes]]

SLOW_READER_S = 30.0
"""Who takes nothing of an answer for so long is treated as gone."""

_BUFFERED_BYTES = 65_536
"""A piece up to this is taken at once, whether anybody reads or not."""

_WATCH_AFTER_S = 0.05
"""Most of what is slow is slower than this, and most of what is quick needs no watcher."""


class Recording:
    """An answer as it was sent, up to a length; whole once its last piece was sent."""

    __slots__ = ("_room", "headers", "is_whole", "parts", "status")

    def __init__(self, most_bytes: int) -> None:
        self.status = 0
        self.headers: HeaderList = []
        self.parts: list[bytes] = []
        self.is_whole = False
        self._room = most_bytes

    def add(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
            return
        self._room -= len(message["body"])
        if self._room >= 0:
            self.parts.append(message["body"])
            self.is_whole = not message.get("more_body", False)


class Exchange:
    """`headers` by lower-case name; `gone` once the client has left, or was too `slow`."""

    __slots__ = (
        "_receive", "_send", "_watcher", "began", "gone", "headers", "method", "path", "slow",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        self.gone = False
        self.slow = False
        self.began = False
        self._receive = receive
        self._send = send
        self._watcher: asyncio.TimerHandle | asyncio.Task[None] | None = None

    async def body(self, limit: int) -> bytes:
        """The whole request body.

        Raises RouterError body_too_large when it has more than `limit` bytes; what comes is
        then read to its end, because a client that is still writing does not read the answer.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.gone = True
            raise RouterError("client_disconnected")
        first: bytes = message.get("body", b"")
        if not message.get("more_body"):
            if len(first) > limit:
                raise RouterError("body_too_large", f"The body has more than {limit} bytes.")
            return first
        return await self._rest(first, limit)

    async def _rest(self, first: bytes, limit: int) -> bytes:
        parts, size, more = [first], len(first), True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                raise RouterError("client_disconnected")
            more = message.get("more_body", False)
            size += len(message.get("body", b""))
            if size <= limit:
                parts.append(message.get("body", b""))
            else:
                parts.clear()
        if size > limit:
            raise RouterError("body_too_large", f"The body has more than {limit} bytes.")
        return b"".join(parts)

    def record(self, most_bytes: int) -> Recording:
        """Keep what is sent from now on, whether or not anybody is there to read it."""
        recording, send = Recording(most_bytes), self._send

        async def recorded(message: MutableMapping[str, Any]) -> None:
            recording.add(message)
            await send(message)

        self._send = recorded
        return recording

    async def whole(self, status: int, headers: HeaderList, body: bytes) -> None:
        """The answer in one piece."""
        headers.append((b"content-length", b"%d" % len(body)))
        self.began = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        message = {"type": "http.response.body", "body": body}
        await (self._send(message) if len(body) < _BUFFERED_BYTES else self._patiently(message))

    async def begin(self, status: int, headers: HeaderList) -> None:
        """The head of an answer that comes in pieces."""
        self.began = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, body: bytes) -> None:
        """A piece of the answer. Waits for who reads slowly; who does not read at all is `gone`."""
        await self._patiently({"type": "http.response.body", "body": body, "more_body": True})

    async def finish(self, body: bytes = b"") -> None:
        await self._patiently({"type": "http.response.body", "body": body})

    async def _patiently(self, message: MutableMapping[str, Any]) -> None:
        try:
            async with asyncio.timeout(SLOW_READER_S):
                await self._send(message)
        except TimeoutError:
            self.gone = self.slow = True

    def left(self) -> RouterError:
        """What ends a request whose client is gone."""
        told = f"The client took nothing for {SLOW_READER_S:.0f} s." if self.slow else ""
        return RouterError("client_disconnected", told)

    def watch(self, on_gone: Callable[[], None] | None = None) -> None:
        """Notice a client that leaves, once the request has taken long enough to matter."""
        loop = asyncio.get_running_loop()
        self._watcher = loop.call_later(_WATCH_AFTER_S, self._start_watching, on_gone)

    def _start_watching(self, on_gone: Callable[[], None] | None) -> None:
        self._watcher = asyncio.ensure_future(self._until_gone(on_gone))

    async def _until_gone(self, on_gone: Callable[[], None] | None) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if on_gone is not None:
            on_gone()

    def unwatch(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None
