"""Builders for the doors' tests: a test names what matters to it, the rest is ordinary."""

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

from routerctl.engine.errors import RouterError
from routerctl.providers.types import Answer, StreamEvent, Usage
from routerctl.wire import anthropic, native, openai
from routerctl.wire.types import KeyFacts, ParsedCall, Renderer, Result, Vocabulary

TRACE = "0192a0b4-0000-7000-8000-0000000000aa"
WORDS = Vocabulary(
    tasks=frozenset(("chat", "summary")),
    features=frozenset(("support-chat", "search-answers")),
    plans=frozenset(("free", "pro")),
)
USAGE = Usage(
    input_tokens=120,
    output_tokens=40,
    cached_input_tokens=100,
    cache_write_tokens=5,
    reasoning_tokens=7,
)

Json = dict[str, Any]


def key(**facts: Any) -> KeyFacts:
    facts = {"id": 1, "prefix": "k3yk3yk3", "tenant": "acme", **facts}
    return KeyFacts(**facts)


def generate(body: Json, *, caller: KeyFacts | None = None) -> ParsedCall:
    return _parse(native, body, {}, caller)


def chat(
    body: Json, headers: Mapping[str, str] | None = None, *, caller: KeyFacts | None = None
) -> ParsedCall:
    """A chat completion; model and messages are there unless the test brings its own."""
    said = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}], **body}
    return _parse(openai, said, headers or {}, caller)


def messages(
    body: Json, headers: Mapping[str, str] | None = None, *, caller: KeyFacts | None = None
) -> ParsedCall:
    """Anthropic's request; what it cannot do without is there unless the test brings its own."""
    said = {
        "model": "auto",
        "max_tokens": 500,
        "messages": [{"role": "user", "content": "Hello"}],
        **body,
    }
    return _parse(anthropic, said, headers or {}, caller)


def embeddings(body: Json, *, caller: KeyFacts | None = None) -> ParsedCall:
    encoded = json.dumps({"model": "auto", **body}).encode()
    return openai.parse_embeddings(encoded, {}, caller or key(), WORDS, TRACE)


def _parse(
    door: ModuleType, body: Json, headers: Mapping[str, str], caller: KeyFacts | None
) -> ParsedCall:
    call: ParsedCall = door.parse(json.dumps(body).encode(), headers, caller or key(), WORDS, TRACE)
    return call


def refusal_of(parse: Any, *arguments: Any, **options: Any) -> RouterError:
    """The error with which `parse` turns its arguments away."""
    with pytest.raises(RouterError) as caught:
        parse(*arguments, **options)
    return caught.value


def result(answer: Answer | None = None, **facts: Any) -> Result:
    """An answer which went well."""
    said = {
        "trace_id": TRACE,
        "created_s": 1_800_000_000,
        "answer": answer or Answer(text="Good morning."),
        "usage": USAGE,
        "finish_status": answer.finish_status if answer else "stop",
        **facts,
    }
    return Result(**said)


def failure(code: str, message: str = "", **facts: Any) -> Result:
    error = RouterError(code, message, details=facts.pop("details", None))
    return result(status="failed", finish_status="error", error=error, **facts)


def written(renderer: Renderer, *events: StreamEvent, **facts: Any) -> str:
    """A whole stream of `events`."""
    last = result(**facts)
    pieces = [renderer.begin(last), *map(renderer.event, events), renderer.end(last)]
    return b"".join(pieces).decode()


def sse_events(stream: str) -> list[tuple[str | None, str]]:
    """Name and data of every event; comments are skipped, as clients do."""
    events = []
    for block in stream.split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if lines:
            fields = dict(line.split(": ", 1) for line in lines)
            events.append((fields.get("event"), fields["data"]))
    return events
