"""A neutral conversation as the JSON of generateContent and batchEmbedContents."""

import mimetypes
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from routerctl.providers.conversation import (
    arguments_object,
    call_names,
    has_cache_breakpoints,
    param,
    schema_in_words,
    stop_sequences,
    turns,
)
from routerctl.providers.errors import ProviderError
from routerctl.providers.types import (
    EmbeddingRequest,
    Image,
    ModelRequest,
    Part,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from routerctl.providers.vendor_errors import UNREADABLE

Json = dict[str, Any]

SIGNATURE = "gemini:"
"""Before a thought signature of this vendor, so that no other one is sent it."""

_NO_SIGNATURE = "skip_thought_signature_validator"
"""What Google asks for in place of the signature of a call which another model made."""

_RENAMED = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}
# As Google's own compatibility layer reads `reasoning_effort`.
_LEVELS = {"none": "minimal", "minimal": "minimal", "low": "low", "medium": "medium"}
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192}
_HIGH_BUDGET = 24_576

_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")

_encode = msgspec.json.Encoder().encode


def chat_body(model: str, request: ModelRequest) -> tuple[bytes, tuple[str, ...]]:
    """The body of one call and the names of what was left out of it."""
    version = _version(model)
    dropped = ["cache_control"] if has_cache_breakpoints(request) else []
    settings: Json = {"maxOutputTokens": request.max_output_tokens}
    system = [block.text for block in request.system if block.text]
    body: Json = {"contents": _contents(request, version)}
    if request.tools:
        body["tools"] = [{"functionDeclarations": [_function(tool) for tool in request.tools]}]
        _choose(body, request.tool_choice, dropped)
    if (output := request.output_schema) is not None:
        if request.tools and version < (3, 0):  # older ones have either tools or JSON
            system.append(schema_in_words(output))
        else:
            settings["responseMimeType"] = "application/json"
            if output.schema is not None:
                settings["responseJsonSchema"] = output.schema
    if system:
        body["systemInstruction"] = {"parts": [{"text": text} for text in system]}
    _set(settings, request, version, dropped)
    body["generationConfig"] = settings
    return _encode(body), tuple(dropped)


def embeddings_body(resource: str, request: EmbeddingRequest) -> bytes:
    """Raises ProviderError invalid_request for token ids, which this vendor does not take."""
    asked: list[Json] = []
    for text in request.inputs:
        if not isinstance(text, str):
            raise ProviderError("invalid_request", "this model embeds text, not token ids")
        one: Json = {"model": resource, "content": {"parts": [{"text": text}]}}
        if request.dimensions is not None:
            one["outputDimensionality"] = request.dimensions
        asked.append(one)
    return _encode({"requests": asked})


def _version(model: str) -> tuple[int, int]:
    """A model without a number in its id counts as the newest."""
    found = _VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else (99, 0)


# --------------------------------------------------------------------------- contents


def _contents(request: ModelRequest, version: tuple[int, int]) -> list[Json]:
    names = call_names(request.messages)
    contents: list[Json] = []
    for role, parts in turns(request.messages):
        if role == "user":
            written = [piece for part in parts for piece in _user_parts(part, names)]
        else:
            written = _model_parts(parts, signed=version >= (3, 0))
        if written:
            contents.append({"role": "user" if role == "user" else "model", "parts": written})
    return contents


def _user_parts(part: Part, names: Mapping[str, str]) -> list[Json]:
    if isinstance(part, Text):
        return [{"text": part.text}] if part.text else []
    if isinstance(part, Image):
        return [_image(part)]
    if isinstance(part, ToolResult):
        images = [_image(inner) for inner in part.parts if isinstance(inner, Image)]
        return [_function_response(part, names), *images]
    return []


def _model_parts(parts: list[Part], *, signed: bool) -> list[Json]:
    """Gemini 3 wants the signature of its thoughts on the first call of a turn."""
    written: list[Json] = []
    signature = ""
    for part in parts:
        if isinstance(part, Text) and part.text:
            written.append({"text": part.text})
        elif isinstance(part, Thinking) and (part.signature or "").startswith(SIGNATURE):
            signature = (part.signature or "").removeprefix(SIGNATURE)
        elif isinstance(part, ToolCall):
            function: Json = {"name": part.name, "args": arguments_object(part.arguments)}
            call: Json = {"functionCall": {"id": part.id, **function}}
            if signature:
                call["thoughtSignature"], signature = signature, ""
            elif signed and not any("functionCall" in before for before in written):
                call["thoughtSignature"] = _NO_SIGNATURE
            written.append(call)
    return written


def _image(image: Image) -> Json:
    if image.url:
        guessed, _ = mimetypes.guess_type(image.url.partition("?")[0])
        kind = image.media_type or guessed or "image/jpeg"
        return {"fileData": {"mimeType": kind, "fileUri": image.url}}
    return {"inlineData": {"mimeType": image.media_type or "image/png", "data": image.data or ""}}


def _function_response(result: ToolResult, names: Mapping[str, str]) -> Json:
    text = "\n".join(part.text for part in result.parts if isinstance(part, Text))
    response: Json = {
        "id": result.call_id,
        "name": result.name or names.get(result.call_id, "unknown"),
        "response": {"error": text} if result.is_error else _response_object(text),
    }
    return {"functionResponse": response}


def _response_object(text: str) -> Raw | Json:
    try:
        msgspec.json.decode(text, type=dict[str, Raw])
    except UNREADABLE:
        return {"result": text}
    return Raw(text.encode())


# --------------------------------------------------------------------------- tools, parameters


def _function(tool: Tool) -> Json:
    function: Json = {"name": tool.name, "parametersJsonSchema": tool.schema}
    if tool.description:
        function["description"] = tool.description
    return function


def _choose(body: Json, choice: ToolChoice | None, dropped: list[str]) -> None:
    if choice is None:
        return
    config: Json = {"mode": _MODES[choice.mode]}
    if choice.mode == "tool":
        config["allowedFunctionNames"] = [choice.name]
    body["toolConfig"] = {"functionCallingConfig": config}
    if choice.parallel is False:
        dropped.append("parallel_tool_calls")


def _set(
    settings: Json, request: ModelRequest, version: tuple[int, int], dropped: list[str]
) -> None:
    thinking: Json = {}
    for name, value in request.params.items():
        if name in _RENAMED:
            settings[_RENAMED[name]] = value
        elif name == "stop":
            if sequences := stop_sequences(request):
                settings["stopSequences"] = sequences
        elif name == "thinking_budget_tokens" and version >= (2, 5):
            budget = param(request, name, int)
            thinking = {"thinkingBudget": budget, "includeThoughts": budget > 0}
        elif name == "reasoning_effort" and version >= (2, 5):
            if not thinking:
                thinking = _effort(param(request, name, str), version)
        else:
            dropped.append(name)
    if thinking:
        settings["thinkingConfig"] = thinking


def _effort(effort: str, version: tuple[int, int]) -> Json:
    if version >= (3, 0):
        return {"thinkingLevel": _LEVELS.get(effort, "high")}
    return {"thinkingBudget": _BUDGETS.get(effort, _HIGH_BUDGET)}
