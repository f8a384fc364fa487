"""Google's side of generateContent and batchEmbedContents."""

import re
from typing import Any

import msgspec
from google.genai import types

from tests.providers.scripted import Heard
from tests.providers.vendors.speech import Asked, Call, Said, event

FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "refused": "SAFETY"}


class GeminiVendor:
    has_ids = False
    writes_cache = False
    embeds = True

    def base_url(self, url: str) -> str:
        return url

    def whole(self, said: Said) -> bytes:
        parts = [{"text": said.text}] if said.text else []
        response = _response([*parts, *map(_call, said.calls)], said, FINISH[said.finish])
        return msgspec.json.encode(response)

    def events(self, said: Said) -> list[bytes]:
        return [*self.beginning(said), event(_response([{"text": ""}], said, FINISH[said.finish]))]

    def beginning(self, said: Said) -> list[bytes]:
        parts = [{"text": piece} for piece in said.pieces]
        return [event(_response([part], said)) for part in (*parts, *map(_call, said.calls))]

    def overloaded_event(self) -> bytes:
        error = {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}
        return event({"error": error})

    def vectors(self, vectors: list[list[float]], input_tokens: int) -> bytes:
        body = {
            "embeddings": [{"values": vector} for vector in vectors],
            "usageMetadata": {"promptTokenCount": input_tokens},
        }
        types.EmbedContentResponse.model_validate({"embeddings": body["embeddings"]})
        return msgspec.json.encode(body)

    def asked(self, heard: Heard) -> Asked:
        body = heard.json
        found = re.fullmatch(
            r"/v1beta/models/([^/:]+):(generateContent|streamGenerateContent\?alt=sse)", heard.path
        )
        assert found
        _check(body)
        settings = body["generationConfig"]
        choice = body.get("toolConfig", {}).get("functionCallingConfig", {})
        system = body.get("systemInstruction", {"parts": []})
        return Asked(
            model=found[1],
            secret=heard.headers.get("x-goog-api-key"),
            max_tokens=settings["maxOutputTokens"],
            stream=found[2].startswith("stream"),
            system="".join(part["text"] for part in system["parts"]),
            turns=[
                (
                    "assistant" if turn["role"] == "model" else "user",
                    [_part(p) for p in turn["parts"]],
                )
                for turn in body["contents"]
            ],
            tools={
                function["name"]: function["parametersJsonSchema"]
                for tool in body.get("tools", ())
                for function in tool["functionDeclarations"]
            },
            choice=(choice.get("allowedFunctionNames") or [choice.get("mode")])[0],
            schema=settings.get("responseJsonSchema"),
        )


def _check(body: dict[str, Any]) -> None:
    """Google's types refuse every name that they do not know."""
    for content in body["contents"]:
        types.Content.model_validate(content)
    for tool in body.get("tools", ()):
        types.Tool.model_validate(tool)
    if "toolConfig" in body:
        types.ToolConfig.model_validate(body["toolConfig"])
    types.GenerationConfig.model_validate(body["generationConfig"])


def _response(
    parts: list[dict[str, Any]], said: Said, finish_reason: str | None = None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish_reason:
        candidate["finishReason"] = finish_reason
    if finish_reason == "SAFETY" and said.refusal:
        candidate["finishMessage"] = said.refusal
    usage = said.usage
    response = {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": usage.input_tokens,
            "cachedContentTokenCount": usage.cached_input_tokens,
            "candidatesTokenCount": usage.output_tokens - usage.reasoning_tokens,
            "thoughtsTokenCount": usage.reasoning_tokens,
            "totalTokenCount": usage.input_tokens + usage.output_tokens,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.input_tokens}],
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "mVoVaOGyJ5SFm9IP7NKkoA0",
    }
    types.GenerateContentResponse.model_validate(response)
    return response


def _call(call: Call) -> dict[str, Any]:
    return {"functionCall": {"name": call.name, "args": call.arguments}}


def _part(part: dict[str, Any]) -> tuple[Any, ...]:
    if "text" in part:
        return "text", part["text"]
    if "inlineData" in part:
        return "image", f"data:{part['inlineData']['mimeType']};base64,{part['inlineData']['data']}"
    if "fileData" in part:
        return "image", part["fileData"]["fileUri"]
    if "functionCall" in part:
        call = part["functionCall"]
        return "call", call["id"], call["name"], call["args"]
    answered = part["functionResponse"]
    return "result", answered["id"], answered["response"]["result"]
