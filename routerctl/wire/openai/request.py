"""`POST /v1/chat/completions` as the OpenAI SDK sends it."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct
from msgspec.json import Encoder

from routerctl.providers.types import ModelRequest
from routerctl.wire.assemble import Caller, chat_call
from routerctl.wire.claims import Metadata, Tokens
from routerctl.wire.openai.messages import (
    AnyFormat,
    AnyToolChoice,
    FunctionTool,
    Messages,
    conversation,
    output_schema_of,
    tool_choice_of,
    tools_of,
)
from routerctl.wire.overrides import read
from routerctl.wire.spoken import Model, heard
from routerctl.wire.strict import invalid, parse_json
from routerctl.wire.types import KeyFacts, ParsedCall, Vocabulary

_encode = Encoder().encode

Number = int | float
Stop = Annotated[str, Meta(min_length=1)]


class StreamOptions(Struct, forbid_unknown_fields=True):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatBody(Struct, forbid_unknown_fields=True):
    """Everything the SDK can send. Fields of type Any are either refused (`_UNPRICED`,
    `_UNSERVED`) or have no meaning here: storage and vendor-side caching."""

    model: Model
    messages: Messages
    tools: list[FunctionTool] | None = None
    tool_choice: AnyToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: AnyFormat | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    metadata: Metadata | None = None
    temperature: Number | None = None
    top_p: Number | None = None
    stop: Stop | Annotated[list[Stop], Meta(max_length=16)] | None = None
    seed: int | None = None
    presence_penalty: Number | None = None
    frequency_penalty: Number | None = None
    logit_bias: dict[str, Number] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    reasoning_effort: Annotated[str, Meta(max_length=16)] | None = None
    verbosity: Annotated[str, Meta(max_length=16)] | None = None
    n: int | None = None
    service_tier: str | None = None
    modalities: list[str] | None = None
    audio: Any = None
    prediction: Any = None
    web_search_options: Any = None
    functions: Any = None
    function_call: Any = None
    moderation: Any = None
    user: Any = None
    store: Any = None
    safety_identifier: Any = None
    prompt_cache_key: Any = None
    prompt_cache_retention: Any = None
    prompt_cache_options: Any = None


_PASSED_ON = frozenset(
    (
        "temperature",
        "top_p",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "reasoning_effort",
        "verbosity",
    )
)
"""Parameters that keep their names and do not change the price."""

_UNPRICED = ("audio", "prediction", "web_search_options")
_UNSERVED = {
    "functions": "Use tools.",
    "function_call": "Use tool_choice.",
    "moderation": "Moderation of another vendor is not served.",
}

_CAREFUL = frozenset(("n", "service_tier", "modalities", *_UNPRICED, *_UNSERVED))
"""Fields that are known in order to be refused with a reason."""


def parse(
    body: bytes,
    headers: Mapping[str, str],
    key: KeyFacts,
    words: Vocabulary,
    trace_id: str,
) -> ParsedCall:
    """The call in `body`. Raises RouterError invalid_request or model_not_selectable."""
    value = parse_json(body)
    sent, dropped = read(value, ChatBody, key.legacy)
    if not _CAREFUL.isdisjoint(value):
        _refuse_unpriced(sent)
    chat = _chat(sent, value)
    said, metadata, ignored = heard(sent.model, headers, sent.metadata or {}, key.legacy)
    options = sent.stream_options
    return chat_call(
        Caller(key, words, trace_id, ignored + dropped),
        said,
        metadata,
        chat,
        body_bytes=len(body),
        echo_model=sent.model,
        include_usage=options is not None and options.include_usage is True,
    )


def _chat(sent: ChatBody, value: dict[str, Any]) -> ModelRequest:
    system, messages = conversation(sent.messages)
    params = {
        name: Raw(_encode(given))
        for name, given in value.items()
        if name in _PASSED_ON and given is not None
    }
    if sent.stop:
        stop = [sent.stop] if type(sent.stop) is str else sent.stop
        params["stop"] = Raw(_encode(stop))
    return ModelRequest(
        system=system,
        messages=messages,
        tools=tools_of(sent.tools),
        tool_choice=tool_choice_of(sent.tool_choice, sent.parallel_tool_calls),
        output_schema=output_schema_of(sent.response_format),
        max_output_tokens=sent.max_completion_tokens or sent.max_tokens or 0,
        stream=sent.stream is True,
        params=params,
    )


def _refuse_unpriced(sent: ChatBody) -> None:
    """What changes the price is refused until a hold can bound it."""
    if sent.n is not None and sent.n != 1:
        raise invalid("Only one choice is served.", "n")
    if sent.service_tier not in (None, "auto", "default"):
        raise invalid("Only the default tier is served.", "service_tier")
    if sent.modalities is not None and sent.modalities != ["text"]:
        raise invalid("Only text is served.", "modalities")
    for name in _UNPRICED:
        if getattr(sent, name) is not None:
            raise invalid("This is not served, because its price cannot be bounded.", name)
    for name, instead in _UNSERVED.items():
        if getattr(sent, name) is not None:
            raise invalid(f"This field is not served. {instead}", name)
