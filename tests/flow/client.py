"""A plain HTTP client of the doors, and what a test reads back."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx2

from tests.processes import Server

Json = dict[str, Any]

TRACE_WITHIN_S = 1.0

DOORS = {
    "native": "/v1/generate",
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
}


class Client:
    """Speaks to `server` with one key. Answers are httpx2's."""

    def __init__(self, server: Server, key: str) -> None:
        self.server = server
        self.http = httpx2.Client(
            base_url=server.url, headers={"authorization": f"Bearer {key}"}, timeout=30
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def generate(self, feature: str, text: str = "Hello", **fields: Any) -> httpx2.Response:
        """Ask the native door on the route of `feature`."""
        return self.http.post("/v1/generate", json=asked("native", feature, text, **fields))

    def ask(self, door: str, feature: str, text: str = "Hello", **fields: Any) -> httpx2.Response:
        return self.http.post(DOORS[door], json=asked(door, feature, text, **fields))

    def stream(self, door: str, feature: str, text: str = "Hello", **fields: Any) -> "Streamed":
        """Ask for a stream and read it to its end."""
        with self.streaming(door, feature, text, **fields) as response:
            return Streamed(response, b"".join(response.iter_raw()))

    @contextmanager
    def streaming(
        self, door: str, feature: str, text: str = "Hello", **fields: Any
    ) -> Iterator[httpx2.Response]:
        """A stream that is open within the block, and hung up on after it."""
        body = asked(door, feature, text, stream=True, **fields)
        with self.http.stream("POST", DOORS[door], json=body) as response:
            yield response

    def trace(self, answer: "httpx2.Response | Streamed | str") -> Json:
        """The trace of `answer`, which the contract lets come one second late."""
        trace_id = answer if isinstance(answer, str) else answer.headers["x-trace-id"]
        deadline = time.monotonic() + TRACE_WITHIN_S
        while True:
            found = self.http.get(f"/api/v1/traces/{trace_id}")
            if found.status_code == 200:
                trace: Json = found.json()
                return trace
            assert time.monotonic() < deadline, f"no trace {trace_id}: {found.text}"
            time.sleep(0.02)


class Streamed:
    """A stream that was read to its end: `raw` bytes, `events` as (name, data)."""

    def __init__(self, response: httpx2.Response, raw: bytes) -> None:
        self.status_code = response.status_code
        self.headers = response.headers
        self.raw = raw

    @property
    def events(self) -> list[tuple[str, Any]]:
        """Comments are left out; data that is not JSON (`[DONE]`) stays text."""
        found = []
        for block in self.raw.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
            if fields:
                data = fields["data"]
                value = json.loads(data) if data.startswith("{") else data
                found.append((fields.get("event", ""), value))
        return found

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


def asked(door: str, feature: str, text: str, **fields: Any) -> Json:
    """A request body in `door`'s shape, for the route of `feature`."""
    if door == "native":
        return {"feature": feature, "input": text} | fields
    body = {"model": f"feature:{feature}", "messages": [{"role": "user", "content": text}]}
    return body | ({"max_tokens": 300} if door == "anthropic" else {}) | fields
