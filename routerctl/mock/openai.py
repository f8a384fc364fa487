"""OpenAI's wire format: Chat Completions and embeddings."""

from __future__ import annotations

import base64
import json
import struct
import time
from collections.abc import Iterator
from typing import Any

from routerctl.mock.reply import Ask, Reply, vector

FINISH = {"stop": "stop", "length": "length", "tool": "tool_calls", "refusal": "content_filter"}
ERRORS = {
    400: ("invalid_request_error", "invalid_value"),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}
DIMENSIONS = 16


def read(path_model: str, body: dict[str, Any]) -> Ask:
    """`path_model` is Azure's deployment, whose bodies name no model."""
    messages = body.get("messages", [])
    shape = body.get("response_format") or {}
    users = [message for message in messages if message["role"] == "user"]
    last = messages[-1] if messages else {}
    options = body.get("stream_options") or {}
    return Ask(
        model=body.get("model") or path_model,
        stream=bool(body.get("stream")),
        last_user_text=_text(users[-1]["content"]) if users else "",
        input_bytes=sum(len(_text(m.get("content")).encode()) for m in messages),
        images=sum(_parts(m.get("content"), "image_url") for m in messages),
        max_tokens=body.get("max_completion_tokens", body.get("max_tokens")),
        schema=shape.get("json_schema", {}).get("schema"),
        tools=tuple(
            (tool["function"]["name"], tool["function"].get("parameters", {}))
            for tool in body.get("tools", [])
        ),
        forced_tool=_forced(body.get("tool_choice")),
        has_tool_result=bool(messages) and messages[-1]["role"] == "tool",
        wants_usage=bool(options.get("include_usage")),
        begun=_text(last.get("content")) if last.get("role") == "assistant" else "",
    )


def whole(ask: Ask, reply: Reply, number: int) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant", "content": reply.text or None, "refusal": None, "annotations": [],
    }  # fmt: skip
    if reply.tool:
        message["tool_calls"] = [_tool_call(reply, number)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
    return {
        **_head(ask, number, "chat.completion"),
        "choices": [choice],
        "usage": _usage(reply),
    }


def events(ask: Ask, reply: Reply, number: int) -> Iterator[bytes]:
    """Role, content, finish reason, usage when asked for, end marker."""
    head = _head(ask, number, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        usage = {"usage": None} if ask.wants_usage else {}
        return _event({**head, "choices": [choice], **usage})

    yield chunk({"role": "assistant", "content": None if reply.tool else "", "refusal": None})
    for piece in reply.pieces():
        yield chunk({"content": piece})
    if reply.tool:
        yield from (chunk({"tool_calls": [delta]}) for delta in _tool_deltas(reply, number))
    yield chunk({}, _finish(reply))
    if ask.wants_usage:
        yield _event({**head, "choices": [], "usage": _usage(reply)})
    yield b"data: [DONE]\n\n"


def error(status: int, code: str, message: str) -> dict[str, Any]:
    kind, usual = ERRORS.get(status, ("server_error", "server_error"))
    return {"error": {"message": message, "type": kind, "param": None, "code": code or usual}}


def error_event(status: int, code: str, message: str) -> bytes:
    return _event(error(status, code, message))


def embeddings(path_model: str, body: dict[str, Any]) -> dict[str, Any]:
    given = body["input"]
    texts = [given] if isinstance(given, str) else given
    dimensions = body.get("dimensions") or DIMENSIONS
    tokens = sum(max(1, len(str(text)) // 4) for text in texts)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _vector(body, text, dimensions)}
            for index, text in enumerate(texts)
        ],
        "model": body.get("model") or path_model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _vector(body: dict[str, Any], text: object, dimensions: int) -> list[float] | str:
    values = vector(str(text), dimensions)
    if body.get("encoding_format") != "base64":
        return values
    return base64.b64encode(struct.pack(f"<{dimensions}f", *values)).decode()


def _head(ask: Ask, number: int, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-mock{number:08d}",
        "object": kind,
        "created": int(time.time()),
        "model": ask.model,
        "service_tier": "default",
        "system_fingerprint": "fp_mock",
    }


def _usage(reply: Reply) -> dict[str, Any]:
    return {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reply.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _tool_call(reply: Reply, number: int) -> dict[str, Any]:
    assert reply.tool
    name, arguments = reply.tool
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": f"call_mock{number:08d}", "type": "function", "function": function}


def _tool_deltas(reply: Reply, number: int) -> Iterator[dict[str, Any]]:
    call = _tool_call(reply, number)
    arguments = call["function"]["arguments"]
    yield {"index": 0, **call, "function": {"name": call["function"]["name"], "arguments": ""}}
    middle = len(arguments) // 2
    for half in (arguments[:middle], arguments[middle:]):
        yield {"index": 0, "function": {"arguments": half}}


def _finish(reply: Reply) -> str:
    return FINISH[reply.finish]


def _forced(choice: Any) -> str | None:
    if choice == "required":
        return ""
    if isinstance(choice, dict):
        return str(choice.get("function", {}).get("name", ""))
    return None


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def _parts(content: Any, kind: str) -> int:
    return sum(part["type"] == kind for part in content) if isinstance(content, list) else 0


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"
