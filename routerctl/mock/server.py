"""The ASGI application of the scripted providers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import replace
from types import ModuleType
from typing import Any
from urllib.parse import unquote

from routerctl.mock import anthropic, gemini, openai
from routerctl.mock.reply import Ask, compose
from routerctl.mock.script import Script, read_script

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

REMEMBERED = 100_000
SECRET_HEADERS = frozenset({"api-key", "authorization", "x-api-key", "x-goog-api-key"})
NEVER_S = 3600
PAGE = b"<html><head><title>Bad gateway</title></head><body>Nobody is here.</body></html>"

# The wire format, its operation, and the model where the path names it.
PATHS: tuple[tuple[re.Pattern[str], ModuleType, str], ...] = (
    (re.compile(r".*/deployments/(?P<model>[^/]+)/chat/completions"), openai, "chat"),
    (re.compile(r".*/deployments/(?P<model>[^/]+)/embeddings"), openai, "embeddings"),
    (re.compile(r".*/chat/completions"), openai, "chat"),
    (re.compile(r".*/embeddings"), openai, "embeddings"),
    (re.compile(r".*/messages"), anthropic, "chat"),
    (re.compile(r".*/models/(?P<model>.+):generateContent"), gemini, "chat"),
    (re.compile(r".*/models/(?P<model>.+):streamGenerateContent"), gemini, "stream"),
    (re.compile(r".*/models/(?P<model>.+):batchEmbedContents"), gemini, "embeddings"),
)


class Providers:
    """All scripted providers of this process, and what they were called for."""

    def __init__(self) -> None:
        self.calls: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
        self._count = 0
        self._of_model: Counter[str] = Counter()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path, method = unquote(scope["path"]), scope["method"]
        if path == "/calls":
            await self._control(method, send)
            return
        body = await _body(receive)
        for pattern, wire, operation in PATHS:
            if (found := pattern.fullmatch(path)) and method == "POST":
                call = _Call(scope, receive, send, body)
                await self._serve(call, wire, operation, found.groupdict().get("model") or "")
                return
        await _json(send, 404, {"error": f"{method} {path} is spoken by no provider here."})

    async def _control(self, method: str, send: Send) -> None:
        if method == "DELETE":
            self.calls.clear()
            self._of_model.clear()
        await _json(send, 200, list(self.calls))

    async def _serve(self, call: _Call, wire: ModuleType, operation: str, path_model: str) -> None:
        body = json.loads(call.body)
        self._count += 1
        if operation == "embeddings":
            model = path_model or body.get("model", "")
            self._remember(call, model, body)
            script = self._script(call, model, "")
            if not await _fault(call, wire, script):
                await _json(call.send, 200, wire.embeddings(path_model, body))
            return
        ask: Ask = wire.read(path_model, body)
        if operation == "stream":
            ask = replace(ask, stream=True)
        self._remember(call, ask.model, body)
        script = self._script(call, ask.model, ask.last_user_text)
        if await _fault(call, wire, script):
            return
        reply = compose(ask, script)
        if ask.stream:
            await _stream(call, wire, script, wire.events(ask, reply, self._count))
        else:
            await _whole(call, script, wire.whole(ask, reply, self._count), self._count)

    def _script(self, call: _Call, model: str, last_user_text: str) -> Script:
        self._of_model[model] += 1
        script = read_script(model, last_user_text)
        applies = script.applies(call.provider, self._of_model[model])
        return script if applies else script.without_faults()

    def _remember(self, call: _Call, model: str, body: Any) -> None:
        call.record |= {"model": model, "body": body}
        self.calls.append(call.record)


class _Call:
    """One request. Credentials are known by their hash alone. `record` is what is told of it;
    `hung_up` in it is whether the caller left while the script made it wait."""

    def __init__(self, scope: Message, receive: Receive, send: Send, body: bytes) -> None:
        self.path = unquote(scope["path"])
        self.provider = self.path.strip("/").partition("/")[0]
        self.body = body
        self.receive = receive
        self.send = send
        received = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        headers = {k: _hashed(v) if k in SECRET_HEADERS else v for k, v in received.items()}
        self._credentials = [received[name] for name in SECRET_HEADERS & received.keys()]
        self.record: dict[str, Any] = {
            "provider": self.provider, "path": self.path, "headers": headers, "hung_up": False,
        }  # fmt: skip

    def complaint(self, script: Script, sentence: str) -> str:
        """An error's message."""
        quoted = f" You sent {self._credentials} with {self.body.decode()}" if script.quote else ""
        return sentence + quoted

    async def pause(self, seconds: float) -> bool:
        """Wait; True when the client has gone meanwhile."""
        if seconds <= 0:
            return False
        try:
            await asyncio.wait_for(self._gone(), seconds)
        except TimeoutError:
            return False
        self.record["hung_up"] = True
        return True

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


def _hashed(value: str) -> str:
    secret = value.removeprefix("Bearer ").encode("latin-1")
    return "sha256:" + hashlib.sha256(secret).hexdigest()[:16]


async def _fault(call: _Call, wire: ModuleType, script: Script) -> bool:
    """Whether the call has ended before an answer began, because the script wants it so."""
    if script.silent:
        await call.pause(NEVER_S)
        return True
    if await call.pause(script.latency / 1000):
        return True
    if script.empty:
        await call.send(_start(200, "application/json", {"content-length": "0"}))
        await call.send({"type": "http.response.body", "body": b""})
        return True
    if script.status == 200:
        return False
    if script.page:
        await call.send(_start(script.status, "text/html", {"content-length": str(len(PAGE))}))
        await call.send({"type": "http.response.body", "body": PAGE})
        return True
    headers = {"retry-after": str(script.retry_after)} if script.retry_after else {}
    told = call.complaint(script, f"Scripted failure with status {script.status}.")
    await _json(call.send, script.status, wire.error(script.status, script.code, told), headers)
    return True


async def _whole(call: _Call, script: Script, data: Any, number: int) -> None:
    body = json.dumps(data).encode()
    half = body[: len(body) // 2]
    headers = {"x-request-id": f"req_mock{number:08d}", "content-length": str(len(body))}
    if script.broken:
        headers["content-length"], body = str(len(half)), half
    await call.send(_start(200, "application/json", headers))
    if script.stall or script.cut:
        await call.send({"type": "http.response.body", "body": half, "more_body": True})
        if script.stall:
            await call.pause(NEVER_S)
        return  # the server closes a connection whose answer was not ended
    await call.send({"type": "http.response.body", "body": body})


async def _stream(call: _Call, wire: ModuleType, script: Script, events: Iterator[bytes]) -> None:
    await call.send(_start(200, "text/event-stream"))
    if await call.pause(script.first / 1000):
        return
    for number, event in enumerate(_spoiled(call, wire, script, list(events)), start=1):
        if number > 1 and await call.pause(script.gap / 1000):
            return
        await call.send({"type": "http.response.body", "body": event, "more_body": True})
        if number == script.stall:
            await call.pause(NEVER_S)
        if number in (script.stall, script.cut):
            return  # the server closes a connection whose answer was not ended
    await call.send({"type": "http.response.body", "body": b""})


def _spoiled(call: _Call, wire: ModuleType, script: Script, events: list[bytes]) -> list[bytes]:
    if script.broken:
        return [*events[: script.broken], b'data: {"choices": [{"del\n\n', *events[script.broken :]]
    if script.error_after:
        told = call.complaint(script, "Scripted failure in the middle of a stream.")
        return [*events[: script.error_after], wire.error_event(503, script.code, told)]
    if script.open_ended:
        return [event for event in events if not _ends(event)]
    return events


def _ends(event: bytes) -> bool:
    """Whether a chunk carries a finish reason or the end marker."""
    marks = (b"[DONE]", b"message_stop", b'"message_delta"', b'"finishReason"')
    reason = re.search(rb'"finish_reason": "', event)
    return any(mark in event for mark in marks) or reason is not None


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _start(status: int, kind: str, headers: dict[str, str] | None = None) -> Message:
    pairs = {"content-type": kind, **(headers or {})}
    encoded = [(name.encode(), value.encode()) for name, value in pairs.items()]
    return {"type": "http.response.start", "status": status, "headers": encoded}


async def _json(send: Send, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
    body = json.dumps(data).encode()
    length = {"content-length": str(len(body))}
    await send(_start(status, "application/json", {**length, **(headers or {})}))
    await send({"type": "http.response.body", "body": body})
