"""Many clients at once, for as long as a test wants, and what became of each request."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any

import httpx2

Json = dict[str, Any]

PAUSE_S = 0.05
"""Before a client asks again after it was not answered."""


@dataclass(frozen=True)
class Asked:
    """One request. `marker` stands in its text, which providers see, and is its user, which the
    trace keeps. `status` is 0 when no whole answer came; `code` is the error's, or a sentence.
    `model` is the deployment that answered, if it was told and the answer was not streamed."""

    marker: str
    sent_at: float
    took_s: float
    status: int
    code: str
    trace_id: str
    revision: str
    model: str


class Load:
    """Clients that ask `url` one request after the other while the `with` block runs.

    `ask` makes the body of the native request with the given number, and markers begin with
    `name`. Every request has a connection of its own unless `keep_alive`, so that all workers of
    a server are met.
    """

    def __init__(
        self,
        url: str,
        key: str,
        ask: Callable[[int], Json],
        *,
        clients: int = 8,
        keep_alive: bool = False,
        name: str = "load",
    ) -> None:
        self.asked: list[Asked] = []
        self._url = f"{url}/v1/generate"
        self._key = key
        self._ask = ask
        self._clients = clients
        self._name = name
        self._kept = httpx2.Limits(max_keepalive_connections=clients if keep_alive else 0)
        self._numbers = count(1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask nothing more; returns when every request under way has ended."""
        self.stop_soon()
        self._thread.join()

    def stop_soon(self) -> None:
        """Ask nothing more, and wait for nothing."""
        self._over.set()

    def answered(self) -> list[Asked]:
        """What got its whole answer."""
        return [one for one in self.asked if one.status == 200]

    def failed(self) -> list[Asked]:
        return [one for one in self.asked if one.status != 200]

    # ------------------------------------------------------------------ the clients

    async def _run(self) -> None:
        headers = {"authorization": f"Bearer {self._key}"}
        async with httpx2.AsyncClient(headers=headers, limits=self._kept, timeout=60) as http:
            await asyncio.gather(*(self._keep_asking(http) for _ in range(self._clients)))

    async def _keep_asking(self, http: httpx2.AsyncClient) -> None:
        while not self._over.is_set():
            number = next(self._numbers)
            asked = await self._send(http, f"{self._name}-{number}", self._ask(number))
            self.asked.append(asked)
            if asked.status != 200:
                await asyncio.sleep(PAUSE_S)

    async def _send(self, http: httpx2.AsyncClient, marker: str, body: Json) -> Asked:
        text = body.get("input", "How do I change my password?")
        marked = {**body, "input": f"{text} ({marker})", "user": marker}
        sent_at, began = time.time(), time.monotonic()
        trace_id = revision = model = ""
        try:
            async with http.stream("POST", self._url, json=marked) as response:
                trace_id = response.headers.get("x-trace-id", "")
                revision = response.headers.get("x-policy-revision", "")
                answer = await response.aread()
            status, code = _ending(response.status_code, answer)
            model = _model(answer)
        except httpx2.HTTPError as error:
            status, code = 0, f"{type(error).__name__}: {error}"
        took_s = time.monotonic() - began
        return Asked(marker, sent_at, took_s, status, code, trace_id, revision, model)


def _ending(status: int, body: bytes) -> tuple[int, str]:
    """How an answer ended, streamed ones included, whose status says little."""
    if status != 200:
        return status, _code(body)
    if body.startswith(b"{") or b"event: done" in body:
        return 200, ""
    event, _, data = body.rpartition(b"data: ")
    return (0, _code(data)) if b"event: error" in event else (0, "cut")


def _code(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")


def _model(body: bytes) -> str:
    try:
        return str(json.loads(body)["model"])
    except (ValueError, KeyError, TypeError):
        return ""
