"""OpenAI's side of Chat Completions and Embeddings."""

from typing import Any

import msgspec
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from pydantic import TypeAdapter

from tests.providers.scripted import Heard
from tests.providers.vendors.speech import Asked, Call, Said, compact, event

FINISH = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "refused": "content_filter",
}
MODEL = "gpt-4o-mini-2024-07-18"

_whole_params = TypeAdapter(CompletionCreateParamsNonStreaming)
_stream_params = TypeAdapter(CompletionCreateParamsStreaming)


class OpenAIVendor:
    has_ids = True
    writes_cache = False
    embeds = True

    def base_url(self, url: str) -> str:
        return f"{url}/v1"

    def whole(self, said: Said) -> bytes:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": said.text or None,
            "refusal": said.refusal,
            "annotations": [],
        }
        if said.calls:
            message["tool_calls"] = [_call(call) for call in said.calls]
        body = msgspec.json.encode(
            {
                "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
                "object": "chat.completion",
                "created": 1741569952,
                "model": MODEL,
                "choices": [
                    {
                        "index": 0,
                        "message": message,
                        "logprobs": None,
                        "finish_reason": "stop" if said.refusal else FINISH[said.finish],
                    }
                ],
                "usage": _usage(said),
                "service_tier": "default",
                "system_fingerprint": "fp_06737a9306",
            }
        )
        ChatCompletion.model_validate_json(body)
        return body

    def events(self, said: Said) -> list[bytes]:
        reason = "stop" if said.refusal else FINISH[said.finish]
        return [
            *self.beginning(said),
            self._chunk({}, finish_reason=reason),
            self._chunk(None, usage=_usage(said)),
            b"data: [DONE]\n\n",
        ]

    def beginning(self, said: Said) -> list[bytes]:
        chunks = [self._chunk({"role": "assistant", "content": "", "refusal": None})]
        chunks += [self._chunk({"content": piece}) for piece in said.pieces]
        if said.refusal:
            chunks.append(self._chunk({"refusal": said.refusal}))
        for index, call in enumerate(said.calls):
            function = {"name": call.name, "arguments": ""}
            begun = {"index": index, "id": call.id, "type": "function", "function": function}
            chunks.append(self._chunk({"tool_calls": [begun]}))
            text = compact(call.arguments)
            for piece in (text[:3], text[3:]):
                more = {"index": index, "function": {"arguments": piece}}
                chunks.append(self._chunk({"tool_calls": [more]}))
        return chunks

    def overloaded_event(self) -> bytes:
        return event(
            {"error": {"message": "Slow down", "type": "server_error", "code": "slow_down"}}
        )

    def vectors(self, vectors: list[list[float]], input_tokens: int) -> bytes:
        data = [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": input_tokens, "total_tokens": input_tokens}
        body = msgspec.json.encode(
            # out of order, which only the index tells
            {
                "object": "list",
                "data": data[::-1],
                "model": "text-embedding-3-small",
                "usage": usage,
            }
        )
        CreateEmbeddingResponse.model_validate_json(body)
        return body

    def asked(self, heard: Heard) -> Asked:
        body = heard.json
        assert heard.path == "/v1/chat/completions"
        scheme, _, secret = heard.headers.get("authorization", "").partition(" ")
        assert scheme in ("", "Bearer")
        return understood(body, secret or None, body["model"])

    def _chunk(
        self,
        delta: dict[str, Any] | None,
        finish_reason: str | None = None,
        usage: dict[str, Any] | None = None,
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        payload = {
            "id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
            "object": "chat.completion.chunk",
            "created": 1741570283,
            "model": MODEL,
            "service_tier": "default",
            "system_fingerprint": "fp_06737a9306",
            "choices": [] if delta is None else [choice],
            "usage": usage,
        }
        ChatCompletionChunk.model_validate(payload)
        return event(payload)


def understood(body: dict[str, Any], secret: str | None, model: str) -> Asked:
    params = _stream_params if body.get("stream") else _whole_params
    params.validate_python({"model": model, **body})
    if body.get("stream"):
        assert body["stream_options"] == {"include_usage": True}
    system = [m["content"] for m in body["messages"] if m["role"] == "system"]
    choice = body.get("tool_choice")
    return Asked(
        model=model,
        secret=secret,
        max_tokens=body.get("max_completion_tokens", body.get("max_tokens")),
        stream=body.get("stream", False),
        system="".join(system),
        turns=[_turn(message) for message in body["messages"] if message["role"] != "system"],
        tools={
            tool["function"]["name"]: tool["function"]["parameters"]
            for tool in body.get("tools", ())
        },
        choice=choice["function"]["name"] if isinstance(choice, dict) else choice,
        schema=body.get("response_format", {}).get("json_schema", {}).get("schema"),
    )


def _turn(message: dict[str, Any]) -> tuple[str, list[tuple[Any, ...]]]:
    if message["role"] == "tool":
        return "user", [("result", message["tool_call_id"], message["content"])]
    content = message["content"]
    if isinstance(content, str):
        parts: list[tuple[Any, ...]] = [("text", content)] if content else []
    else:
        parts = [
            ("text", part["text"])
            if part["type"] == "text"
            else ("image", part["image_url"]["url"])
            for part in content or ()
        ]
    for call in message.get("tool_calls", ()):
        function = call["function"]
        arguments = msgspec.json.decode(function["arguments"])
        parts.append(("call", call["id"], function["name"], arguments))
    return message["role"], parts


def _call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": compact(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}


def _usage(said: Said) -> dict[str, Any]:
    usage = said.usage
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
