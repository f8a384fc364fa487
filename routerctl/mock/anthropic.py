"""Anthropic's wire format: Messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from routerctl.mock.reply import Ask, Reply

FINISH = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use", "refusal": "refusal"}
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def read(_: str, body: dict[str, Any]) -> Ask:
    messages = body.get("messages", [])
    shape = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    users = [message for message in messages if message["role"] == "user"]
    last = users[-1]["content"] if users else ""
    contents = [body.get("system", ""), *(message["content"] for message in messages)]
    return Ask(
        model=body["model"],
        stream=bool(body.get("stream")),
        last_user_text=_text(last),
        input_bytes=sum(len(_text(content).encode()) for content in contents),
        images=sum(_parts(content, "image") for content in contents),
        max_tokens=body["max_tokens"],
        schema=shape.get("schema"),
        tools=tuple((t["name"], t.get("input_schema", {})) for t in body.get("tools", [])),
        forced_tool=_forced(body.get("tool_choice") or {}),
        has_tool_result=_parts(last, "tool_result") > 0,
        begun=_text(messages[-1]["content"]) if messages[-1]["role"] == "assistant" else "",
    )


def whole(ask: Ask, reply: Reply, number: int) -> dict[str, Any]:
    return {
        **_head(ask, number),
        "content": [_block(reply, number)] if reply.finish != "refusal" else [],
        "stop_reason": FINISH[reply.finish],
        "stop_sequence": None,
        "usage": {**_input_usage(reply), "output_tokens": reply.output_tokens},
    }


def events(ask: Ask, reply: Reply, number: int) -> Iterator[bytes]:
    """message_start, one block with a ping before its first delta, message_delta, message_stop."""
    start = {
        **_head(ask, number), "content": [], "stop_reason": None, "stop_sequence": None,
        "usage": {**_input_usage(reply), "output_tokens": 1},
    }  # fmt: skip
    yield _event("message_start", message=start)
    if reply.finish != "refusal":
        empty = _block(reply, number) | {
            "input" if reply.tool else "text": {} if reply.tool else ""
        }
        yield _event("content_block_start", index=0, content_block=empty)
        yield _event("ping")
        for delta in _deltas(reply):
            yield _event("content_block_delta", index=0, delta=delta)
        yield _event("content_block_stop", index=0)
    yield _event(
        "message_delta",
        delta={"stop_reason": FINISH[reply.finish], "stop_sequence": None},
        usage={**_input_usage(reply), "output_tokens": reply.output_tokens},
    )
    yield _event("message_stop")


def error(status: int, code: str, message: str) -> dict[str, Any]:
    kind = code or ERRORS.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_mock"}


def error_event(status: int, code: str, message: str) -> bytes:
    return b"event: error\ndata: " + json.dumps(error(status, code, message)).encode() + b"\n\n"


def _head(ask: Ask, number: int) -> dict[str, Any]:
    kind = {"type": "message", "role": "assistant", "model": ask.model}
    return {"id": f"msg_mock{number:08d}", **kind}


def _block(reply: Reply, number: int) -> dict[str, Any]:
    if reply.tool is None:
        return {"type": "text", "text": reply.text}
    name, arguments = reply.tool
    return {"type": "tool_use", "id": f"toolu_mock{number:08d}", "name": name, "input": arguments}


def _deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    if reply.tool is None:
        yield from ({"type": "text_delta", "text": piece} for piece in reply.pieces())
        return
    arguments = json.dumps(reply.tool[1])
    middle = len(arguments) // 2
    for piece in ("", arguments[:middle], arguments[middle:]):
        yield {"type": "input_json_delta", "partial_json": piece}


def _input_usage(reply: Reply) -> dict[str, Any]:
    """Anthropic counts what came from the cache beside the input, not in it."""
    return {
        "input_tokens": reply.input_tokens - reply.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": reply.cached_tokens,
    }


def _forced(choice: dict[str, Any]) -> str | None:
    if choice.get("type") == "any":
        return ""
    return choice.get("name") if choice.get("type") == "tool" else None


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(block.get("text", "") for block in content)
    return content or ""


def _parts(content: Any, kind: str) -> int:
    return sum(block["type"] == kind for block in content) if isinstance(content, list) else 0


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
