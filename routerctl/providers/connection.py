"""One HTTP/1.1 connection to a provider: POST out, an answer in, over and over.

httptools parses; this module keeps the state of one exchange at a time, bounds every wait and
holds the provider back when nobody reads. Whoever drops an exchange that has not ended aborts
the connection, so that a cancelled call costs the provider nothing more.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

from routerctl.providers.errors import ProviderError

_HOLD_BACK_BYTES = 256 * 1024
_MAX_HEAD_BYTES = 64 * 1024


class Connection(asyncio.Protocol):
    """`status` and `headers` (by lower-case name) are the answer's once `head` returned.
    `idle_since` is for the pool."""

    def __init__(self, on_lost: "Callable[[Connection], None]") -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.idle_since = 0.0
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._chunks: list[bytes] = []
        self._buffered = 0
        self._head_bytes = 0
        self._has_head = False
        self._is_complete = True
        self._is_reusable = True
        self._held_back = False
        self._failure: ProviderError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0

    # ------------------------------------------------------------------ one exchange

    def post(self, head: bytes, body: bytes) -> None:
        """Begin an exchange. `head` ends with its empty line."""
        assert self._transport is not None
        self.headers = {}
        self._head_bytes = 0
        self._has_head = self._is_complete = False
        self._transport.writelines((head, body))

    async def head(self, timeout_ms: float) -> None:
        """Until the answer's head is here.

        Raises TimeoutError, and ProviderError: connect when the provider hung up before it
        answered, malformed.
        """
        self._until = self._loop.time() + timeout_ms / 1000
        while not self._has_head:
            await self._news()

    async def read(self, timeout_ms: float) -> bytes | None:
        """What came of the body since the last read; None at its end.

        Raises TimeoutError when nothing comes, and ProviderError: truncated, malformed.
        """
        self._until = self._loop.time() + timeout_ms / 1000
        while not self._chunks:
            if self._is_complete:
                return None
            await self._news()
        chunks, self._chunks = self._chunks, []
        self._buffered = 0
        if self._held_back and self._transport is not None:
            self._held_back = False
            self._transport.resume_reading()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    @property
    def may_be_used_again(self) -> bool:
        """Whether the exchange has ended and left the connection as it was."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        return self._is_complete and self._is_reusable

    def abort(self) -> None:
        """Hang up at once."""
        self._is_reusable = False
        self._disarm()
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------------ waiting

    async def _news(self) -> None:
        """Until something came or went wrong. Raises TimeoutError at `_until`."""
        if self._failure is not None:
            raise self._failure
        # One timer follows the moving limit: it mostly finds, when it rings, that it has moved.
        if self._timer is None or self._until < self._rings_at:
            self._arm()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _arm(self) -> None:
        self._disarm()
        self._rings_at = self._until
        self._timer = self._loop.call_at(self._until, self._ring)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return  # nobody waits; the next wait arms
        if self._loop.time() < self._until:
            self._arm()
        else:
            self._waiter.set_exception(TimeoutError())

    # ------------------------------------------------------------------ asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass of it

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            cause = error.__context__ or error
            if not isinstance(cause, ProviderError):
                cause = ProviderError("malformed", "the answer is not HTTP/1.1")
            self._fail(cause)
            self.abort()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._is_complete:
            if self._has_head and exc is None and self._ends_with_connection():
                self._is_complete = True
            elif self._has_head:
                self._fail(ProviderError("truncated", "the connection broke within the answer"))
            else:
                self._fail(ProviderError("connect", "the provider hung up before it answered"))
        self._is_reusable = False
        self._disarm()
        self._wake()
        self._on_lost(self)

    def _fail(self, failure: ProviderError) -> None:
        self._failure = self._failure or failure

    def _ends_with_connection(self) -> bool:
        return "content-length" not in self.headers and "transfer-encoding" not in self.headers

    # ------------------------------------------------------------------ the parser calls these

    def on_message_begin(self) -> None:
        if self._is_complete:
            raise ProviderError("malformed", "a second answer to one question")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _MAX_HEAD_BYTES:
            raise ProviderError("malformed", f"the head has more than {_MAX_HEAD_BYTES} bytes")
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._has_head = self.status >= 200

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._buffered += len(body)
        if self._buffered > _HOLD_BACK_BYTES and not self._held_back and self._transport:
            self._held_back = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if not self._has_head:  # "100 Continue" and its like go before the answer
            self.headers = {}
            return
        self._is_complete = True
        self._is_reusable = self._is_reusable and self._parser.should_keep_alive()
