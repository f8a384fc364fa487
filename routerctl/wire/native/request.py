"""`POST /v1/generate`: what is wanted, said in our own words.

Messages and tools have OpenAI's shapes. There is no parameter of any vendor: what the answer
should be like is the route's business.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw
from msgspec.json import Encoder

from routerctl.providers.types import Message, ModelRequest, OutputSchema, Text
from routerctl.wire.assemble import Caller, chat_call
from routerctl.wire.claims import Claims, Metadata, Tokens, gathered
from routerctl.wire.openai.messages import (
    FunctionTool,
    Messages,
    conversation,
    tools_of,
)
from routerctl.wire.overrides import admit_metadata, read
from routerctl.wire.strict import invalid, parse_json
from routerctl.wire.types import KeyFacts, ParsedCall, Vocabulary

_encode = Encoder().encode


class GenerateBody(Claims, forbid_unknown_fields=True):
    """`input` or `messages`; all else is optional."""

    input: str | None = None
    messages: Messages | None = None
    max_output_tokens: Tokens | None = None
    output_schema: dict[str, Any] | None = None
    tools: list[FunctionTool] | None = None
    stream: bool | None = None
    metadata: Metadata | None = None


def parse(
    body: bytes,
    headers: Mapping[str, str],  # noqa: ARG001 - the doors share one signature
    key: KeyFacts,
    words: Vocabulary,
    trace_id: str,
) -> ParsedCall:
    """The call in `body`; `headers` say nothing here.

    Raises RouterError invalid_request or model_not_selectable.
    """
    value = parse_json(body)
    sent, dropped = read(value, GenerateBody, key.legacy)
    metadata, unusable = admit_metadata(sent.metadata or {}, key.legacy)
    chat = _chat(sent)
    caller = Caller(key, words, trace_id, dropped + unusable)
    return chat_call(caller, gathered(sent, value), metadata, chat, body_bytes=len(body))


def _chat(sent: GenerateBody) -> ModelRequest:
    system: tuple[Text, ...] = ()
    if sent.messages is not None:
        if sent.input is not None:
            raise invalid("Give input or messages, not both.", "input")
        system, messages = conversation(sent.messages)
    elif sent.input:
        messages = (Message("user", (Text(sent.input),)),)
    else:
        raise invalid("Give input or messages.", "input")
    # An empty schema allows everything: it is the same as none.
    schema = OutputSchema(Raw(_encode(sent.output_schema))) if sent.output_schema else None
    return ModelRequest(
        system=system,
        messages=messages,
        tools=tools_of(sent.tools),
        output_schema=schema,
        max_output_tokens=sent.max_output_tokens or 0,
        stream=sent.stream is True,
    )
