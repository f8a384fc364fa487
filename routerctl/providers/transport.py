"""The one upstream transport: bytes to a provider and bytes back, whole or as a stream.

`Transport.send` returns a whole response, `Transport.open` a stream; whatever goes wrong is a
ProviderError. Redirects are not followed, proxies and cookies not used, bodies not unpacked:
what an adapter wrote is what the provider reads. `origins` says where calls may go; a client is
pinned to an address which was checked, and the host is resolved again every minute.

pyreqwest does the HTTP: beside aiohttp it takes a third of the time per call (23 µs against 65),
streams at the same price, keeps a connection when a stream is closed after its last byte, and
drops the connection at once when a call is cancelled.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec import Struct
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import DecodeError, DetailedPyreqwestError, PyreqwestError, ReadError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from routerctl.providers.deadline import Deadline
from routerctl.providers.errors import ProviderError
from routerctl.providers.origins import (
    IPAddress,
    IPNetwork,
    Origin,
    parse_origin,
    safe_addresses,
)
from routerctl.providers.ports import UpstreamRequest

RESOLVE_EVERY_S = 60.0
MAX_BODY_BYTES = 32 * 1024 * 1024
_WHOLE_BUFFER = 64 * 1024
_IDLE_CONNECTIONS = 256


class UpstreamResponse(Struct, frozen=True):
    """`headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class UpstreamStream:
    """An answer whose head is here and whose body is still coming. `close` it in the end."""

    __slots__ = ("_closed", "_deadline", "_reader", "_request", "headers", "status")

    def __init__(self, request: StreamRequest, response: Response, deadline: Deadline) -> None:
        self.status: int = response.status
        self.headers: Mapping[str, str] = dict(response.headers)
        self._request = request
        self._reader = response.body_reader
        self._deadline = deadline
        self._closed = False

    async def read(self, timeout_ms: float) -> bytes | None:
        """The next bytes as they come; None at the end.

        Raises ProviderError: stalled when nothing comes for `timeout_ms`, truncated when the
        connection breaks.
        """
        try:
            chunk = await self._deadline.wait(self._reader.read_chunk(), timeout_ms)
        except TimeoutError:
            raise ProviderError("stalled", f"nothing came for {timeout_ms:.0f} ms") from None
        except PyreqwestError as error:
            raise ProviderError("truncated", _cause(error)) from None
        return None if chunk is None else bytes(chunk)

    async def rest(self, timeout_ms: float, limit: int = MAX_BODY_BYTES) -> bytes:
        """All that is still to come.

        Raises ProviderError: timeout when it is not here after `timeout_ms`, truncated when the
        connection breaks, malformed when it is more than `limit` bytes.
        """
        until = time.monotonic() + timeout_ms / 1000
        parts: list[bytes] = []
        size = 0
        try:
            while (chunk := await self.read(max(1, (until - time.monotonic()) * 1000))) is not None:
                parts.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise ProviderError("malformed", f"the body has more than {limit} bytes")
        except ProviderError as error:
            if error.error_class != "stalled":
                raise
            raise ProviderError("timeout", f"no whole answer in {timeout_ms:.0f} ms") from None
        return b"".join(parts)

    async def close(self) -> None:
        """Let go of the answer; what has not come yet is cancelled. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._deadline.stop()
        await self._request.__aexit__(None, None, None)


class Transport:
    """Shared by all calls of one event loop.

    `private_origins` are the networks of our own in which providers may live;
    `root_certificates` (PEM) are trusted beside the usual ones.
    """

    def __init__(
        self, private_origins: Sequence[IPNetwork] = (), root_certificates: Sequence[bytes] = ()
    ) -> None:
        self._private = tuple(private_origins)
        self._roots = tuple(root_certificates)
        self._pins: dict[Origin, _Pin] = {}
        self._resolving: dict[Origin, asyncio.Task[_Pin]] = {}

    async def send(
        self,
        request: UpstreamRequest,
        *,
        connect_ms: int,
        first_byte_ms: int | None = None,
        total_ms: int,
    ) -> UpstreamResponse:
        """The whole response to `request`, whatever its status.

        Raises ProviderError: blocked_origin, connect (nothing was answered: no address, no
        connection, no TLS, or a reset before the head), timeout, truncated, malformed.
        """
        began = time.monotonic()
        # With a limit on the first byte the head must be seen at once; else both in one go.
        buffer = _WHOLE_BUFFER if first_byte_ms is None else 0
        head_ms = total_ms if first_byte_ms is None else min(first_byte_ms, total_ms)
        stream = await self._open(request, connect_ms, head_ms, buffer)
        try:
            body = await stream.rest(max(1, total_ms - (time.monotonic() - began) * 1000))
        finally:
            await stream.close()
        return UpstreamResponse(stream.status, stream.headers, body)

    async def open(
        self, request: UpstreamRequest, *, connect_ms: int, first_byte_ms: int
    ) -> UpstreamStream:
        """The response to `request` once its head has come.

        Raises ProviderError: blocked_origin, connect, timeout, malformed.
        """
        return await self._open(request, connect_ms, first_byte_ms, 0)

    async def close(self) -> None:
        """Cancel what is in flight and close all connections."""
        for task in list(self._resolving.values()):
            task.cancel()
        for pin in self._pins.values():
            await pin.close()
        self._pins.clear()

    async def _open(
        self, request: UpstreamRequest, connect_ms: int, head_ms: float, buffer: int
    ) -> UpstreamStream:
        pin = await self._pin(parse_origin(request.url), connect_ms)
        address = pin.address
        upstream = _build(pin.client(connect_ms, self._roots), request, buffer)
        deadline = Deadline()
        try:
            response = await deadline.wait(upstream.__aenter__(), head_ms)
        except BaseException as error:
            deadline.stop()
            if isinstance(error, TimeoutError) and not isinstance(error, PyreqwestError):
                raise ProviderError("timeout", f"no answer in {head_ms:.0f} ms") from None
            if not isinstance(error, PyreqwestError):
                raise
            failure = _failure(error)
            if failure.error_class == "connect":
                pin.move_on(address)
            raise failure from None
        return UpstreamStream(upstream, response, deadline)

    # ------------------------------------------------------------------ addresses

    async def _pin(self, origin: Origin, connect_ms: int) -> "_Pin":
        pin = self._pins.get(origin)
        if pin is None:
            task = self._resolve_soon(origin)
            try:
                return await asyncio.wait_for(asyncio.shield(task), connect_ms / 1000)
            except TimeoutError:
                raise ProviderError("connect", "the host did not resolve in time") from None
        if pin.stale_at < time.monotonic():
            # The address in use was checked, so it serves until the answer is here.
            self._resolve_soon(origin)
        return pin

    def _resolve_soon(self, origin: Origin) -> "asyncio.Task[_Pin]":
        task = self._resolving.get(origin)
        if task is None:
            task = self._resolving[origin] = asyncio.create_task(self._resolve(origin))
            task.add_done_callback(lambda done: self._resolved(origin, done))
        return task

    def _resolved(self, origin: Origin, task: "asyncio.Task[_Pin]") -> None:
        del self._resolving[origin]
        if not task.cancelled():
            task.exception()  # looked at, even when nobody waits for it

    async def _resolve(self, origin: Origin) -> "_Pin":
        pin = self._pins.get(origin)
        try:
            addresses = await safe_addresses(origin, self._private)
        except ProviderError as error:
            if pin is None or error.error_class == "blocked_origin":
                self._pins.pop(origin, None)
                raise
            addresses = pin.addresses  # the name server is away; these were checked
        if pin is None:
            pin = self._pins[origin] = _Pin(origin)
        pin.renew(addresses)
        return pin


class _Pin:
    """The clients of one origin, all bound to one checked address of it.

    A client that is replaced is only let go: it lives until its calls in flight have ended.
    """

    def __init__(self, origin: Origin) -> None:
        self.addresses: list[IPAddress] = []
        self.address: IPAddress | None = None
        self.stale_at = 0.0
        self._origin = origin
        self._clients: dict[int, Client] = {}

    def renew(self, addresses: list[IPAddress]) -> None:
        self.addresses = addresses
        self.stale_at = time.monotonic() + RESOLVE_EVERY_S
        if self.address not in addresses:
            self._use(addresses[0])

    def move_on(self, address: IPAddress | None) -> None:
        """`address` does not answer: use the next one, and ask the name server again soon."""
        self.stale_at = 0.0
        if address == self.address and len(self.addresses) > 1 and address in self.addresses:
            after = self.addresses.index(address) + 1
            self._use(self.addresses[after % len(self.addresses)])

    def client(self, connect_ms: int, roots: Sequence[bytes]) -> Client:
        client = self._clients.get(connect_ms)
        if client is None:
            client = self._clients[connect_ms] = self._new_client(connect_ms, roots)
        return client

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    def _use(self, address: IPAddress) -> None:
        self.address = address
        self._clients = {}

    def _new_client(self, connect_ms: int, roots: Sequence[bytes]) -> Client:
        builder = (
            ClientBuilder()
            .resolve(self._origin.host, str(self.address), self._origin.port)
            .connect_timeout(timedelta(milliseconds=connect_ms))
            .follow_redirects(False)
            .no_proxy()
            .referer(False)
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .default_headers({"accept-encoding": "identity"})
            .user_agent("routerctl")
            .pool_max_idle_per_host(_IDLE_CONNECTIONS)
        )
        for certificate in roots:
            builder = builder.add_root_certificate_pem(certificate)
        return builder.build()


def _build(client: Client, request: UpstreamRequest, buffer: int) -> StreamRequest:
    try:
        return (
            client.post(request.url)
            .headers(request.headers)
            .body_bytes(request.body)
            .streamed_read_buffer_limit(buffer)
            .build_streamed()
        )
    except ValueError:
        # The one header that people type is the secret.
        raise ProviderError("auth", "the secret cannot be sent in a header") from None


def _failure(error: PyreqwestError) -> ProviderError:
    """What it means that a call ended before its head (and the buffered body) was here."""
    if isinstance(error, ReadError):
        return ProviderError("truncated", _cause(error))
    if isinstance(error, DecodeError):
        return ProviderError("malformed", _cause(error))
    return ProviderError("connect", _cause(error))


def _cause(error: PyreqwestError) -> str:
    """The innermost cause; the outer ones repeat the URL."""
    if isinstance(error, DetailedPyreqwestError) and (causes := error.details["causes"]):
        return causes[-1]["message"]
    return error.message
