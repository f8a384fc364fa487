"""Messages, tools and schemas in OpenAI's shapes, and what they mean in ours.

The native door takes the same shapes: one spelling for whoever writes to this server.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.json import Encoder

from routerctl.providers.types import (
    Image,
    Message,
    OutputSchema,
    Part,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from routerctl.wire import images
from routerctl.wire.strict import invalid

_encode = Encoder().encode

Name = Annotated[str, Meta(min_length=1, max_length=128)]


class TextPart(Struct, tag="text", forbid_unknown_fields=True):
    text: str
    prompt_cache_breakpoint: dict[str, Any] | None = None


class ImageUrl(Struct, forbid_unknown_fields=True):
    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(Struct, tag="image_url", forbid_unknown_fields=True):
    image_url: ImageUrl
    prompt_cache_breakpoint: dict[str, Any] | None = None


class RefusalPart(Struct, tag="refusal", forbid_unknown_fields=True):
    refusal: str


class CalledFunction(Struct, forbid_unknown_fields=True):
    """`parsed_arguments` come back as the SDK's models write them; `arguments` say the same."""

    name: Name
    arguments: str
    parsed_arguments: Any = None


class FunctionCall(Struct, forbid_unknown_fields=True):
    id: Name
    function: CalledFunction
    type: Literal["function"] = "function"
    index: int | None = None
    """Old clients send back what they put together from a stream."""


class SystemMessage(Struct, tag_field="role", tag="system", forbid_unknown_fields=True):
    content: str | list[TextPart]
    name: str | None = None


class DeveloperMessage(Struct, tag_field="role", tag="developer", forbid_unknown_fields=True):
    content: str | list[TextPart]
    name: str | None = None


class UserMessage(Struct, tag_field="role", tag="user", forbid_unknown_fields=True):
    content: str | list[TextPart | ImagePart]
    name: str | None = None


class AssistantMessage(Struct, tag_field="role", tag="assistant", forbid_unknown_fields=True):
    """`audio`, `function_call` and `annotations` come back as the SDK's models write them; only
    their absence is understood. So does `parsed`, which says what `content` says."""

    content: str | list[TextPart | RefusalPart] | None = None
    refusal: str | None = None
    tool_calls: list[FunctionCall] | None = None
    name: str | None = None
    audio: None = None
    function_call: None = None
    annotations: Annotated[list[Any], Meta(max_length=0)] | None = None
    parsed: Any = None


class ToolMessage(Struct, tag_field="role", tag="tool", forbid_unknown_fields=True):
    content: str | list[TextPart]
    tool_call_id: Name
    name: str | None = None


AnyMessage = UserMessage | AssistantMessage | SystemMessage | ToolMessage | DeveloperMessage
Messages = Annotated[list[AnyMessage], Meta(min_length=1)]


class Function(Struct, forbid_unknown_fields=True):
    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Struct, forbid_unknown_fields=True):
    function: Function
    type: Literal["function"] = "function"


class NamedFunction(Struct, forbid_unknown_fields=True):
    name: Name


class NamedChoice(Struct, forbid_unknown_fields=True):
    function: NamedFunction
    type: Literal["function"] = "function"


AnyToolChoice = Literal["none", "auto", "required"] | NamedChoice


class JsonSchema(Struct, forbid_unknown_fields=True):
    name: Name
    schema: dict[str, Any] | UnsetType = UNSET
    description: str | None = None
    strict: bool | None = None


class TextFormat(Struct, tag="text", forbid_unknown_fields=True):
    pass


class ObjectFormat(Struct, tag="json_object", forbid_unknown_fields=True):
    pass


class SchemaFormat(Struct, tag="json_schema", forbid_unknown_fields=True):
    json_schema: JsonSchema


AnyFormat = TextFormat | ObjectFormat | SchemaFormat


def conversation(
    sent: list[AnyMessage],
) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """The system text and the messages. System and developer messages become one system text,
    wherever they stand; results of tools that were called together become one user message."""
    system: list[Text] = []
    messages: list[Message] = []
    results: list[Part] = []
    for position, message in enumerate(sent):
        if results and not isinstance(message, ToolMessage):
            messages.append(Message("user", tuple(results)))
            results = []
        if isinstance(message, UserMessage):
            messages.append(Message("user", _user_parts(message.content, position)))
        elif isinstance(message, AssistantMessage):
            messages.append(Message("assistant", _assistant_parts(message, position)))
        elif isinstance(message, ToolMessage):
            results.append(_result(message))
        else:
            system += _texts(message.content)
    if results:
        messages.append(Message("user", tuple(results)))
    if not messages:
        # OpenAI answers a system message alone; other vendors want somebody to have spoken.
        return (), (Message("user", tuple(system)),)
    return tuple(system), tuple(messages)


def tools_of(sent: list[FunctionTool] | None) -> tuple[Tool, ...]:
    return tuple(_tool(tool.function) for tool in sent) if sent else ()


def tool_choice_of(choice: AnyToolChoice | None, parallel: bool | None) -> ToolChoice | None:
    if choice is None:
        return None if parallel is None else ToolChoice(parallel=parallel)
    if isinstance(choice, NamedChoice):
        return ToolChoice("tool", choice.function.name, parallel)
    return ToolChoice(choice, None, parallel)


def output_schema_of(sent: AnyFormat | None) -> OutputSchema | None:
    if sent is None or type(sent) is TextFormat:
        return None
    if isinstance(sent, SchemaFormat):
        wanted = sent.json_schema
        schema = None if wanted.schema is UNSET else Raw(_encode(wanted.schema))
        return OutputSchema(schema, wanted.name, wanted.strict)
    return OutputSchema()


def _texts(content: str | list[TextPart]) -> tuple[Text, ...]:
    if isinstance(content, str):
        return (Text(content),)
    return tuple(Text(part.text, part.prompt_cache_breakpoint is not None) for part in content)


def _user_parts(content: str | list[TextPart | ImagePart], position: int) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),)
    if not content:
        raise invalid("The content is empty.", f"messages[{position}].content")
    return tuple(
        Text(part.text, part.prompt_cache_breakpoint is not None)
        if isinstance(part, TextPart)
        else _image(part.image_url, f"messages[{position}].content[{place}].image_url.url")
        for place, part in enumerate(content)
    )


def _image(sent: ImageUrl, path: str) -> Image:
    return images.from_url(sent.url, sent.detail, path)


def _assistant_parts(message: AssistantMessage, position: int) -> tuple[Part, ...]:
    content, calls = message.content, message.tool_calls
    if isinstance(content, str) and not calls and not message.refusal:
        return (Text(content),)
    parts: list[Part] = []
    if isinstance(content, str):
        parts += [Text(content)] if content else []
    elif content is not None:
        parts += [_said(part) for part in content]
    if message.refusal:
        parts.append(Text(message.refusal))
    if calls:
        parts += [ToolCall(call.id, call.function.name, call.function.arguments) for call in calls]
    if not parts:
        raise invalid("Give content or tool_calls.", f"messages[{position}]")
    return tuple(parts)


def _said(part: TextPart | RefusalPart) -> Text:
    return Text(part.text if isinstance(part, TextPart) else part.refusal)


def _result(message: ToolMessage) -> ToolResult:
    return ToolResult(message.tool_call_id, _texts(message.content), False, message.name)


def _tool(function: Function) -> Tool:
    if function.parameters is None:
        return Tool(function.name, function.description or "", strict=function.strict)
    schema = Raw(_encode(function.parameters))
    return Tool(function.name, function.description or "", schema, function.strict)
