"""Larkfield's providers in simulated time: the scripted vendors' own bytes, and their weather.

`ScriptedUpstream` stands where the gateway's transport stands. What is said comes from
`routerctl.mock`, so adapters read what they always read; how long it takes and what goes wrong
comes from `Weather`.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from types import ModuleType
from urllib.parse import unquote, urlsplit

from routerctl.mock.reply import Ask, Reply, compose
from routerctl.mock.script import Script, read_script
from routerctl.mock.server import PATHS
from routerctl.providers.errors import ProviderError
from routerctl.providers.ports import UpstreamRequest
from routerctl.providers.transport import UpstreamResponse

Faults = tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Weather:
    """How a provider does at a moment: everything takes `slower` times as long, and each of
    `faults` happens to its share of the calls: a status, `connect`, `silent`, `stall` or `cut`."""

    slower: float = 1.0
    faults: Faults = ()

    def fault(self, random: Random) -> str:
        drawn = random.random()
        for share, name in self.faults:
            drawn -= share
            if drawn < 0:
                return name
        return ""


Forecast = Callable[[str, int], Weather]
"""The weather at a provider, by its slug and the milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`first_ms` until the first token on a fair day, `token_ms` for each."""

    first_ms: float
    token_ms: float


PACES = {
    "gpt-4o-mini-2024-07-18": Pace(340, 9),
    "gpt-4.1-2025-04-14": Pace(520, 14),
    "claude-sonnet-4-20250514": Pace(780, 15),
    "claude-3-5-haiku-20241022": Pace(430, 11),
    "gemini-2.5-flash": Pace(290, 6),
    "qwen3-8b": Pace(160, 22),
    "text-embedding-3-small": Pace(60, 0),
}
_NEVER_MS = float("inf")
_PIECES = 6
"""A stream comes in so many pieces: more would tell the same."""


class ScriptedUpstream:
    """All providers. `epoch_ms` is the time there, `random` decides what is left to chance."""

    def __init__(self, epoch_ms: Callable[[], int], random: Random, forecast: Forecast) -> None:
        self._epoch_ms = epoch_ms
        self._random = random
        self._forecast = forecast

    async def send(
        self,
        request: UpstreamRequest,
        *,
        connect_ms: int,
        first_byte_ms: int | None = None,
        total_ms: int,
    ) -> UpstreamResponse:
        """As `Transport.send`: the head comes when the answer is whole."""
        head_ms = total_ms if first_byte_ms is None else min(first_byte_ms, total_ms)
        played = await self._begun(request, connect_ms, head_ms)
        if played.silent_after:
            await _wait(_NEVER_MS, head_ms)
        if played.status == 200:
            await _wait(played.first_ms + played.rest_ms, head_ms)
        if played.cut_after:
            raise ProviderError("truncated", "the connection broke off")
        return UpstreamResponse(played.status, played.headers, b"".join(played.pieces))

    async def open(
        self, request: UpstreamRequest, *, connect_ms: int, first_byte_ms: int
    ) -> "ScriptedStream":
        """As `Transport.open`: the head comes with the first token."""
        played = await self._begun(request, connect_ms, first_byte_ms)
        if played.status == 200:
            await _wait(played.first_ms, first_byte_ms)
        return ScriptedStream(played)

    async def _begun(self, request: UpstreamRequest, connect_ms: int, head_ms: int) -> "_Played":
        path = unquote(urlsplit(request.url).path)
        provider = path.strip("/").partition("/")[0]
        weather = self._forecast(provider, self._epoch_ms())
        fault = weather.fault(self._random)
        if fault == "connect":
            await asyncio.sleep(0.002)
            raise ProviderError("connect", f"no connection to {provider} in {connect_ms} ms")
        if fault == "silent":
            await _wait(_NEVER_MS, head_ms)
        call = _Call(path, request.body)
        if fault.isdigit():
            await asyncio.sleep(self._random.uniform(0.04, 0.4))
            return call.failed(int(fault), self._name())
        pace = PACES.get(call.model, Pace(400, 12))
        slower = weather.slower * self._random.lognormvariate(0, 0.28)
        script = replace(read_script(call.model, call.asked), words=self._length(call.asked))
        return call.answered(script, fault, self._name(), pace, slower)

    def _length(self, asked: str) -> int:
        """How much is written: more when more was asked."""
        return max(6, int(self._random.lognormvariate(4.2, 0.5) + len(asked) ** 0.5 / 2))

    def _name(self) -> str:
        return self._random.randbytes(6).hex()


@dataclass(frozen=True, slots=True)
class _Played:
    """An answer and its times: `first_ms` until it begins, `rest_ms` until it has ended, and the
    piece, from 1, after which a stream falls silent or breaks off."""

    status: int
    headers: dict[str, str]
    pieces: tuple[bytes, ...]
    first_ms: float = 0
    rest_ms: float = 0
    silent_after: int = 0
    cut_after: int = 0


class _Call:
    """What a provider understands of a request."""

    def __init__(self, path: str, body: bytes) -> None:
        self._body = json.loads(body)
        self._wire, self._operation, path_model = _spoken(path)
        self._path_model = path_model
        self._ask: Ask | None = None
        if self._operation == "embeddings":
            self.model, self.asked = path_model or self._body["model"], ""
            return
        ask: Ask = self._wire.read(path_model, self._body)
        self._ask = replace(ask, stream=True) if self._operation == "stream" else ask
        self.model, self.asked = ask.model, ask.last_user_text

    def failed(self, status: int, name: str) -> _Played:
        headers = {"content-type": "application/json", "x-request-id": f"req_{name}"}
        if status == 429:
            headers["retry-after"] = "12"
        told = self._wire.error(status, "", _COMPLAINTS.get(status, "Internal error."))
        return _Played(status, headers, (json.dumps(told).encode(),))

    def answered(self, script: Script, fault: str, name: str, pace: Pace, slower: float) -> _Played:
        headers = {"content-type": "application/json", "x-request-id": f"req_{name}"}
        first_ms = pace.first_ms * slower
        if self._ask is None:
            told = self._wire.embeddings(self._path_model, self._body)
            return _Played(200, headers, (json.dumps(told).encode(),), first_ms)
        number = int(name, 16) % 100_000_000
        reply: Reply = compose(self._ask, script)
        rest_ms = reply.output_tokens * pace.token_ms * slower
        if self._ask.stream:
            headers["content-type"] = "text/event-stream"
            pieces = _in_pieces(list(self._wire.events(self._ask, reply, number)))
        else:
            pieces = (json.dumps(self._wire.whole(self._ask, reply, number)).encode(),)
        broken = max(1, len(pieces) // 2)
        return _Played(
            200,
            headers,
            pieces,
            first_ms,
            rest_ms,
            silent_after=broken if fault == "stall" else 0,
            cut_after=broken if fault == "cut" else 0,
        )


_COMPLAINTS = {
    429: "Rate limit reached for requests per minute.",
    503: "The model is overloaded. Please try again later.",
    529: "Overloaded",
}


def _spoken(path: str) -> tuple[ModuleType, str, str]:
    for pattern, wire, operation in PATHS:
        found = pattern.fullmatch(path)
        if found:
            return wire, operation, found.groupdict().get("model") or ""
    raise ValueError(f"no vendor speaks {path}")


def _in_pieces(events: list[bytes]) -> tuple[bytes, ...]:
    size = max(1, -(-len(events) // _PIECES))
    return tuple(b"".join(events[i : i + size]) for i in range(0, len(events), size))


async def _wait(takes_ms: float, patience_ms: float) -> None:
    """Wait for an answer's head, as long as the caller has patience."""
    await asyncio.sleep(min(takes_ms, patience_ms) / 1000)
    if takes_ms > patience_ms:
        raise ProviderError("timeout", f"no answer in {patience_ms:.0f} ms")


class ScriptedStream:
    """As `transport.UpstreamStream`."""

    def __init__(self, played: _Played) -> None:
        self.status = played.status
        self.headers = played.headers
        self._played = played
        self._read = 0

    async def read(self, timeout_ms: float) -> bytes | None:
        played, number = self._played, self._read
        if number and number == played.silent_after:
            await asyncio.sleep(timeout_ms / 1000)
            raise ProviderError("stalled", f"nothing came for {timeout_ms:.0f} ms")
        if number and number == played.cut_after:
            raise ProviderError("truncated", "the connection broke off")
        if number == len(played.pieces):
            return None
        if number:
            await self._next_piece(timeout_ms)
        self._read += 1
        return played.pieces[number]

    async def _next_piece(self, timeout_ms: float) -> None:
        takes_ms = self._played.rest_ms / len(self._played.pieces)
        await asyncio.sleep(min(takes_ms, timeout_ms) / 1000)
        if takes_ms > timeout_ms:
            raise ProviderError("stalled", f"nothing came for {timeout_ms:.0f} ms")

    async def rest(self, timeout_ms: float) -> bytes:  # noqa: ARG002  # all of it is here
        return b"".join(self._played.pieces)

    async def close(self) -> None:
        """Nothing is open."""
