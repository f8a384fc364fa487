"""Serving: one listening socket, workers that drain before they end, and a parent that replaces
those that die.

The parent forks its workers, so that they share its memory and one socket. They hold the reading
end of a pipe whose writing end only the parent has: when the parent dies in any way, even by
`kill -9`, they read its end and drain too. Nothing goes on serving alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

import structlog
import uvicorn
from uvicorn._types import ASGI3Application
from uvicorn.config import STARTUP_FAILURE

log = structlog.get_logger(__name__)

BACKLOG = 2048
UNREAD_MS = 60_000
"""A connection whose other end takes nothing for so long is dropped with what waits in it."""
WAITED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
STREAMS_END_S = 30
"""How long open streams may go on after the signal to end; then they are cancelled."""
PATIENCE_S = 90
"""How long a worker may take to end in all: its streams, its settlements, its goodbye."""
SHORTEST_LIFE_S = 1.0
"""A worker that died sooner is replaced only after a pause of this length."""

Load = Callable[[], tuple[ASGI3Application, Callable[[], Awaitable[None]]]]
"""Loads, inside the worker, the application and the coroutine that ends its readiness."""


class CannotListen(Exception):
    """The address cannot be had; the message is one line that says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` and `port` (0: any free one). Raises CannotListen."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotListen(_why_not(host, port, error)) from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # what it accepts inherits this
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == 98:
        return f"Port {port} on {host} is taken: stop what uses it or choose another --port."
    return f"{host}:{port} cannot be listened on: {error.strerror or error}."


def work(listener: socket.socket, load: Load, lifeline: int | None = None) -> None:
    """Serve in this process until a signal, or the end of `lifeline`, says to end; then drain.

    Exits with STARTUP_FAILURE when the application does not start.
    """
    application, drain = load()
    rest_the_collector()
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=STREAMS_END_S,
    )
    _Server(config, drain, lifeline).run(sockets=[listener])


def rest_the_collector() -> None:
    """Spare requests the search for cycles among all that was loaded.

    What a request makes dies by its count, so the collector finds next to nothing; but requests
    that wait side by side outlive its youngest generations, and each look at the oldest one holds
    up everybody for ten milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


class _Server(uvicorn.Server):
    """uvicorn, ended by us: it stops being ready first, and is never in a hurry."""

    def __init__(
        self, config: uvicorn.Config, drain: Callable[[], Awaitable[None]], lifeline: int | None
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._lifeline = lifeline

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        if self._lifeline is not None:
            loop.add_reader(self._lifeline, self._end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WAITED)
        yield

    def _end(self) -> None:
        if self._lifeline is not None:
            asyncio.get_running_loop().remove_reader(self._lifeline)
            self._lifeline = None
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._drain()
        await super().shutdown(sockets)


class Supervisor:
    """Keeps `count` workers running until it is told to end."""

    def __init__(
        self, listener: socket.socket, load: Load, count: int, buried: Callable[[int], None]
    ) -> None:
        """`buried` is called with the process number of every worker that has ended."""
        self._listener = listener
        self._load = load
        self._count = count
        self._buried = buried
        self._lifeline, self._lifeline_end = os.pipe()
        self._born: dict[int, float] = {}
        self._kill_at: float | None = None
        self._failed = False

    def run(self) -> int:
        """Returns the exit code, 0 when all workers drained after a signal."""
        # A worker inherits this, and listens to signals when it can answer them.
        signal.pthread_sigmask(signal.SIG_BLOCK, WAITED)
        for _ in range(self._count):
            self._fork()
        while self._born:
            received = signal.sigtimedwait(WAITED, 1.0)
            if received is not None and received.si_signo != signal.SIGCHLD:
                self._end()
            for pid, code in _ended():
                self._bury(pid, code)
            if self._kill_at is not None and time.monotonic() > self._kill_at:
                self._tell(signal.SIGKILL)
        return 1 if self._failed else 0

    def _fork(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self._born[pid] = time.monotonic()
            return
        code = STARTUP_FAILURE
        try:
            os.close(self._lifeline_end)
            work(self._listener, self._load, self._lifeline)
            code = 0
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else STARTUP_FAILURE
        finally:
            os._exit(code)  # what the parent has yet to clean up is not the worker's

    def _bury(self, pid: int, code: int) -> None:
        lived_s = time.monotonic() - self._born.pop(pid)
        self._buried(pid)
        if self._kill_at is not None:
            self._failed |= code != 0
            return
        log.error("worker.died", pid=pid, code=code, lived_s=round(lived_s, 1))
        if code == STARTUP_FAILURE:
            self._failed = True
            self._end()
            return
        time.sleep(max(0.0, SHORTEST_LIFE_S - lived_s))
        self._fork()

    def _end(self) -> None:
        if self._kill_at is None:
            self._listener.close()
            self._kill_at = time.monotonic() + PATIENCE_S
            self._tell(signal.SIGTERM)

    def _tell(self, number: signal.Signals) -> None:
        for pid in self._born:
            os.kill(pid, number)


def _ended() -> Iterator[tuple[int, int]]:
    """(process number, exit code or minus the signal) of every child that has ended."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            yield pid, os.waitstatus_to_exitcode(status)
