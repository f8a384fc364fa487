"""A wire between a ledger and its database that a test can cut, mute or let answers vanish on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

_SOCKET = ".s.PGSQL.5432"


class Wire:
    """`url` is the database's, by way of this wire."""

    def __init__(self, url: str, directory: Path) -> None:
        parts = urlsplit(url)
        self._there = Path(parse_qs(parts.query)["host"][0]) / _SOCKET
        self._here = directory / _SOCKET
        self.url = urlunsplit(parts._replace(query=f"host={directory}"))
        self.answers_vanish = False
        self._loud = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        """Let connections come, and all pass."""
        self.answers_vanish = False
        self._loud.set()
        if self._server is None:
            self._server = await asyncio.start_unix_server(self._connected, self._here)

    def mute(self) -> None:
        """Let nothing pass until it is mended; connections stay open."""
        self._loud.clear()

    def cut(self) -> None:
        """End every connection, and let none come."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._here.unlink(missing_ok=True)
        for writer in self._open:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        there_reader, there_writer = await asyncio.open_unix_connection(self._there)
        self._open.add(there_writer)
        if writer.transport.is_closing():  # cut meanwhile
            there_writer.transport.abort()
        await asyncio.gather(
            self._carry(reader, there_writer, answers=False),
            self._carry(there_reader, writer, answers=True),
        )
        self._open -= {writer, there_writer}

    async def _carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._loud.wait()
                if not (answers and self.answers_vanish):
                    target.write(data)
                    await target.drain()
        target.close()


@contextlib.asynccontextmanager
async def wired(url: str, directory: Path) -> AsyncIterator[Wire]:
    """A whole wire to the database of `url`."""
    wire = Wire(url, directory)
    await wire.mend()
    try:
        yield wire
    finally:
        wire.cut()
