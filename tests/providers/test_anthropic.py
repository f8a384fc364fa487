"""What only Anthropic has: generations, thinking, cache breakpoints, schemas as grammars."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from routerctl.providers import ADAPTERS
from routerctl.providers.types import (
    Finish,
    Image,
    Message,
    OutputSchema,
    RefusalDelta,
    StreamEvent,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    ToolResult,
    Usage,
)
from tests.providers.requests import ask, written
from tests.providers.vendors.speech import event

ANTHROPIC = ADAPTERS["anthropic"]
OLD, BUDGET = "claude-3-5-sonnet-20241022", "claude-sonnet-4-20250514"
SCHEMA_BUDGET, BOTH, NEW = "claude-sonnet-4-5-20250929", "claude-opus-4-6", "claude-sonnet-5"
SCHEMA = OutputSchema(Raw(b'{"type":"object","properties":{"n":{"type":"integer","minimum":1}}}'))


def body(model: str, *parts: Any, **request: Any) -> dict[str, Any]:
    return written("anthropic", model, ask(*parts, **request))[0]


def dropped(model: str, **request: Any) -> set[str]:
    return set(written("anthropic", model, ask(**request))[1].dropped)


def heard(*payloads: dict[str, Any]) -> list[StreamEvent]:
    parser = ANTHROPIC.stream({})
    events = [e for payload in payloads for e in parser.feed(event(payload, payload["type"]))]
    return events + parser.close()


def message(*content: dict[str, Any], stop_reason: str = "end_turn", **rest: Any) -> bytes:
    return msgspec.json.encode(
        {
            "id": "msg_1",
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            **rest,
        }
    )


# --------------------------------------------------------------------------- sampling, thinking


def test_sampling_goes_to_the_generations_that_take_it() -> None:
    params = {"temperature": 0.5, "top_k": 3, "seed": 1}
    assert body(OLD, params=params)["temperature"] == 0.5
    assert dropped(OLD, params=params) == {"seed"}
    assert dropped(BOTH, params=params) == {"seed"}
    for model in ("claude-opus-4-7", NEW, "claude-fable-5-1", "claude-mythos-preview"):
        assert dropped(model, params=params) == {"temperature", "top_k", "seed"}
        assert not {"temperature", "top_k"} & set(body(model, params=params))


def test_temperature_is_held_to_anthropics_range() -> None:
    assert body(OLD, params={"temperature": 1.7})["temperature"] == 1.0


def test_temperature_and_top_p_go_together_only_in_old_generations() -> None:
    params = {"temperature": 0.5, "top_p": 0.9}
    assert body(BUDGET, params=params)["top_p"] == 0.9
    assert dropped(SCHEMA_BUDGET, params=params) == {"top_p"}
    assert body(SCHEMA_BUDGET, params={"top_p": 0.9})["top_p"] == 0.9


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        (OLD, None),
        (BUDGET, {"type": "enabled", "budget_tokens": 2000}),
        ("claude-3-7-sonnet-20250219", {"type": "enabled", "budget_tokens": 2000}),
        (SCHEMA_BUDGET, {"type": "enabled", "budget_tokens": 2000}),
        (BOTH, {"type": "adaptive"}),
        (NEW, {"type": "adaptive"}),
    ],
)
def test_a_thinking_budget_in_each_generations_words(
    model: str, thinking: dict[str, Any] | None
) -> None:
    params = {"thinking_budget_tokens": 2000, "temperature": 0.5}
    sent = body(model, params=params)
    assert sent.get("thinking") == thinking
    assert ("temperature" in sent) is (thinking is None), "thinking goes with default sampling"


def test_a_budget_leaves_room_for_the_answer_or_is_dropped() -> None:
    params = {"thinking_budget_tokens": 9000}
    assert body(BUDGET, params=params)["thinking"]["budget_tokens"] == 3999
    assert dropped(BUDGET, params=params, max_output_tokens=900) == {"thinking_budget_tokens"}
    choice = ToolChoice("required")
    forced = {"tools": (Tool("f"),), "tool_choice": choice}
    assert dropped(BUDGET, params=params, **forced) == {"thinking_budget_tokens"}


def test_effort_goes_to_the_generations_that_have_it() -> None:
    params = {"reasoning_effort": "minimal"}
    sent = body(NEW, params=params)
    assert sent["output_config"] == {"effort": "low"}
    assert sent["thinking"] == {"type": "adaptive"}
    assert dropped(BUDGET, params=params) == {"reasoning_effort"}
    assert body(NEW, params={"reasoning_effort": "none"})["thinking"] == {"type": "disabled"}


def test_stop_is_a_list_without_blank_entries() -> None:
    assert body(OLD, params={"stop": "END"})["stop_sequences"] == ["END"]
    assert body(OLD, params={"stop": ["\n", "END"]})["stop_sequences"] == ["END"]
    assert "stop_sequences" not in body(OLD, params={"stop": ["\n"]})


# --------------------------------------------------------------------------- messages


def test_cache_breakpoints_stay_where_the_client_put_them() -> None:
    sent = body(OLD, Text("long", cache=True), Text("short"), system=(Text("rules", cache=True),))
    mark = {"type": "ephemeral"}
    assert sent["system"] == [{"type": "text", "text": "rules", "cache_control": mark}]
    first, second = sent["messages"][0]["content"]
    assert first["cache_control"] == mark
    assert "cache_control" not in second


def test_thinking_goes_back_with_its_signature_and_only_anthropics_own() -> None:
    sent = body(
        BUDGET,
        Thinking("hm", "sig=="),
        Thinking("", "redacted:abc"),
        Thinking("unsigned"),
        Thinking("", "gemini:xyz"),
        Text("So."),
        role="assistant",
    )
    assert sent["messages"][0]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig=="},
        {"type": "redacted_thinking", "data": "abc"},
        {"type": "text", "text": "So."},
    ]


def test_results_come_first_and_in_one_turn() -> None:
    messages = (
        Message("user", (Text("look"), ToolResult("a", (Image("image/png", "aGk="),)))),
        Message("user", (ToolResult("b", (Text("no"),), is_error=True),)),
    )
    (turn,) = body(OLD, messages=messages)["messages"]
    assert [block["type"] for block in turn["content"]] == ["tool_result", "tool_result", "text"]
    assert turn["content"][0]["content"][0]["source"]["data"] == "aGk="
    assert turn["content"][1]["is_error"] is True


def test_what_the_vendor_would_refuse_is_not_sent() -> None:
    messages = (
        Message("user", (Text(""), Text("Hi"))),
        Message("assistant", (Text(""),)),
        Message("assistant", (ToolCall("functions.f:0", "f", "not json"),)),
        Message("assistant", (Text("So I say  \n"),)),
    )
    turns = body(OLD, messages=messages)["messages"]
    assert turns[0]["content"] == [{"type": "text", "text": "Hi"}]
    call, text = turns[1]["content"]
    assert call["input"] == {"arguments": "not json"}
    assert not set(call["id"]) & set(".:")
    assert text["text"] == "So I say"


def test_one_call_at_a_time_when_asked_so() -> None:
    sent = body(OLD, tools=(Tool("f"),), tool_choice=ToolChoice("required", parallel=False))
    assert sent["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


def test_the_base_url_may_end_in_v1() -> None:
    for base in ("https://api.anthropic.com", "https://api.anthropic.com/v1/"):
        _, upstream = written("anthropic", OLD, ask(), base)
        assert upstream.url == "https://api.anthropic.com/v1/messages"


# --------------------------------------------------------------------------- schemas


def test_a_schema_becomes_a_grammar_and_its_bounds_become_words() -> None:
    sent = body(NEW, output_schema=SCHEMA)
    assert sent["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {"n": {"type": "integer", "description": '{"minimum":1}'}},
            "additionalProperties": False,
        },
    }


def test_json_without_a_schema_is_asked_for_in_words() -> None:
    sent = body(NEW, output_schema=OutputSchema(), system=(Text("Be brief."),))
    assert sent["system"][0]["text"] == "Be brief."
    assert "JSON" in sent["system"][1]["text"]


def test_older_generations_answer_by_calling_a_tool() -> None:
    sent = body(BUDGET, output_schema=SCHEMA)
    assert sent["tool_choice"] == {"type": "tool", "name": "routerctl_answer"}
    sent = body(BUDGET, output_schema=SCHEMA, tools=(Tool("f"),))
    assert sent["tool_choice"] == {"type": "any"}
    assert [tool["name"] for tool in sent["tools"]] == ["f", "routerctl_answer"]

    use = {"type": "tool_use", "id": "t1", "name": "routerctl_answer", "input": {"n": 1}}
    answer = ANTHROPIC.answer({}, message(use, stop_reason="tool_use"))
    assert (answer.text, answer.tool_calls, answer.finish_status) == ('{"n":1}', (), "stop")

    block = {"type": "tool_use", "id": "t1", "name": "routerctl_answer", "input": {}}
    events = heard(
        {"type": "content_block_start", "index": 0, "content_block": block},
        {
            "type": "content_block_delta", "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '{"n":1}'},
        },
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    )  # fmt: skip
    assert events == [TextDelta('{"n":1}'), Finish("stop")]


# --------------------------------------------------------------------------- answers


def test_thinking_comes_with_its_signature() -> None:
    answer = ANTHROPIC.answer(
        {},
        message(
            {"type": "thinking", "thinking": "hm", "signature": "sig=="},
            {"type": "redacted_thinking", "data": "abc"},
            {"type": "text", "text": "So."},
        ),
    )
    assert answer.thinking == (Thinking("hm", "sig=="), Thinking("", "redacted:abc"))
    assert answer.text == "So."


def test_streamed_thinking_comes_with_its_signature() -> None:
    def thinking(**delta: str) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": 0, "delta": delta}

    begun = {"type": "thinking", "thinking": "", "signature": ""}
    redacted = {"type": "redacted_thinking", "data": "abc"}
    events = heard(
        {"type": "content_block_start", "index": 0, "content_block": begun},
        thinking(type="thinking_delta", thinking="hm"),
        thinking(type="signature_delta", signature="sig=="),
        {"type": "content_block_start", "index": 1, "content_block": redacted},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    )
    assert events == [
        ThinkingDelta("hm"),
        ThinkingDelta(signature="sig=="),
        ThinkingDelta(signature="redacted:abc"),
        Finish("stop"),
    ]


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("pause_turn", "stop"),
        ("max_tokens", "length"), ("model_context_window_exceeded", "length"),
        ("refusal", "refused"),
    ],
)  # fmt: skip
def test_stop_reasons(reason: str, status: str) -> None:
    said = message({"type": "text", "text": "x"}, stop_reason=reason)
    assert ANTHROPIC.answer({}, said).finish_status == status


def test_the_stop_sequence_that_was_met_is_told() -> None:
    end = {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    events = heard({"type": "message_delta", "delta": end}, {"type": "message_stop"})
    assert events == [Finish("stop", None, "END")]


def test_a_streamed_refusal_says_why() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "Not that."}
    end = {"stop_reason": "refusal", "stop_details": details}
    events = heard({"type": "message_delta", "delta": end}, {"type": "message_stop"})
    assert events == [RefusalDelta("Not that."), Finish("refused")]


def test_the_last_word_on_each_count_wins() -> None:
    start = {"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 1}
    events = heard(
        {"type": "message_start", "message": {"id": "m", "content": [], "usage": start}},
        {
            "type": "message_delta", "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 25, "input_tokens": None},
        },
    )  # fmt: skip
    usage = Usage(input_tokens=100, output_tokens=25, cached_input_tokens=90)
    assert events == [Finish("stop", usage)]


def test_hosted_tools_of_the_vendor_are_not_calls_of_ours() -> None:
    block = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    events = heard(
        {"type": "content_block_start", "index": 0, "content_block": block},
        {
            "type": "content_block_delta", "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": "{}"},
        },
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    )  # fmt: skip
    assert not [e for e in events if isinstance(e, ToolCallDelta)]
