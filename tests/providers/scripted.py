"""A scripted provider over a real socket: says what it is told to, keeps what it heard."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

Writer = asyncio.StreamWriter


@dataclass
class Heard:
    """One request as the provider received it."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        parsed = msgspec.json.decode(self.body)
        assert isinstance(parsed, dict)
        return parsed


@dataclass
class Reply:
    """`body` goes with a length; `chunks` go one write each. `cut` ends the connection without
    the end of the body, `silent` keeps it open and says nothing more, `mute` says nothing."""

    status: int = 200
    body: bytes = b""
    chunks: Sequence[bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    gap_s: float = 0.0
    delay_s: float = 0.0
    cut: bool = False
    silent: bool = False
    mute: bool = False


@dataclass
class Scripted:
    """Answers with the next of `replies`; the last one is repeated. `connections` counts all
    that were opened, `live` those that are open."""

    replies: list[Reply] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    live: int = 0
    port: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, *replies: Reply) -> None:
        self.replies = list(replies)

    @property
    def last(self) -> Heard:
        return self.heard[-1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def until(self, condition: Callable[["Scripted"], bool], within_s: float = 5.0) -> None:
        """Wait until `condition` holds. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        self.connections += 1
        self.live += 1
        try:
            while heard := await _read(reader):
                self.heard.append(heard)
                self._changed.set()
                reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                if not await _answer(reply, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, RuntimeError):
            pass  # the client went away; RuntimeError is how uvloop says it
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()
            self.live -= 1
            self._changed.set()


async def _read(reader: asyncio.StreamReader) -> Heard | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    request, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(request.split(" ")[1], headers, body)


async def _answer(reply: Reply, reader: asyncio.StreamReader, writer: Writer) -> bool:
    """Whether the connection may serve another request."""
    if reply.mute:
        await reader.read(1)  # until the client goes away
        return False
    await asyncio.sleep(reply.delay_s)
    headers = {"content-type": "application/json", **reply.headers}
    if reply.chunks is None:
        headers["content-length"] = str(len(reply.body))
    else:
        headers["transfer-encoding"] = "chunked"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {reply.status} Scripted\r\n{lines}\r\n".encode())
    if reply.chunks is None:
        writer.write(reply.body)
    for chunk in reply.chunks or ():
        writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        await writer.drain()
        if reply.gap_s:
            await asyncio.sleep(reply.gap_s)
    if reply.silent:
        await reader.read(1)
    if reply.cut or reply.silent:
        return False
    if reply.chunks is not None:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


@asynccontextmanager
async def provider(
    *replies: Reply, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Scripted]:
    """A provider that says `replies`, for as long as the block lasts."""
    scripted = Scripted(list(replies) or [Reply()])
    async with listening(scripted.serve, tls, host) as port:
        scripted.port = port
        yield scripted


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, Writer], Awaitable[None]],
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
) -> AsyncIterator[int]:
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        # The client went away, or the test is over: asyncio's streams take a cancelled server for
        # a broken one, and say so in the log.
        with suppress(asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)
        talks.discard(task)

    server = await asyncio.start_server(talk, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks)
