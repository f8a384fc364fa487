"""What the Anthropic door writes is what the official SDK's own types expect."""

import json
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.shared import ErrorResponse
from pydantic import TypeAdapter

from routerctl.engine.errors import CATALOGUE
from routerctl.providers.types import (
    Answer,
    Finish,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
)
from routerctl.wire import anthropic
from tests.wire.builders import TRACE, failure, messages, result, sse_events, written

EVENT: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)


def whole(answer: Answer | None = None, **facts: Any) -> Message:
    body = anthropic.renderer(messages({})).whole(result(answer, **facts))
    return Message.model_validate_json(body, strict=True)


def stream(*events: StreamEvent, **facts: Any) -> list[RawMessageStreamEvent]:
    text = written(anthropic.renderer(messages({"stream": True})), *events, **facts)
    parsed = []
    for name, data in sse_events(text):
        event = EVENT.validate_json(data, strict=True)
        assert event.type == name
        parsed.append(event)
    return parsed


def shape(events: list[RawMessageStreamEvent]) -> list[str]:
    """Each event in a word: what began, what came, what ended."""
    words = []
    for event in events:
        if event.type == "content_block_start":
            words.append(f"{event.index}+{event.content_block.type}")
        elif event.type == "content_block_delta":
            words.append(f"{event.index}.{event.delta.type}")
        elif event.type == "content_block_stop":
            words.append(f"{event.index}-")
        else:
            words.append(event.type)
    return words


# --------------------------------------------------------------------------- whole answers


def test_a_text_answer_is_a_message() -> None:
    message = whole(echo_model="task:chat")
    assert message.id == f"msg_{TRACE}"
    assert (message.model, message.stop_reason) == ("task:chat", "end_turn")
    assert [block.type for block in message.content] == ["text"]


def test_usage_counts_the_cache_beside_the_input() -> None:
    usage = whole().usage
    assert usage.input_tokens == 15
    assert usage.cache_read_input_tokens == 100
    assert usage.cache_creation_input_tokens == 5
    assert usage.output_tokens == 40


def test_thoughts_come_first_then_text_then_tool_calls() -> None:
    message = whole(
        Answer(
            text="Let me look.",
            thinking=(Thinking("Hm.", "sig"), Thinking("", "redacted:sealed")),
            tool_calls=(ToolCall("t1", "look_up", '{"id":7}'),),
            finish_status="tool_calls",
        )
    )
    thinking, sealed, text, call = message.content
    assert thinking.type == "thinking"
    assert (thinking.thinking, thinking.signature) == ("Hm.", "sig")
    assert sealed.type == "redacted_thinking"
    assert sealed.data == "sealed"
    assert text.type == "text"
    assert call.type == "tool_use"
    assert call.input == {"id": 7}
    assert message.stop_reason == "tool_use"


def test_arguments_that_are_no_json_object_still_make_a_block_that_can_be_read() -> None:
    calls = (ToolCall("t1", "f", '{"cut":'), ToolCall("t2", "f", ""), ToolCall("t3", "f", "[1]"))
    for block in whole(Answer(tool_calls=calls)).content:
        assert block.type == "tool_use"
        assert isinstance(block.input, dict)


@pytest.mark.parametrize(
    ("answer", "reason", "sequence"),
    [
        (Answer(text="a", finish_status="length"), "max_tokens", None),
        (Answer(finish_status="refused"), "refusal", None),
        (Answer(refusal="I cannot.", finish_status="refused"), "refusal", None),
        (Answer(text="a", stop_sequence="END"), "stop_sequence", "END"),
    ],
    ids=["length", "refused", "refused in words", "stop sequence"],
)
def test_every_ending_has_its_reason(answer: Answer, reason: str, sequence: str | None) -> None:
    message = whole(answer)
    assert (message.stop_reason, message.stop_sequence) == (reason, sequence)


# --------------------------------------------------------------------------- streams


def test_a_stream_of_text_is_one_block() -> None:
    events = stream(TextDelta("Good "), TextDelta("morn\n\ning ☀"))
    assert shape(events) == [
        "message_start", "0+text", "0.text_delta", "0.text_delta", "0-", "message_delta",
        "message_stop",
    ]  # fmt: skip
    assert events[0].type == "message_start"
    assert events[0].message.stop_reason is None


def test_blocks_open_and_close_one_after_the_other() -> None:
    events = stream(
        ThinkingDelta("Hm."),
        ThinkingDelta(signature="sig"),
        ThinkingDelta(signature="redacted:sealed"),
        TextDelta("Let me look."),
        ToolCallDelta(0, "t1", "look_up"),
        ToolCallDelta(0, arguments='{"id"'),
        ToolCallDelta(0, arguments=":7}"),
        ToolCallDelta(1, "t2", "look_up", "{}"),
        finish_status="tool_calls",
    )
    assert shape(events) == [
        "message_start",
        "0+thinking", "0.thinking_delta", "0.signature_delta", "0-",
        "1+redacted_thinking", "1-",
        "2+text", "2.text_delta", "2-",
        "3+tool_use", "3.input_json_delta", "3.input_json_delta", "3-",
        "4+tool_use", "4.input_json_delta", "4-",
        "message_delta", "message_stop",
    ]  # fmt: skip
    last = events[-2]
    assert last.type == "message_delta"
    assert last.delta.stop_reason == "tool_use"
    assert (last.usage.input_tokens, last.usage.output_tokens) == (15, 40)


def test_pieces_of_calls_that_alternate_go_to_their_own_blocks() -> None:
    events = stream(
        ToolCallDelta(0, "t1", "f"),
        ToolCallDelta(1, "t2", "f"),
        ToolCallDelta(0, arguments="{}"),
        ToolCallDelta(1, arguments="[]"),
    )
    pieces = {e.index: e.delta for e in events if e.type == "content_block_delta"}
    assert {n: d.partial_json for n, d in pieces.items() if d.type == "input_json_delta"} == {
        0: "{}",
        1: "[]",
    }


def test_a_refusal_in_words_streams_as_text() -> None:
    events = stream(RefusalDelta("I cannot."), finish_status="refused")
    assert "0.text_delta" in shape(events)


def test_a_stop_sequence_stands_at_the_end() -> None:
    last = stream(TextDelta("a"), Finish("stop", stop_sequence="END"))[-2]
    assert last.type == "message_delta"
    assert (last.delta.stop_reason, last.delta.stop_sequence) == ("stop_sequence", "END")


def test_a_stream_that_fails_ends_with_the_error_and_never_with_message_stop() -> None:
    renderer = anthropic.renderer(messages({"stream": True}))
    begun = renderer.begin(result()) + renderer.event(TextDelta("a")) + renderer.keep_alive()
    events = sse_events((begun + renderer.end(failure("provider_error"))).decode())
    assert [name for name, _ in events][-2:] == ["content_block_delta", "error"]
    assert ErrorResponse.model_validate_json(events[-1][1]).request_id == TRACE


# --------------------------------------------------------------------------- errors

NEWER_THAN_THE_SDK = {"request_too_large", "conflict_error"}
"""Types that the API sends and the SDK's error objects do not list; it goes by the status."""


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_error_of_the_catalogue_stands_in_the_envelope(code: str) -> None:
    body = anthropic.error_renderer().whole(failure(code))
    said = json.loads(body)
    assert said["type"] == "error"
    assert said["error"]["code"] == code
    if said["error"]["type"] not in NEWER_THAN_THE_SDK:
        assert ErrorResponse.model_validate_json(body).error.message


def test_details_stand_beside_the_message() -> None:
    body = anthropic.error_renderer().whole(failure("invalid_request", details={"path": "model"}))
    assert json.loads(body)["error"]["details"] == {"path": "model"}
