"""The native answer: the same fields whoever answered, and always all of them."""

import json

from routerctl.providers.types import (
    Answer,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
)
from routerctl.wire import native
from routerctl.wire.types import Degraded
from tests.wire.builders import TRACE, failure, generate, result, sse_events, written

FIELDS = {
    "trace_id", "status", "output_text", "tool_calls", "finish_status", "usage", "safety_flags",
    "degraded", "route", "provider", "model",
}  # fmt: skip
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "look_up", "arguments": '{"id":7}'},
}


def test_a_plain_answer_has_every_field_and_no_error() -> None:
    answer = json.loads(native.renderer(generate({"input": "x"})).whole(result()))
    assert set(answer) == FIELDS
    assert answer["trace_id"] == TRACE
    assert answer["output_text"] == "Good morning."
    assert answer["usage"] == {
        "input_tokens": 120,
        "output_tokens": 40,
        "cached_input_tokens": 100,
        "reasoning_tokens": 7,
    }
    assert (answer["route"], answer["provider"], answer["model"]) == (None, None, None)
    assert answer["degraded"] is None


def test_a_degraded_answer_says_what_was_done_and_why() -> None:
    notice = Degraded("cap_reached", "cheaper", "The daily cap is used up.")
    body = native.error_renderer().whole(
        result(status="degraded", degraded=notice, route="r", provider="p", model="m")
    )
    answer = json.loads(body)
    assert answer["degraded"] == {
        "reason": "cap_reached",
        "action": "cheaper",
        "message": "The daily cap is used up.",
    }
    assert (answer["route"], answer["provider"], answer["model"]) == ("r", "p", "m")


def test_an_error_has_the_same_fields_and_the_error() -> None:
    answer = json.loads(native.error_renderer().whole(failure("cap_reached", details={"cap": "c"})))
    assert set(answer) == FIELDS | {"error"}
    assert answer["error"] == {
        "code": "cap_reached",
        "message": "A spend cap is used up.",
        "retryable": False,
        "retry_after_s": None,
        "trace_id": TRACE,
        "details": {"cap": "c"},
    }


def test_before_authentication_there_is_no_trace_to_name() -> None:
    answer = json.loads(native.error_renderer().whole(failure("auth_failed", trace_id="")))
    assert answer["trace_id"] is None
    assert answer["error"]["trace_id"] is None


def test_a_tool_call_can_be_sent_back_as_it_came() -> None:
    calls = (ToolCall("call_1", "look_up", '{"id":7}'),)
    body = native.error_renderer().whole(result(Answer(tool_calls=calls)))
    told = json.loads(body)["tool_calls"]
    assert told == [CALL]
    back = generate({"messages": [{"role": "assistant", "content": None, "tool_calls": told}]})
    assert back.chat is not None
    assert back.chat.messages[0].parts == calls


def test_a_refusal_in_words_is_the_text() -> None:
    answer = Answer(refusal="I cannot help with that.", finish_status="refused")
    told = json.loads(native.error_renderer().whole(result(answer)))
    assert told["output_text"] == "I cannot help with that."
    assert told["finish_status"] == "refused"


def test_a_stream_tells_pieces_whole_tool_calls_and_at_last_everything_but_the_text() -> None:
    call = generate({"input": "x", "stream": True})
    stream = written(
        native.renderer(call),
        ThinkingDelta("hm"),
        TextDelta("Good "),
        TextDelta("morn\ning ☀"),
        ToolCallDelta(0, "call_1", "look_up"),
        ToolCallDelta(0, arguments='{"id"'),
        ToolCallDelta(0, arguments=":7}"),
        ToolCallDelta(1, "call_2", "look_up", "{}"),
    )
    events = [(name, json.loads(data)) for name, data in sse_events(stream)]
    names = [name for name, _ in events]
    assert names == ["delta", "delta", "tool_call", "tool_call", "done"]
    assert "".join(data["text"] for name, data in events if name == "delta") == "Good morn\ning ☀"
    assert events[2][1] == CALL
    done = events[-1][1]
    assert set(done) == FIELDS
    assert done["output_text"] == ""
    assert [told["id"] for told in done["tool_calls"]] == ["call_1", "call_2"]


def test_a_stream_that_fails_ends_in_an_error_and_never_in_done() -> None:
    renderer = native.renderer(generate({"input": "x", "stream": True}))
    pieces = [renderer.event(RefusalDelta("I can")), renderer.keep_alive()]
    pieces.append(renderer.end(failure("provider_timeout")))
    (first, _), (last, data) = sse_events(b"".join(pieces).decode())
    assert (first, last) == ("delta", "error")
    assert set(json.loads(data)) == FIELDS | {"error"}


def test_a_tool_call_that_was_cut_off_is_never_told() -> None:
    renderer = native.renderer(generate({"input": "x", "stream": True}))
    begun = renderer.event(ToolCallDelta(0, "call_1", "pay", '{"amount":'))
    ((name, data),) = sse_events((begun + renderer.end(failure("provider_error"))).decode())
    assert name == "error"
    assert json.loads(data)["tool_calls"] == []
