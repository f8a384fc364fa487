"""Connections to checked addresses: resolve, check, connect there and nowhere else.

Between the check of a name and the connection to it, the name may come to mean another address.
So connections go to an address that was checked, and TLS still asks for the name. The name is
resolved again every minute, and at once when the address stops answering.
"""

import asyncio
import ssl
import time
from collections.abc import Sequence

from routerctl.providers.connection import Connection
from routerctl.providers.errors import ProviderError
from routerctl.providers.origins import IPAddress, IPNetwork, Origin, safe_addresses

RESOLVE_EVERY_S = 60.0
MAX_IDLE = 256
IDLE_S = 30.0
"""Idle connections are given up before the providers' side does, so that a request hardly ever
crosses with a hang-up."""


class Pin:
    """One origin: its checked addresses, the one in use, and the open connections to it."""

    def __init__(self, origin: Origin, tls: ssl.SSLContext) -> None:
        self.addresses: list[IPAddress] = []
        self.stale_at = 0.0
        self._origin = origin
        self._tls = tls if origin.scheme == "https" else None
        self._address: IPAddress | None = None
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []

    def renew(self, addresses: list[IPAddress]) -> None:
        """The host has these addresses now, all checked."""
        self.addresses = addresses
        self.stale_at = time.monotonic() + RESOLVE_EVERY_S
        if self._address not in addresses:
            self._use(addresses[0])

    async def connection(self, connect_ms: int) -> Connection:
        """An idle connection, or a new one. Raises ProviderError connect."""
        while self._idle:
            connection = self._idle.pop()
            is_fresh = time.monotonic() - connection.idle_since < IDLE_S
            if is_fresh and connection.may_be_used_again:
                return connection
            connection.abort()
        address = self._address
        try:
            async with asyncio.timeout(connect_ms / 1000):
                return await self._connect(address)
        except TimeoutError:
            cause = f"no connection in {connect_ms} ms"
        except ssl.SSLError as error:
            cause = f"TLS failed: {error.reason or error}"
        except OSError as error:
            cause = error.strerror or "no connection"
        self._move_on(address)
        raise ProviderError("connect", cause)

    def release(self, connection: Connection) -> None:
        """The exchange is over: keep the connection if it can serve another one."""
        if not connection.may_be_used_again or len(self._idle) >= MAX_IDLE:
            connection.abort()
            return
        connection.idle_since = time.monotonic()
        self._idle.append(connection)
        if connection.idle_since - self._idle[0].idle_since > IDLE_S:
            self._idle.pop(0).abort()

    def close(self) -> None:
        """Hang up on all calls in flight."""
        for connection in list(self._open):
            connection.abort()

    async def _connect(self, address: IPAddress | None) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._lost),
            str(address),
            self._origin.port,
            ssl=self._tls,
            server_hostname=self._origin.host if self._tls else None,
        )
        self._open.add(connection)
        return connection

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def _move_on(self, address: IPAddress | None) -> None:
        """`address` does not answer: use the next one, and ask the name server again soon."""
        self.stale_at = 0.0
        if address == self._address and address in self.addresses:
            after = self.addresses.index(address) + 1
            self._use(self.addresses[after % len(self.addresses)])

    def _use(self, address: IPAddress) -> None:
        if address != self._address:
            self._address = address
            for connection in self._idle[:]:
                connection.abort()
            self._idle.clear()


class Pins:
    """The pins of all origins that were called."""

    def __init__(self, private: Sequence[IPNetwork], tls: ssl.SSLContext) -> None:
        self._private = tuple(private)
        self._tls = tls
        self._pins: dict[Origin, Pin] = {}
        self._resolving: dict[Origin, asyncio.Task[Pin]] = {}

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

    def close(self) -> None:
        """Hang up on all calls in flight and close all connections."""
        for task in list(self._resolving.values()):
            task.cancel()
        for pin in self._pins.values():
            pin.close()
        self._pins.clear()

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
            pin = self._pins[origin] = Pin(origin, self._tls)
        pin.renew(addresses)
        return pin
