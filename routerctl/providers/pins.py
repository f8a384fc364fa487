"""Clients bound to checked addresses: resolve, check, connect there and nowhere else.

Between the check of a name and the connection to it, the name may come to mean another address.
So a client never resolves: it is pinned to one address that was checked. The name is resolved
again every minute, and at once when the address stops answering.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder

from routerctl.providers.errors import ProviderError
from routerctl.providers.origins import IPAddress, IPNetwork, Origin, safe_addresses

RESOLVE_EVERY_S = 60.0
_IDLE_CONNECTIONS = 256


class Pin:
    """The clients of one origin, all bound to one checked address of it.

    A client that is replaced is only let go: it lives until its calls in flight have ended.
    """

    def __init__(self, origin: Origin, roots: Sequence[bytes]) -> None:
        self.addresses: list[IPAddress] = []
        self.address: IPAddress | None = None
        self.stale_at = 0.0
        self._origin = origin
        self._roots = roots
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

    def client(self, connect_ms: int) -> Client:
        """A client is made for each limit: the HTTP library knows none per call."""
        client = self._clients.get(connect_ms)
        if client is None:
            client = self._clients[connect_ms] = self._new_client(connect_ms)
        return client

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    def _use(self, address: IPAddress) -> None:
        self.address = address
        self._clients = {}

    def _new_client(self, connect_ms: int) -> Client:
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
        for certificate in self._roots:
            builder = builder.add_root_certificate_pem(certificate)
        return builder.build()


class Pins:
    """The pins of all origins that were called."""

    def __init__(self, private: Sequence[IPNetwork], roots: Sequence[bytes]) -> None:
        self._private = tuple(private)
        self._roots = tuple(roots)
        self._pins: dict[Origin, Pin] = {}
        self._resolving: dict[Origin, asyncio.Task[Pin]] = {}

    async def close(self) -> None:
        """Cancel what is in flight and close all connections."""
        for task in list(self._resolving.values()):
            task.cancel()
        for pin in self._pins.values():
            await pin.close()
        self._pins.clear()

    async def get(self, origin: Origin, connect_ms: int) -> Pin:
        """The pin of `origin`, resolved in at most `connect_ms` when it is new.

        Raises ProviderError: blocked_origin, connect.
        """
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

    def _resolve_soon(self, origin: Origin) -> asyncio.Task[Pin]:
        task = self._resolving.get(origin)
        if task is None:
            task = self._resolving[origin] = asyncio.create_task(self._resolve(origin))
            task.add_done_callback(lambda done: self._resolved(origin, done))
        return task

    def _resolved(self, origin: Origin, task: asyncio.Task[Pin]) -> None:
        del self._resolving[origin]
        if not task.cancelled():
            task.exception()  # looked at, even when nobody waits for it

    async def _resolve(self, origin: Origin) -> Pin:
        pin = self._pins.get(origin)
        try:
            addresses = await safe_addresses(origin, self._private)
        except ProviderError as error:
            if pin is None or error.error_class == "blocked_origin":
                self._pins.pop(origin, None)
                raise
            addresses = pin.addresses  # the name server is away; these were checked
        if pin is None:
            pin = self._pins[origin] = Pin(origin, self._roots)
        pin.renew(addresses)
        return pin
