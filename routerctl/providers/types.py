"""One conversation, whoever speaks: the neutral request and answer between doors and adapters.

A door turns its wire format into a `ModelRequest`; an adapter turns that into a vendor's bytes
and the vendor's answer back into an `Answer` or a stream of events; a door writes those in its
own format. Nothing here knows a vendor.
"""

from typing import Literal

from msgspec import Raw, Struct

# --------------------------------------------------------------------------- conversation


class Text(Struct, frozen=True, tag="text"):
    text: str
    cache: bool = False
    """The client asked for a prompt-cache breakpoint after this part."""


class Image(Struct, frozen=True, tag="image"):
    """Either `url`, or `media_type` with base64 `data`."""

    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    detail: str | None = None


REDACTED_THINKING = "redacted:"
"""Begins the signature of reasoning that a vendor shows only as sealed data; the data follows."""


class Thinking(Struct, frozen=True, tag="thinking"):
    """A vendor's reasoning text with its opaque signature; only that vendor takes it back."""

    text: str = ""
    signature: str | None = None


class ToolCall(Struct, frozen=True, tag="tool_call"):
    """`arguments` is JSON text, as OpenAI writes it."""

    id: str
    name: str
    arguments: str = "{}"


class ToolResult(Struct, frozen=True, tag="tool_result"):
    call_id: str
    parts: "tuple[Text | Image, ...]" = ()
    is_error: bool = False
    name: str | None = None
    """The tool's name where the wire format gave it; adapters that need it look up the call."""


Part = Text | Image | Thinking | ToolCall | ToolResult


class Message(Struct, frozen=True):
    """`role` is user or assistant; tool results are parts of a user message. System text is in
    `ModelRequest.system`."""

    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]


class Tool(Struct, frozen=True):
    name: str
    description: str = ""
    schema: Raw = Raw(b'{"type":"object","properties":{}}')
    strict: bool | None = None


class ToolChoice(Struct, frozen=True):
    mode: Literal["auto", "none", "required", "tool"] = "auto"
    name: str | None = None
    parallel: bool | None = None


class OutputSchema(Struct, frozen=True):
    """The answer must be JSON; with `schema`, JSON of that schema."""

    schema: Raw | None = None
    name: str = "answer"
    strict: bool | None = None


class ModelRequest(Struct, frozen=True, kw_only=True):
    """All that an adapter needs beside the deployment. `max_output_tokens` is always set when
    it is sent: the router never leaves a bill open.

    `params` are the rest of what does not change the price, by their neutral names
    (temperature, top_p, top_k, stop, seed, presence_penalty, frequency_penalty, logit_bias,
    logprobs, top_logprobs, reasoning_effort, thinking_budget_tokens, verbosity), each as raw
    JSON. An adapter sends those its vendor has, in the vendor's spelling, and names the others
    in `UpstreamRequest.dropped`.
    """

    system: tuple[Text, ...] = ()
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    output_schema: OutputSchema | None = None
    max_output_tokens: int = 0
    stream: bool = False
    params: dict[str, Raw] = {}


class EmbeddingRequest(Struct, frozen=True):
    """`inputs` are texts, or lists of token ids as the client sent them."""

    inputs: "tuple[str, ...] | tuple[tuple[int, ...], ...]"
    dimensions: int | None = None
    base64: bool = False


class Usage(Struct, frozen=True):
    """Tokens as we count them everywhere: `input_tokens` includes cached reads and cache
    writes; `output_tokens` includes reasoning."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


FinishStatus = Literal["stop", "length", "tool_calls", "refused"]


class Answer(Struct, frozen=True, kw_only=True):
    """A whole answer. `usage` is None when the vendor did not say."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    thinking: tuple[Thinking, ...] = ()
    refusal: str | None = None
    finish_status: FinishStatus = "stop"
    stop_sequence: str | None = None
    usage: Usage | None = None
    provider_request_id: str | None = None
    logprobs: Raw | None = None


class Embeddings(Struct, frozen=True):
    vectors: "tuple[list[float] | str, ...]"
    """Floats, or base64 text where that was asked for and the vendor has it."""
    usage: Usage | None = None
    provider_request_id: str | None = None


# --------------------------------------------------------------------------- stream events


class TextDelta(Struct, frozen=True):
    text: str
    logprobs: Raw | None = None


class ThinkingDelta(Struct, frozen=True):
    text: str = ""
    signature: str | None = None


class RefusalDelta(Struct, frozen=True):
    text: str


class ToolCallDelta(Struct, frozen=True):
    """The first delta of a call has `id` and `name`; later ones add to `arguments`."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class Finish(Struct, frozen=True):
    """The vendor said how it ended. Always the last event of a complete stream, once."""

    finish_status: FinishStatus
    usage: Usage | None = None
    stop_sequence: str | None = None


StreamEvent = TextDelta | ThinkingDelta | RefusalDelta | ToolCallDelta | Finish
