"""Who still uses the embedded servers: a shared file lock for each living process.

The kernel lets go of the lock of a process that dies in any way, so nobody has to be believed.
A process that ends tries to turn its lock into an exclusive one; only the last one can, and it
stops the servers.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from routerctl.embedded.place import EmbeddedServerError


@contextmanager
def one_at_a_time(data_dir: Path) -> Iterator[None]:
    """Hold the data directory's start lock; makes the directory when it is missing."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = _open(data_dir / "starting.lock")
    except OSError as error:
        raise EmbeddedServerError(f"{data_dir} cannot be used: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Living:
    """This process among those that use one data directory's servers."""

    _joined: dict[Path, Living] = {}

    def __init__(self, data_dir: Path, when_last_ends: Callable[[], None]) -> None:
        self._path = data_dir / "living.lock"
        self._when_last_ends = when_last_ends
        self._lock()
        atexit.register(self._leave)
        os.register_at_fork(after_in_child=self._lock)

    @classmethod
    def join(cls, data_dir: Path, when_last_ends: Callable[[], None]) -> None:
        """Count as living until this process ends. Waits for a last one that is just stopping
        the servers. Joining again does nothing."""
        if data_dir not in cls._joined:
            cls._joined[data_dir] = cls(data_dir, when_last_ends)
            _end_properly_on_signals()

    def _lock(self) -> None:
        """Also in a forked child, whose inherited lock would be its parent's own."""
        self._owner = os.getpid()
        self._descriptor = _open(self._path)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def _leave(self) -> None:
        if os.getpid() != self._owner:
            return
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # somebody else lives, and will be asked the same at its end
        self._when_last_ends()


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _end_properly_on_signals() -> None:
    """A command that is told to end leaves like one that finished, unless it has its own way."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _exit)


def _exit(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
