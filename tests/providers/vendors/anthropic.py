"""Anthropic's side of the Messages API."""

from typing import Any

import msgspec
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming,
    MessageCreateParamsStreaming,
)
from pydantic import TypeAdapter

from tests.providers.scripted import Heard
from tests.providers.vendors.speech import Asked, Said, compact, event

FINISH = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "refused": "refusal",
}
MODEL = "claude-sonnet-4-5-20250929"

_event = TypeAdapter[Any](RawMessageStreamEvent)
_whole_params = TypeAdapter(MessageCreateParamsNonStreaming)
_stream_params = TypeAdapter(MessageCreateParamsStreaming)


class AnthropicVendor:
    has_ids = True
    writes_cache = True
    embeds = False

    def base_url(self, url: str) -> str:
        return url

    def whole(self, said: Said) -> bytes:
        content: list[dict[str, Any]] = []
        if said.text:
            content.append({"type": "text", "text": said.text})
        content += [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
            for call in said.calls
        ]
        body = msgspec.json.encode(
            {**_message(said), "content": content, **_stop(said), "usage": _usage(said)}
        )
        Message.model_validate_json(body)
        return body

    def events(self, said: Said) -> list[bytes]:
        usage = _usage(said)
        return [
            *self.beginning(said),
            _said({"type": "message_delta", "delta": _stop(said), "usage": usage}),
            _said({"type": "message_stop"}),
        ]

    def beginning(self, said: Said) -> list[bytes]:
        usage = {**_usage(said), "output_tokens": 1}
        start = {**_message(said), "content": [], "stop_reason": None, "stop_sequence": None}
        events = [_said({"type": "message_start", "message": {**start, "usage": usage}})]
        events.append(event({"type": "ping"}, "ping"))
        if said.pieces:
            deltas = [{"type": "text_delta", "text": piece} for piece in said.pieces]
            events += _block(0, {"type": "text", "text": ""}, deltas)
        for index, call in enumerate(said.calls, start=1):
            block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            text = compact(call.arguments)
            deltas = [
                {"type": "input_json_delta", "partial_json": piece}
                for piece in ("", text[:3], text[3:])
            ]
            events += _block(index, block, deltas)
        return events

    def overloaded_event(self) -> bytes:
        error = {"type": "overloaded_error", "message": "Overloaded"}
        return event({"type": "error", "error": error}, "error")

    def vectors(self, vectors: list[list[float]], input_tokens: int) -> bytes:
        raise NotImplementedError("Anthropic has no embeddings")

    def asked(self, heard: Heard) -> Asked:
        body = heard.json
        assert heard.path == "/v1/messages"
        assert heard.headers["anthropic-version"] == "2023-06-01"
        assert "authorization" not in heard.headers
        (_stream_params if body.get("stream") else _whole_params).validate_python(body)
        choice = body.get("tool_choice", {})
        return Asked(
            model=body["model"],
            secret=heard.headers.get("x-api-key"),
            max_tokens=body["max_tokens"],
            stream=body.get("stream", False),
            system="".join(block["text"] for block in body.get("system", ())),
            turns=[
                (turn["role"], [_part(b) for b in turn["content"]]) for turn in body["messages"]
            ],
            tools={tool["name"]: tool["input_schema"] for tool in body.get("tools", ())},
            choice=choice.get("name") or choice.get("type"),
            schema=body.get("output_config", {}).get("format", {}).get("schema"),
        )


def _message(said: Said) -> dict[str, Any]:
    return {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
    }


def _stop(said: Said) -> dict[str, Any]:
    details = {"type": "refusal", "category": None, "explanation": said.refusal}
    return {
        "stop_reason": FINISH[said.finish],
        "stop_sequence": None,
        "stop_details": details if said.finish == "refused" else None,
    }


def _usage(said: Said) -> dict[str, Any]:
    usage = said.usage
    beside = usage.cached_input_tokens + usage.cache_write_tokens
    return {
        "input_tokens": usage.input_tokens - beside,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_input_tokens,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
        "service_tier": "standard",
    }


def _block(index: int, block: dict[str, Any], deltas: list[dict[str, Any]]) -> list[bytes]:
    return [
        _said({"type": "content_block_start", "index": index, "content_block": block}),
        *(_said({"type": "content_block_delta", "index": index, "delta": d}) for d in deltas),
        _said({"type": "content_block_stop", "index": index}),
    ]


def _said(payload: dict[str, Any]) -> bytes:
    _event.validate_python(payload)
    return event(payload, payload["type"])


def _part(block: dict[str, Any]) -> tuple[Any, ...]:
    match block["type"]:
        case "text":
            return "text", block["text"]
        case "image":
            source = block["source"]
            if source["type"] == "url":
                return "image", source["url"]
            return "image", f"data:{source['media_type']};base64,{source['data']}"
        case "tool_use":
            return "call", block["id"], block["name"], block["input"]
        case "tool_result":
            text = "".join(inner["text"] for inner in block.get("content", ()))
            return "result", block["tool_use_id"], text
    raise AssertionError(block)
