"""Redaction reaches every text that would be sent, and a route's prompt comes first."""

import json
from typing import Any

from msgspec import Raw

from routerctl.providers.types import (
    EmbeddingRequest,
    Image,
    Message,
    ModelRequest,
    OutputSchema,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from routerctl.wire.contents import contents_of
from routerctl.wire.rewrite import rewrite_inputs, rewrite_texts, with_system

CARD = "4111111111111111"


def redact(text: str) -> str:
    return text.replace(CARD, "[card]")


def parsed(raw: Raw) -> Any:
    return json.loads(bytes(raw))


EVERYWHERE = ModelRequest(
    system=(Text(f"s {CARD}", cache=True),),
    messages=(
        Message("user", (Text(f"u {CARD}"), Image(url=f"https://x.example/{CARD}"))),
        Message(
            "assistant",
            (
                Thinking(f"t {CARD}", "sig"),
                ToolCall("c", "pay", json.dumps({"card": int(CARD), "note": [f"n {CARD}"]})),
                ToolCall("d", "pay", f"no json {CARD}"),
            ),
        ),
        Message("user", (ToolResult("c", (Text(f"r {CARD}"),)),)),
    ),
    tools=(Tool("pay", f"d {CARD}", Raw(b'{"default":"' + CARD.encode() + b'"}')),),
    output_schema=OutputSchema(Raw(b'{"enum":["' + CARD.encode() + b'"]}')),
)


def test_no_text_that_would_be_sent_escapes_redaction() -> None:
    clean = rewrite_texts(EVERYWHERE, redact)
    assert all(CARD not in text for text in contents_of(clean).texts)
    assert CARD in " ".join(contents_of(EVERYWHERE).texts)


def test_everything_else_stays_as_it_was() -> None:
    clean = rewrite_texts(EVERYWHERE, redact)
    assert clean.system == (Text("s [card]", cache=True),)
    assert clean.messages[0].parts[1] == Image(url="https://x.example/[card]")
    call = clean.messages[1].parts[1]
    assert isinstance(call, ToolCall)
    assert json.loads(call.arguments) == {"card": "[card]", "note": ["n [card]"]}
    assert parsed(clean.tools[0].schema) == {"default": "[card]"}
    untouched = rewrite_texts(clean, redact)
    assert contents_of(untouched).texts == contents_of(clean).texts


def test_a_thought_that_was_changed_loses_its_signature_and_others_keep_theirs() -> None:
    (changed, *_) = rewrite_texts(EVERYWHERE, redact).messages[1].parts
    assert changed == Thinking("t [card]")
    sealed = ModelRequest(messages=(Message("assistant", (Thinking("Hm.", "sig"),)),))
    assert rewrite_texts(sealed, redact).messages == sealed.messages


def test_a_routes_prompt_stands_before_what_the_client_says() -> None:
    chat = with_system(ModelRequest(system=(Text("Be kind."),)), "Be strict.")
    assert chat.system == (Text("Be strict."), Text("Be kind."))


def test_texts_to_be_embedded_are_redacted_and_token_ids_left_alone() -> None:
    clean = rewrite_inputs(EmbeddingRequest((f"a {CARD}", "b"), dimensions=8), redact)
    assert clean == EmbeddingRequest(("a [card]", "b"), dimensions=8)
    tokens = EmbeddingRequest(((1, 2), (3,)))
    assert rewrite_inputs(tokens, redact) == tokens
