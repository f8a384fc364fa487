"""Messages and their blocks in Anthropic's shapes, and what they mean in ours."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.json import Encoder

from routerctl.providers.types import (
    REDACTED_THINKING,
    Image,
    Message,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from routerctl.wire import images
from routerctl.wire.strict import invalid

_encode = Encoder().encode

Name = Annotated[str, Meta(min_length=1, max_length=128)]


class CacheControl(Struct, forbid_unknown_fields=True):
    """Only the lifetime whose price the catalog has: an hour in the cache costs more to write."""

    type: Literal["ephemeral"]
    ttl: Literal["5m"] | None = None


class TextBlock(Struct, tag="text", forbid_unknown_fields=True):
    """`citations` come back as the SDK's models write them; they belong to documents, which are
    not served."""

    text: str
    cache_control: CacheControl | None = None
    citations: Any = None


class Base64Source(Struct, tag="base64", forbid_unknown_fields=True):
    media_type: str
    data: str


class UrlSource(Struct, tag="url", forbid_unknown_fields=True):
    url: str


class ImageBlock(Struct, tag="image", forbid_unknown_fields=True):
    source: Base64Source | UrlSource
    cache_control: CacheControl | None = None
    transformations: Any = None


class ToolUseBlock(Struct, tag="tool_use", forbid_unknown_fields=True):
    id: Name
    name: Name
    input: dict[str, Any]
    cache_control: CacheControl | None = None
    caller: Any = None
    toolset_name: None = None


class ToolResultBlock(Struct, tag="tool_result", forbid_unknown_fields=True):
    tool_use_id: Name
    content: str | list[TextBlock | ImageBlock] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None
    toolset_name: None = None


class ThinkingBlock(Struct, tag="thinking", forbid_unknown_fields=True):
    thinking: str
    signature: str


class RedactedBlock(Struct, tag="redacted_thinking", forbid_unknown_fields=True):
    data: str


UserBlock = TextBlock | ImageBlock | ToolResultBlock
AssistantBlock = TextBlock | ToolUseBlock | ThinkingBlock | RedactedBlock


class UserMessage(Struct, tag_field="role", tag="user", forbid_unknown_fields=True):
    content: str | Annotated[list[UserBlock], Meta(min_length=1)]


class AssistantMessage(Struct, tag_field="role", tag="assistant", forbid_unknown_fields=True):
    content: str | Annotated[list[AssistantBlock], Meta(min_length=1)]


class SystemMessage(Struct, tag_field="role", tag="system", forbid_unknown_fields=True):
    content: str | list[TextBlock]


AnyMessage = UserMessage | AssistantMessage | SystemMessage
Messages = Annotated[list[AnyMessage], Meta(min_length=1)]


def conversation(
    system: str | list[TextBlock] | None, sent: list[AnyMessage]
) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """The system text and the messages. What the system says between messages is moved to the
    front, because only there every vendor listens to it."""
    rules = list(_texts(system or ""))
    messages: list[Message] = []
    for position, message in enumerate(sent):
        content = message.content
        if isinstance(message, SystemMessage):
            rules.extend(_texts(message.content))
        elif isinstance(content, str):
            role: Literal["user", "assistant"] = (
                "user" if isinstance(message, UserMessage) else "assistant"
            )
            messages.append(Message(role, (Text(content),)))
        elif isinstance(message, UserMessage):
            messages.append(Message("user", _user_parts(message, f"messages[{position}].content")))
        else:
            parts = tuple(_assistant_part(block) for block in message.content)
            messages.append(Message("assistant", parts))
    if not messages:
        raise invalid("Give at least one message of a user.", "messages")
    return tuple(rules), tuple(messages)


def _texts(content: str | list[TextBlock]) -> tuple[Text, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    return tuple(_text(block) for block in content)


def _text(block: TextBlock) -> Text:
    return Text(block.text, block.cache_control is not None)


def _user_parts(message: UserMessage, path: str) -> tuple[Part, ...]:
    return tuple(
        _user_part(block, f"{path}[{place}]")
        for place, block in enumerate(message.content)
        if not isinstance(block, str)
    )


def _user_part(block: UserBlock, path: str) -> Part:
    if isinstance(block, TextBlock):
        return _text(block)
    if isinstance(block, ImageBlock):
        return _image(block, path)
    return _result(block, path)


def _image(block: ImageBlock, path: str) -> Image:
    source = block.source
    if isinstance(source, UrlSource):
        return images.from_url(source.url, None, f"{path}.source.url")
    return images.from_base64(source.media_type, source.data, f"{path}.source")


def _result(block: ToolResultBlock, path: str) -> ToolResult:
    content = block.content or ""
    if isinstance(content, str):
        parts: tuple[Text | Image, ...] = (Text(content),) if content else ()
    else:
        parts = tuple(
            _text(inner)
            if isinstance(inner, TextBlock)
            else _image(inner, f"{path}.content[{place}]")
            for place, inner in enumerate(content)
        )
    return ToolResult(block.tool_use_id, parts, block.is_error is True)


def _assistant_part(block: "AssistantBlock | str") -> Part:
    if isinstance(block, TextBlock):
        return _text(block)
    if isinstance(block, ToolUseBlock):
        return ToolCall(block.id, block.name, _encode(block.input).decode())
    if isinstance(block, ThinkingBlock):
        return Thinking(block.thinking, block.signature or None)
    assert isinstance(block, RedactedBlock)
    return Thinking("", REDACTED_THINKING + block.data)
