"""What ended while the database is away, on this machine's disk until it is stored.

One file for each process, with a record a line. A process that dies leaves its file to the next
one that starts here, which stores what is in it; records may be stored twice, because every call
of the ledger may be repeated. A last line that a crash cut off is not a record: its writer was
never told that it was kept.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

Record = tuple[bytes, tuple[str, bytes]]
"""A call of the ledger, and the trace id and the row for it. Rows hold no line break."""

BEGUN, END = b"begun", b"settle_unheld"
"""What stands for the call in the record of a request without a hold that has begun: its row is the
end that it has if its process dies. And the call of the end that it had."""


class Spool:
    """This process's file, and those that others left. Calls take as long as the disk does."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._path = folder / f"{os.getpid()}-{os.urandom(4).hex()}.spool"
        self._file = _locked(self._path, os.O_CREAT | os.O_EXCL)

    def add(self, records: Iterable[Record]) -> None:
        """Returns when they would survive a crash of the machine."""
        assert self._file is not None
        lines = [b"%b %b %b\n" % (call, id_.encode(), row) for call, (id_, row) in records]
        written = memoryview(b"".join(lines))
        while written:
            written = written[os.write(self._file, written) :]
        os.fsync(self._file)

    def clear(self) -> None:
        """All that was added is stored."""
        assert self._file is not None
        os.ftruncate(self._file, 0)

    def adopt(self) -> list[Record]:
        """What the dead have left, which now is this process's."""
        found: list[Record] = []
        taken: list[tuple[Path, int]] = []
        for path in sorted(self._folder.glob("*.spool")):
            if path == self._path or (file := _locked(path)) is None:
                continue
            taken.append((path, file))
            found += _records(path)
        if found:
            log.warning("spool_adopted", records=len(found))
            self.add(found)
        for path, file in taken:
            path.unlink(missing_ok=True)
            os.close(file)
        return found

    def close(self, *, empty: bool) -> None:
        """The end of this process; an `empty` file is of no use to anybody."""
        if self._file is not None:
            if empty:
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None


def ended(records: Iterable[Record]) -> list[Record]:
    """`records` of the dead, in which a request that had only begun ends as it said last that it
    would."""
    others, begun = [], {}
    for call, row in records:
        if call == BEGUN:
            begun[row[0]] = row
        else:
            others.append((call, row))
    over = {row[0] for call, row in others if call == END}
    return [*others, *((END, row) for id_, row in begun.items() if id_ not in over)]


def _locked(path: Path, flags: int = 0) -> int | None:
    """The file, open for appending, or None if somebody living has it."""
    try:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | flags, 0o600)
    except FileNotFoundError:  # somebody else has just adopted it
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _records(path: Path) -> list[Record]:
    found: list[Record] = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        with contextlib.suppress(ValueError):
            call, id_, row = line.split(b" ", 2)
            found.append((call, (id_.decode(), row)))
    return found
