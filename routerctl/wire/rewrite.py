"""Changing the texts of a request before it is sent: redaction, and a route's own prompt."""

from collections.abc import Callable
from typing import Any

from msgspec import Raw, json
from msgspec.structs import replace

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
    ToolResult,
)
from routerctl.wire.contents import turns_of

Rewrite = Callable[[str], str]


def rewrite_texts(chat: ModelRequest, rewrite: Rewrite) -> ModelRequest:
    """`chat` with every text that would be sent passed through `rewrite`: system, messages, tool
    calls and results, addresses of pictures, tools and the output schema. Pictures sent as bytes
    and the names of tools stay as they are."""
    return replace(
        chat,
        system=tuple(replace(part, text=rewrite(part.text)) for part in chat.system),
        messages=tuple(
            Message(message.role, tuple(_part(part, rewrite) for part in message.parts))
            for message in chat.messages
        ),
        tools=tuple(_tool(tool, rewrite) for tool in chat.tools),
        output_schema=_schema(chat.output_schema, rewrite),
    )


def rewrite_inputs(embedding: EmbeddingRequest, rewrite: Rewrite) -> EmbeddingRequest:
    """The same for texts to be embedded; token ids stay as they are."""
    texts = tuple(rewrite(text) for text in embedding.inputs if isinstance(text, str))
    return replace(embedding, inputs=texts) if texts else embedding


def with_system(chat: ModelRequest, text: str) -> ModelRequest:
    """`chat` with `text` before whatever else the model is told."""
    return replace(chat, system=(Text(text), *chat.system))


def without_turns(chat: ModelRequest, turns: int) -> ModelRequest:
    """`chat` without its `turns` oldest turns, as `contents.turns_of` counts them."""
    dropped = sum(len(turn) for turn in turns_of(chat.messages)[:turns])
    return replace(chat, messages=chat.messages[dropped:])


def _part(part: Part, rewrite: Rewrite) -> Part:
    if isinstance(part, ToolCall):
        return replace(part, arguments=_json_text(part.arguments, rewrite))
    if isinstance(part, ToolResult):
        return replace(part, parts=tuple(_shown(inner, rewrite) for inner in part.parts))
    if isinstance(part, Thinking):
        return _thinking(part, rewrite)
    return _shown(part, rewrite)


def _shown(part: Text | Image, rewrite: Rewrite) -> Text | Image:
    if isinstance(part, Text):
        return replace(part, text=rewrite(part.text))
    return part if part.url is None else replace(part, url=rewrite(part.url))


def _thinking(part: Thinking, rewrite: Rewrite) -> Thinking:
    """A changed text no longer has its vendor's signature."""
    text = rewrite(part.text)
    return part if text == part.text else Thinking(text)


def _tool(tool: Tool, rewrite: Rewrite) -> Tool:
    return replace(tool, description=rewrite(tool.description), schema=_raw(tool.schema, rewrite))


def _schema(schema: OutputSchema | None, rewrite: Rewrite) -> OutputSchema | None:
    if schema is None or schema.schema is None:
        return schema
    return replace(schema, schema=_raw(schema.schema, rewrite))


def _raw(raw: Raw, rewrite: Rewrite) -> Raw:
    return Raw(json.encode(_value(json.decode(raw), rewrite)))


def _json_text(text: str, rewrite: Rewrite) -> str:
    """JSON stays JSON; what a model wrote need not be JSON."""
    try:
        value = json.decode(text)
    except (ValueError, RecursionError):
        return rewrite(text)
    return json.encode(_value(value, rewrite)).decode()


def _value(value: Any, rewrite: Rewrite) -> Any:
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, dict):
        return {rewrite(name): _value(inner, rewrite) for name, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner, rewrite) for inner in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A card number is one with or without quotation marks.
        changed = rewrite(str(value))
        return value if changed == str(value) else changed
    return value
