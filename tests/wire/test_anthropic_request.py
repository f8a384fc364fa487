"""Everything the Anthropic SDK can send is either understood or refused with a reason."""

from typing import Any

import pytest

from routerctl.providers.types import (
    Image,
    Message,
    ModelRequest,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from routerctl.wire.types import ParsedCall
from tests.wire.builders import key, messages, refusal_of

CACHE = {"type": "ephemeral"}
LOOK_UP = {"name": "look_up", "input_schema": {"type": "object"}}


def sent(call: ParsedCall) -> ModelRequest:
    assert call.chat is not None
    return call.chat


def params(body: dict[str, Any]) -> dict[str, bytes]:
    return {name: bytes(raw) for name, raw in sent(messages(body)).params.items()}


def turn(*blocks: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Hi"}, {"role": role, "content": [*blocks]}]}


def blocks(body: dict[str, Any]) -> tuple[Any, ...]:
    return sent(messages(body)).messages[1].parts


def test_a_request_says_what_is_wanted_and_how_long_the_answer_may_be() -> None:
    call = messages({"model": "task:summary", "metadata": {"feature": "support-chat"}})
    assert (call.request.task, call.request.feature) == ("summary", "support-chat")
    assert call.request.max_output_tokens == 500
    assert call.echo_model == "task:summary"


def test_anthropics_user_id_is_neither_our_user_nor_kept() -> None:
    said = {"user_id": "u-7", "user": "u_1", "ticket": "T-88"}
    request = messages({"metadata": said}).request
    assert request.user == "u_1"
    assert request.metadata == {"ticket": "T-88"}
    assert messages({"metadata": {"user_id": None}}).request.metadata == {}


def test_headers_say_what_metadata_would() -> None:
    request = messages({}, {"x-user-tier": "pro", "x-max-cost-usd": "0.5"}).request
    assert (request.plan, request.max_cost_nano_usd) == ("pro", 500_000_000)


def test_system_text_comes_as_one_text_as_blocks_or_between_messages() -> None:
    assert sent(messages({"system": "Be brief."})).system == (Text("Be brief."),)
    marked = [{"type": "text", "text": "Be brief.", "cache_control": CACHE}]
    assert sent(messages({"system": marked})).system == (Text("Be brief.", cache=True),)
    between = [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be kind."}]
    assert sent(messages({"messages": between})).system == (Text("Be kind."),)


def test_a_cache_mark_on_the_request_goes_to_its_last_text() -> None:
    (last,) = sent(messages({"cache_control": CACHE})).messages
    assert last.parts == (Text("Hello", cache=True),)


def test_every_kind_of_block_has_its_meaning() -> None:
    assert blocks(
        turn(
            {"type": "text", "text": "See", "cache_control": CACHE, "citations": None},
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "iV"},
            },
            {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}},
            {"type": "tool_result", "tool_use_id": "t1", "content": "42", "is_error": True},
            {
                "type": "tool_result",
                "tool_use_id": "t2",
                "content": [{"type": "text", "text": "43"}],
            },
            {"type": "tool_result", "tool_use_id": "t3"},
        )
    ) == (
        Text("See", cache=True),
        Image(media_type="image/png", data="iV"),
        Image(url="https://x.example/a.png"),
        ToolResult("t1", (Text("42"),), is_error=True),
        ToolResult("t2", (Text("43"),)),
        ToolResult("t3"),
    )
    assert blocks(
        turn(
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            {"type": "redacted_thinking", "data": "sealed"},
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "t1", "name": "look_up", "input": {"id": 7}, "caller": None},
            role="assistant",
        )
    ) == (
        Thinking("Hm.", "sig"),
        Thinking("", "redacted:sealed"),
        Text("Let me look."),
        ToolCall("t1", "look_up", '{"id":7}'),
    )


def test_pictures_in_tool_results_are_counted_too() -> None:
    picture = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "iV"},
    }
    call = messages(turn({"type": "tool_result", "tool_use_id": "t", "content": [picture]}))
    assert call.request.images == 1
    assert call.request.needs == ("tools", "images")


def test_an_answer_that_was_begun_needs_a_deployment_that_goes_on() -> None:
    begun = turn({"type": "text", "text": "The answer is ("}, role="assistant")
    assert messages(begun).request.needs == ("prefill",)


def test_tools_and_choices_are_translated() -> None:
    tool = {**LOOK_UP, "description": "Finds.", "strict": True, "type": "custom"}
    (found,) = sent(messages({"tools": [tool]})).tools
    assert (found.name, found.description, found.strict) == ("look_up", "Finds.", True)
    assert bytes(found.schema) == b'{"type":"object"}'


@pytest.mark.parametrize(
    ("choice", "meaning"),
    [
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required", None, False)),
        ({"type": "tool", "name": "look_up"}, ToolChoice("tool", "look_up")),
        ({"type": "none"}, ToolChoice("none")),
    ],
    ids=["auto", "any", "tool", "none"],
)
def test_every_choice_of_tools_has_its_meaning(choice: dict[str, Any], meaning: ToolChoice) -> None:
    assert sent(messages({"tools": [LOOK_UP], "tool_choice": choice})).tool_choice == meaning


@pytest.mark.parametrize("place", ["output_config", "output_format"])
def test_an_output_schema_is_found_in_its_new_and_its_old_place(place: str) -> None:
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    call = messages({place: {"format": wanted} if place == "output_config" else wanted})
    schema = sent(call).output_schema
    assert schema is not None
    assert schema.schema is not None
    assert bytes(schema.schema) == b'{"type":"object"}'
    assert call.request.needs == ("schema",)


def test_parameters_that_do_not_change_the_price_pass_through() -> None:
    body = {"temperature": 0.3, "top_p": 0.9, "top_k": 40, "stop_sequences": ["END"]}
    assert params(body) == {
        "temperature": b"0.3",
        "top_p": b"0.9",
        "top_k": b"40",
        "stop": b'["END"]',
    }


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            {"thinking_budget_tokens": b"2048"},
        ),
        ({"thinking": {"type": "disabled"}}, {"thinking_budget_tokens": b"0"}),
        ({"thinking": {"type": "adaptive"}}, {"reasoning_effort": b'"high"'}),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
            {"reasoning_effort": b'"low"'},
        ),
        ({"output_config": {"effort": "max"}}, {"reasoning_effort": b'"max"'}),
    ],
    ids=["budget", "off", "adaptive", "adaptive with effort", "effort"],
)
def test_every_way_to_ask_for_thought_has_its_neutral_name(
    body: dict[str, Any], meaning: dict[str, bytes]
) -> None:
    assert params(body) == meaning


UNSERVED: list[dict[str, Any]] = [
    {"max_tokens": 0},
    {"max_tokens": None},
    {"messages": []},
    {"messages": [{"role": "system", "content": "Be kind."}]},
    {"messages": [{"role": "tool", "content": "x"}]},
    {"messages": [{"role": "user", "content": []}]},
    {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    {"tools": [{"type": "computer_20250124", "name": "computer"}]},
    {"tools": [{"name": "f"}]},
    {"tool_choice": {"type": "tool"}},
    {"thinking": {"type": "enabled"}},
    {"thinking": {"type": "between_tools"}},
    {"service_tier": "priority"},
    {"speed": "fast"},
    {"container": "c_1"},
    {"mcp_servers": [{"url": "https://x.example"}]},
    {"inference_geo": "eu"},
    {
        "system": [
            {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
        ]
    },
    {"temperature": "hot"},
    turn({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}),
    turn({"type": "image", "source": {"type": "file", "file_id": "f"}}),
    turn({"type": "image", "source": {"type": "base64", "media_type": "image/tiff", "data": "x"}}),
    turn({"type": "server_tool_use", "id": "s", "name": "w", "input": {}}, role="assistant"),
    turn({"type": "tool_use", "id": "t", "name": "f", "input": "{}"}, role="assistant"),
]


@pytest.mark.parametrize("body", UNSERVED, ids=str)
def test_what_is_not_served_is_refused_and_named(body: dict[str, Any]) -> None:
    error = refusal_of(messages, body)
    assert error.code == "invalid_request"
    assert error.details["path"].startswith(next(iter(body)))


def test_a_real_model_is_not_selectable_but_a_legacy_key_is_served() -> None:
    body = {"model": "claude-sonnet-4-20250514"}
    assert refusal_of(messages, body).code == "model_not_selectable"
    call = messages(body, caller=key(legacy=True))
    assert call.ignored_fields == ("model",)
    assert call.echo_model == "claude-sonnet-4-20250514"


def test_a_conversation_of_the_sdk_reads_back_what_the_sdk_was_told() -> None:
    call = messages(
        {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}
    )
    assert sent(call).messages == (Message("user", (Text("a"),)), Message("user", (Text("b"),)))
    assert call.last_user == "b"
