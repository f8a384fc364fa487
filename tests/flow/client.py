"""A plain HTTP client of the doors, and what a test reads back."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx2

from tests.processes import Mock, Server

Json = dict[str, Any]

TRACE_WITHIN_S = 1.0

DOORS = {
    "native": "/v1/generate",
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
}
PATHS = [*DOORS.values(), "/v1/embeddings"]


class Answer:
    """An answer that was read to its end, whole or streamed."""

    def __init__(self, response: httpx2.Response, raw: bytes) -> None:
        self.status_code = response.status_code
        self.headers = response.headers
        self.raw = raw

    def json(self) -> Json:
        body: Json = json.loads(self.raw)
        return body

    @property
    def events(self) -> list[tuple[str, Json]]:
        """(name, data) of a stream's events, without comments and OpenAI's `[DONE]`."""
        found = []
        for block in self.raw.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
            if fields.get("data", "").startswith("{"):
                found.append((fields.get("event", ""), json.loads(fields["data"])))
        return found

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    @property
    def last(self) -> Json:
        """A stream's last event, or the whole body."""
        if self.headers["content-type"] == "text/event-stream":
            return self.events[-1][1]
        return self.json()

    @property
    def text(self) -> str:
        """What a stream said, in any door's shape."""
        return "".join(_said(data) for _, data in self.events)


class Client:
    """Speaks to `server` with one key."""

    def __init__(self, server: Server, key: str) -> None:
        self.server = server
        self.http = plain_http(server, authorization=f"Bearer {key}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def generate(self, feature: str, text: str = "Hello", **fields: Any) -> Answer:
        """Ask the native door on the route of `feature`."""
        return self.ask("native", feature, text, **fields)

    def ask(self, door: str, feature: str, text: str = "Hello", **fields: Any) -> Answer:
        return self.post(DOORS[door], asked(door, feature, text, **fields))

    def post(self, path: str, body: Json) -> Answer:
        response = self.http.post(path, json=body)
        return Answer(response, response.content)

    def stream(self, door: str, feature: str, text: str = "Hello", **fields: Any) -> Answer:
        """Ask for a stream and read it to its end."""
        with self.streaming(door, feature, text, **fields) as response:
            return Answer(response, b"".join(response.iter_raw()))

    @contextmanager
    def streaming(
        self, door: str, feature: str, text: str = "Hello", **fields: Any
    ) -> Iterator[httpx2.Response]:
        """A stream that is open within the block, and hung up on after it."""
        body = asked(door, feature, text, stream=True, **fields)
        with self.http.stream("POST", DOORS[door], json=body) as response:
            yield response

    def trace(self, answer: "Answer | httpx2.Response | str") -> Json:
        """The trace of `answer` (or of a trace id), which may come one second late."""
        trace_id = answer if isinstance(answer, str) else answer.headers["x-trace-id"]
        deadline = time.monotonic() + TRACE_WITHIN_S
        while True:
            found = self.http.get(f"/api/v1/traces/{trace_id}")
            if found.status_code == 200:
                trace: Json = found.json()
                return trace
            assert time.monotonic() < deadline, f"no trace {trace_id}: {found.text}"
            time.sleep(0.02)


def plain_http(server: Server, **headers: str) -> httpx2.Client:
    """No certificates are read for it, because there is no TLS here: that takes the longest."""
    return httpx2.Client(base_url=server.url, headers=headers, timeout=30, verify=False)


def asked(door: str, feature: str, text: str, **fields: Any) -> Json:
    """A request body in `door`'s shape, for the route of `feature`."""
    if door == "native":
        return {"feature": feature, "input": text} | fields
    body = {"model": f"feature:{feature}", "messages": [{"role": "user", "content": text}]}
    return body | ({"max_tokens": 300} if door == "anthropic" else {}) | fields


def code_of(answer: Answer | httpx2.Response) -> str:
    """The error's code, in any door's shape."""
    code: str = answer.json()["error"]["code"]
    return code


def called(mock: Mock) -> list[str]:
    """The providers that were called, in order."""
    return [call["provider"] for call in mock.calls()]


def _said(data: Json) -> str:
    if "choices" in data:
        return "".join(choice["delta"].get("content") or "" for choice in data["choices"])
    delta = data.get("delta", data)
    return delta.get("text") or ""
