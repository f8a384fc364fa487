"""A neutral conversation as the JSON of Chat Completions and Embeddings."""

import hashlib
import re
from typing import Any

import msgspec

from routerctl.providers.conversation import has_cache_breakpoints, portable_id, schema_in_words
from routerctl.providers.openai.dialects import Dialect
from routerctl.providers.types import (
    EmbeddingRequest,
    Image,
    Message,
    ModelRequest,
    OutputSchema,
    Part,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

Json = dict[str, Any]

_NINE = re.compile(r"[A-Za-z0-9]{9}")
_MAX_ID = 64

_encode = msgspec.json.Encoder().encode


def chat_body(
    model: str, request: ModelRequest, dialect: Dialect, *, names_model: bool = True
) -> tuple[bytes, tuple[str, ...]]:
    """The body of one call and the names of what was left out of it. `names_model` is False
    where the URL does that."""
    body: Json = {"model": model} if names_model else {}
    dropped: list[str] = []
    body["messages"] = _messages(request, dialect, dropped)
    if request.max_output_tokens:
        body[dialect.max_tokens_field] = request.max_output_tokens
    if request.stream:
        body["stream"] = True
        if dialect.stream_usage:
            body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = [_tool(tool, dialect) for tool in request.tools]
        body.update(_tool_choice(request.tool_choice))
    if request.output_schema is not None:
        body["response_format"] = _response_format(request.output_schema, dialect)
    for name, value in request.params.items():
        if dialect.lacks(model, name):
            dropped.append(name)
        else:
            body[dialect.renamed.get(name, name)] = value
    return _encode(body), tuple(dropped)


def embeddings_body(model: str, request: EmbeddingRequest, *, names_model: bool = True) -> bytes:
    body: Json = {"model": model} if names_model else {}
    body["input"] = request.inputs
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    if request.base64:
        body["encoding_format"] = "base64"
    return _encode(body)


# --------------------------------------------------------------------------- messages


def _messages(request: ModelRequest, dialect: Dialect, dropped: list[str]) -> list[Json]:
    messages: list[Json] = []
    system = [block.text for block in request.system]
    if request.output_schema is not None and not dialect.json_schema:
        system.append(schema_in_words(request.output_schema))
    if system:
        messages.append({"role": "system", "content": "\n\n".join(system)})
    for message in request.messages:
        first = message.parts[0] if len(message.parts) == 1 else None
        if type(first) is Text:  # most messages: the same whoever speaks
            messages.append({"role": message.role, "content": first.text})
        elif message.role == "user":
            messages.extend(_user(message, dialect))
        else:
            messages.append(_assistant(message, dialect))
    if has_cache_breakpoints(request):
        dropped.append("cache_control")
    return messages


def _user(message: Message, dialect: Dialect) -> list[Json]:
    """Tool results are messages of their own here, and come before what the user adds."""
    messages: list[Json] = []
    own: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            messages.append(_tool_result(part, dialect))
            # A tool message holds only text: its images follow as the user's.
            own.extend(inner for inner in part.parts if isinstance(inner, Image))
        else:
            own.append(part)
    if own or not messages:
        messages.append({"role": "user", "content": _content(own)})
    return messages


def _assistant(message: Message, dialect: Dialect) -> Json:
    texts = [part.text for part in message.parts if isinstance(part, Text)]
    calls = [_tool_call(part, dialect) for part in message.parts if isinstance(part, ToolCall)]
    said: Json = {"role": "assistant", "content": "\n".join(texts) if texts or not calls else None}
    if calls:
        said["tool_calls"] = calls
    if dialect.echo_reasoning:
        thoughts = [
            part.text for part in message.parts if isinstance(part, Thinking) and not part.signature
        ]
        if thoughts:
            said["reasoning_content"] = "".join(thoughts)
    return said


def _content(parts: list[Part]) -> str | list[Json]:
    """Text alone goes as a string, which every compatible server takes."""
    texts = [part.text for part in parts if isinstance(part, Text)]
    if not any(isinstance(part, Image) for part in parts):
        return "\n".join(texts)
    content: list[Json] = []
    for part in parts:
        if isinstance(part, Text):
            content.append({"type": "text", "text": part.text})
        elif isinstance(part, Image):
            content.append({"type": "image_url", "image_url": _image_url(part)})
    return content


def _image_url(image: Image) -> Json:
    url = image.url or f"data:{image.media_type or 'image/png'};base64,{image.data or ''}"
    return {"url": url, "detail": image.detail} if image.detail else {"url": url}


def _tool_call(call: ToolCall, dialect: Dialect) -> Json:
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": _call_id(call.id, dialect), "type": "function", "function": function}


def _tool_result(result: ToolResult, dialect: Dialect) -> Json:
    text = "\n".join(part.text for part in result.parts if isinstance(part, Text))
    return {"role": "tool", "tool_call_id": _call_id(result.call_id, dialect), "content": text}


def _call_id(call_id: str, dialect: Dialect) -> str:
    """Histories move between vendors: an id that another one made may not be allowed here."""
    if dialect.nine_character_ids:
        if _NINE.fullmatch(call_id):
            return call_id
        return hashlib.blake2b(call_id.encode(), digest_size=5).hexdigest()[:9]
    return call_id if len(call_id) <= _MAX_ID else portable_id(call_id)


# --------------------------------------------------------------------------- tools, schema


def _tool(tool: Tool, dialect: Dialect) -> Json:
    function: Json = {"name": tool.name, "parameters": tool.schema}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None and dialect.strict:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice | None) -> Json:
    if choice is None:
        return {}
    fields: Json = {}
    if choice.mode == "tool":
        fields["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    else:
        fields["tool_choice"] = choice.mode
    if choice.parallel is not None:
        fields["parallel_tool_calls"] = choice.parallel
    return fields


def _response_format(output: OutputSchema, dialect: Dialect) -> Json:
    if output.schema is None or not dialect.json_schema:
        return {"type": "json_object"}
    schema: Json = {"name": output.name, "schema": output.schema}
    if output.strict is not None:
        schema["strict"] = output.strict
    return {"type": "json_schema", "json_schema": schema}
