"""`POST /v1/messages` as the Anthropic SDK sends it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct
from msgspec.json import Encoder
from msgspec.structs import replace

from routerctl.providers.types import (
    Message,
    ModelRequest,
    OutputSchema,
    Part,
    Text,
    Tool,
    ToolChoice,
)
from routerctl.wire.anthropic.blocks import CacheControl, Messages, Name, TextBlock, conversation
from routerctl.wire.assemble import Caller, chat_call
from routerctl.wire.claims import MetadataName, MetadataText, Tokens
from routerctl.wire.overrides import read
from routerctl.wire.spoken import Model, heard
from routerctl.wire.strict import invalid, parse_json
from routerctl.wire.types import KeyFacts, ParsedCall, Vocabulary

_encode = Encoder().encode

_ADAPTIVE_EFFORT = "high"
"""What Anthropic documents for adaptive thinking when no effort is named."""


class CustomTool(Struct, forbid_unknown_fields=True):
    """A tool that runs at the caller's. Hosted tools have types of their own, and prices."""

    name: Name
    input_schema: dict[str, Any]
    description: str | None = None
    type: Literal["custom"] | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None
    eager_input_streaming: bool | None = None


class Choice(Struct, forbid_unknown_fields=True):
    type: Literal["auto", "any", "tool", "none"]
    name: Name | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingConfig(Struct, forbid_unknown_fields=True):
    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: Tokens | None = None
    display: Literal["summarized", "omitted"] | None = None


class OutputFormat(Struct, forbid_unknown_fields=True):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(Struct, forbid_unknown_fields=True):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: OutputFormat | None = None


class MessagesBody(Struct, forbid_unknown_fields=True):
    """`output_format` is the older place of `output_config.format`."""

    model: Model
    max_tokens: Tokens
    messages: Messages
    system: str | list[TextBlock] | None = None
    tools: list[CustomTool] | None = None
    tool_choice: Choice | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    thinking: ThinkingConfig | None = None
    stop_sequences: Annotated[list[str], Meta(max_length=64)] | None = None
    stream: bool | None = None
    metadata: dict[MetadataName, MetadataText | None] | None = None
    cache_control: CacheControl | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    speed: Literal["standard"] | None = None


_PASSED_ON = ("temperature", "top_p", "top_k")


def parse(
    body: bytes, headers: Mapping[str, str], key: KeyFacts, words: Vocabulary, trace_id: str
) -> ParsedCall:
    """The call in `body`. Raises RouterError invalid_request or model_not_selectable."""
    value = parse_json(body)
    _refuse_hosted_tools(value)
    sent, dropped = read(value, MessagesBody, key.legacy)
    metadata = {name: text for name, text in (sent.metadata or {}).items() if text is not None}
    metadata.pop("user_id", None)  # Anthropic's own; our user is X-User or metadata.user
    said, metadata, ignored = heard(sent.model, headers, metadata, key.legacy)
    chat = _chat(sent, value)
    return chat_call(
        Caller(key, words, trace_id, ignored + dropped),
        said,
        metadata,
        chat,
        body_bytes=len(body),
        echo_model=sent.model,
        needs=("prefill",) if chat.messages[-1].role == "assistant" else (),
    )


def _chat(sent: MessagesBody, value: dict[str, Any]) -> ModelRequest:
    system, messages = conversation(sent.system, sent.messages)
    if sent.cache_control is not None:
        messages = (*messages[:-1], _cached(messages[-1]))
    return ModelRequest(
        system=system,
        messages=messages,
        tools=tuple(_tool(tool) for tool in sent.tools or ()),
        tool_choice=_tool_choice(sent.tool_choice),
        output_schema=_output_schema(sent),
        max_output_tokens=sent.max_tokens,
        stream=sent.stream is True,
        params=_params(sent, value),
    )


def _params(sent: MessagesBody, value: dict[str, Any]) -> dict[str, Raw]:
    params = {name: Raw(_encode(value[name])) for name in _PASSED_ON if value.get(name) is not None}
    if sent.stop_sequences:
        params["stop"] = Raw(_encode(sent.stop_sequences))
    effort: str | None = sent.output_config.effort if sent.output_config is not None else None
    if sent.thinking is not None:
        if sent.thinking.type == "adaptive":
            effort = effort or _ADAPTIVE_EFFORT
        else:
            params["thinking_budget_tokens"] = Raw(_encode(_budget(sent.thinking)))
    if effort is not None:
        params["reasoning_effort"] = Raw(_encode(effort))
    return params


def _budget(thinking: ThinkingConfig) -> int:
    """Zero says that nothing shall be thought."""
    if thinking.type == "disabled":
        return 0
    if thinking.budget_tokens is None:
        raise invalid("Enabled thinking needs a budget.", "thinking.budget_tokens")
    return thinking.budget_tokens


def _cached(message: Message) -> Message:
    """`message` with a cache breakpoint after its last text."""
    parts: list[Part] = list(message.parts)
    for place in range(len(parts) - 1, -1, -1):
        part = parts[place]
        if isinstance(part, Text):
            parts[place] = replace(part, cache=True)
            break
    return Message(message.role, tuple(parts))


def _tool(tool: CustomTool) -> Tool:
    schema = Raw(_encode(tool.input_schema))
    return Tool(tool.name, tool.description or "", schema, tool.strict)


def _tool_choice(choice: Choice | None) -> ToolChoice | None:
    if choice is None:
        return None
    parallel = (
        None if choice.disable_parallel_tool_use is None else not (choice.disable_parallel_tool_use)
    )
    if choice.type == "tool":
        if choice.name is None:
            raise invalid("Name the tool.", "tool_choice.name")
        return ToolChoice("tool", choice.name, parallel)
    return ToolChoice("required" if choice.type == "any" else choice.type, None, parallel)


def _output_schema(sent: MessagesBody) -> OutputSchema | None:
    wanted = (sent.output_config.format if sent.output_config else None) or sent.output_format
    return None if wanted is None else OutputSchema(Raw(_encode(wanted.schema)))


def _refuse_hosted_tools(value: dict[str, Any]) -> None:
    """Told apart from misspelt tools, because the reason is another."""
    tools = value.get("tools")
    if not isinstance(tools, list):
        return
    for place, tool in enumerate(tools):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind not in (None, "custom"):
            message = "Hosted tools are not served, because their price cannot be bounded."
            raise invalid(message, f"tools[{place}].type")
