"""Gemini's wire format: generateContent, streamGenerateContent, batchEmbedContents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from routerctl.mock.reply import Ask, Reply, vector

FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "tool": "STOP", "refusal": "SAFETY"}
ERRORS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
DIMENSIONS = 16


def read(path_model: str, body: dict[str, Any]) -> Ask:
    """Whether it streams is said by the path's method, which the server knows."""
    contents = body.get("contents", [])
    users = [content for content in contents if content.get("role", "user") == "user"]
    last = users[-1]["parts"] if users else []
    parts = [part for content in contents for part in content["parts"]]
    parts += (body.get("systemInstruction") or {}).get("parts", [])
    settings = body.get("generationConfig") or {}
    declared = [d for tool in body.get("tools", []) for d in tool.get("functionDeclarations", [])]
    return Ask(
        model=path_model,
        stream=False,
        last_user_text=_text(last),
        input_bytes=len(_text(parts).encode()),
        images=sum("inlineData" in part or "fileData" in part for part in parts),
        max_tokens=settings.get("maxOutputTokens"),
        schema=settings.get("responseJsonSchema") or settings.get("responseSchema"),
        tools=tuple((d["name"], _parameters(d)) for d in declared),
        forced_tool=_forced(body),
        has_tool_result=any("functionResponse" in part for part in last),
    )


def whole(ask: Ask, reply: Reply, number: int) -> dict[str, Any]:
    parts = [] if reply.finish == "refusal" else [_part(reply)]
    return _answer(ask, reply, number, parts, FINISH[reply.finish])


def events(ask: Ask, reply: Reply, number: int) -> Iterator[bytes]:
    """Whole answers with a piece of the text each; the last one has the finish reason."""
    if reply.finish == "refusal":
        yield _event(whole(ask, reply, number))
    elif reply.tool:
        yield _event(_answer(ask, reply, number, [_part(reply)], "STOP"))
    else:
        for piece in reply.pieces():
            yield _event(_answer(ask, reply, number, [{"text": piece}], None))
        yield _event(_answer(ask, reply, number, [{"text": ""}], FINISH[reply.finish]))


def error(status: int, code: str, message: str) -> dict[str, Any]:
    word = code or ERRORS.get(status, "UNKNOWN")
    return {"error": {"code": status, "message": message, "status": word}}


def error_event(status: int, code: str, message: str) -> bytes:
    return _event(error(status, code, message))


def embeddings(_: str, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "embeddings": [
            {
                "values": vector(
                    _text(request["content"]["parts"]),
                    request.get("outputDimensionality") or DIMENSIONS,
                )
            }
            for request in body["requests"]
        ]
    }


def _answer(
    ask: Ask, reply: Reply, number: int, parts: list[dict[str, Any]], finish: str | None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": _usage(reply),
        "modelVersion": ask.model,
        "responseId": f"mock{number:08d}",
    }


def _usage(reply: Reply) -> dict[str, Any]:
    """Gemini counts thoughts beside the candidates, not in them."""
    usage = {
        "promptTokenCount": reply.input_tokens,
        "candidatesTokenCount": reply.output_tokens - reply.reasoning_tokens,
        "totalTokenCount": reply.input_tokens + reply.output_tokens,
    }
    if reply.cached_tokens:
        usage["cachedContentTokenCount"] = reply.cached_tokens
    if reply.reasoning_tokens:
        usage["thoughtsTokenCount"] = reply.reasoning_tokens
    return usage


def _part(reply: Reply) -> dict[str, Any]:
    if reply.tool is None:
        return {"text": reply.text}
    name, arguments = reply.tool
    return {"functionCall": {"name": name, "args": arguments}}


def _parameters(declaration: dict[str, Any]) -> Any:
    """The vendor takes names in either case, and its SDK sends both."""
    names = ("parametersJsonSchema", "parameters_json_schema", "parameters")
    return next((declaration[name] for name in names if declaration.get(name)), {})


def _forced(body: dict[str, Any]) -> str | None:
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    if calling.get("mode") != "ANY":
        return None
    return str((calling.get("allowedFunctionNames") or [""])[0])


def _text(parts: list[dict[str, Any]]) -> str:
    return "".join(part.get("text", "") for part in parts)


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\r\n\r\n"
