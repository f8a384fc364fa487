"""Everything the OpenAI SDK can send is either understood or refused with a reason."""

from typing import Any

import pytest
from msgspec.structs import replace

from routerctl.engine.types import Sensitivity
from routerctl.providers.types import Image, Message, ModelRequest, Text, ToolCall, ToolResult
from routerctl.wire.types import ParsedCall
from tests.wire.builders import chat, key, refusal_of

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"


def sent(call: ParsedCall) -> ModelRequest:
    assert call.chat is not None
    return call.chat


def params(call: ParsedCall) -> dict[str, bytes]:
    return {name: bytes(raw) for name, raw in sent(call).params.items()}


# --------------------------------------------------------------------------- who is asked


@pytest.mark.parametrize(
    ("model", "task", "feature"),
    [
        ("auto", None, None),
        ("task:summary", "summary", None),
        ("feature:support-chat", None, "support-chat"),
    ],
)
def test_model_says_what_is_wanted(model: str, task: str | None, feature: str | None) -> None:
    call = chat({"model": model})
    assert (call.request.task, call.request.feature) == (task, feature)
    assert call.echo_model == model
    assert call.ignored_fields == ()


@pytest.mark.parametrize("model", ["gpt-4o", "Auto", "task:", "plan:pro", ":chat", "auto "])
def test_any_other_model_is_not_selectable(model: str) -> None:
    error = refusal_of(chat, {"model": model})
    assert error.code == "model_not_selectable"
    assert error.details == {"path": "model"}


@pytest.mark.parametrize("model", ["task:poetry", "feature:unheard-of"])
def test_a_task_or_feature_that_is_not_configured_is_an_invalid_request(model: str) -> None:
    assert refusal_of(chat, {"model": model}).code == "invalid_request"


# --------------------------------------------------------------------------- routing inputs

HEADERS = {
    "x-task-type": "summary", "x-feature": "support-chat", "x-user-tier": "pro",
    "x-tenant": "acme", "x-user": "u", "x-session": "s", "x-app": "ios", "x-app-version": "3.2",
    "x-sensitivity": "pii", "x-residency": "eu", "x-latency-class": "batch",
    "x-max-latency-ms": "1500", "x-max-cost-usd": "0.02",
}  # fmt: skip


def test_headers_and_metadata_say_the_same_in_two_places() -> None:
    metadata = {name[2:].replace("-", "_"): value for name, value in HEADERS.items()}
    anyone = key(tenant="*")
    by_header = chat({"metadata": {"ticket": "T"}}, HEADERS, caller=anyone).request
    by_metadata = chat({"metadata": {"ticket": "T", **metadata}}, caller=anyone).request
    for request in (by_header, by_metadata):
        assert (request.task, request.feature, request.plan) == ("summary", "support-chat", "pro")
        assert (request.tenant, request.user, request.session) == ("acme", "u", "s")
        assert (request.app, request.app_version) == ("ios", "3.2")
        assert request.sensitivity is Sensitivity.PII
        assert (request.residency, request.latency_class) == ("eu", "batch")
        assert request.max_latency_ms == 1500
        assert request.max_cost_nano_usd == 20_000_000
        assert request.metadata == {"ticket": "T"}


def test_pins_win_over_headers_headers_over_metadata_and_metadata_over_the_model() -> None:
    body = {
        "model": "feature:support-chat",
        "metadata": {"feature": "search-answers", "session": "by-metadata", "app": "by-metadata"},
    }
    headers = {"x-session": "by-header", "x-app": "by-header", "x-tenant": "by-header"}
    request = chat(body, headers, caller=key(tenant="pinned", app="pinned")).request
    assert (request.tenant, request.app) == ("pinned", "pinned")
    assert request.session == "by-header"
    assert request.feature == "search-answers"


def test_a_wrong_input_is_named_as_the_caller_wrote_it() -> None:
    by_header = refusal_of(chat, {}, {"x-max-latency-ms": "soon"})
    by_metadata = refusal_of(chat, {"metadata": {"sensitivity": "secret"}})
    assert by_header.details == {"path": "x-max-latency-ms"}
    assert by_metadata.details == {"path": "metadata.sensitivity"}


def test_an_empty_header_says_nothing_and_utf8_is_read_as_such() -> None:
    headers = {"x-feature": "", "x-user": "Müller".encode().decode("latin-1")}
    request = chat({}, headers).request
    assert (request.feature, request.user) == (None, "Müller")


def test_fields_of_storage_and_users_change_nothing() -> None:
    call = chat(
        {
            "user": "u_1", "store": True, "safety_identifier": "x", "prompt_cache_key": "y",
            "prompt_cache_retention": "24h", "service_tier": "auto", "n": 1, "modalities": ["text"],
        }
    )  # fmt: skip
    plain = chat({})
    assert call.chat == plain.chat
    assert replace(call.request, text_bytes=0) == replace(plain.request, text_bytes=0)


# --------------------------------------------------------------------------- the conversation


def test_system_and_developer_messages_become_the_system_text() -> None:
    call = chat(
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hello"},
                {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            ]
        }
    )
    assert sent(call).system == (Text("Be brief."), Text("Be kind."))
    assert sent(call).messages == (Message("user", (Text("Hello"),)),)
    assert call.texts == ("Be brief.", "Be kind.", "Hello")


def test_a_system_message_alone_is_said_by_the_user() -> None:
    call = chat({"messages": [{"role": "system", "content": "Write a poem."}]})
    assert sent(call).messages == (Message("user", (Text("Write a poem."),)),)
    assert call.last_user == "Write a poem."


def test_pictures_are_counted_and_their_bytes_are_no_text() -> None:
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}},
    ]
    call = chat({"messages": [{"role": "user", "content": content}]})
    assert sent(call).messages[0].parts == (
        Text("What is this?"),
        Image(media_type="image/png", data=PIXEL),
        Image(url="https://x.example/a.png", detail="low"),
    )
    assert call.request.images == 2
    assert call.request.needs == ("images",)
    assert call.last_user == "What is this?"


def test_a_larger_picture_makes_no_longer_text() -> None:
    def text_bytes(data: str) -> int:
        part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        return chat({"messages": [{"role": "user", "content": [part]}]}).request.text_bytes

    assert text_bytes(PIXEL * 100) == text_bytes(PIXEL)


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png,notbase64",
        "data:text/html;base64,PGI+",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:image/png;base64,",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_picture_is_a_web_address_or_base64_of_a_known_kind(url: str) -> None:
    parts = [{"type": "image_url", "image_url": {"url": url}}]
    error = refusal_of(chat, {"messages": [{"role": "user", "content": parts}]})
    assert error.details["path"] == "messages[0].content[0].image_url.url"


def test_results_of_parallel_tool_calls_become_one_turn() -> None:
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for n in (1, 2)
    ]
    parts = [{"type": "text", "text": "two"}]
    call = chat(
        {
            "messages": [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": None, "tool_calls": calls},
                {"role": "tool", "tool_call_id": "c1", "content": "one"},
                {"role": "tool", "tool_call_id": "c2", "content": parts},
                {"role": "user", "content": "And?"},
            ]
        }
    )
    assert sent(call).messages[1:] == (
        Message("assistant", (ToolCall("c1", "f", "{}"), ToolCall("c2", "f", "{}"))),
        Message("user", (ToolResult("c1", (Text("one"),)), ToolResult("c2", (Text("two"),)))),
        Message("user", (Text("And?"),)),
    )
    assert call.request.needs == ("tools",)
    assert call.last_user == "And?"
    assert "two" in call.texts


def test_an_assistants_message_comes_back_as_the_sdk_dumps_it() -> None:
    dumped: dict[str, Any] = {
        "role": "assistant", "content": "Hi", "refusal": None, "annotations": [], "audio": None,
        "function_call": None, "tool_calls": None,
    }  # fmt: skip
    call = chat({"messages": [{"role": "user", "content": "Hello"}, dumped]})
    assert sent(call).messages[1] == Message("assistant", (Text("Hi"),))


def test_escapes_in_a_tool_calls_arguments_hide_nothing_from_the_checks() -> None:
    function = {"name": "f", "arguments": '{"to":"eve\\u0040example.com"}'}
    turn = {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "function", "function": function}],
    }
    assert '{"to":"eve@example.com"}' in chat({"messages": [turn]}).texts


def test_what_tools_and_schemas_say_is_text_that_would_be_sent() -> None:
    call = chat(
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "look_up",
                        "description": "Finds orders.",
                        "parameters": {"type": "object", "title": "Order"},
                        "strict": True,
                    },
                }
            ],
            "tool_choice": {"type": "function", "function": {"name": "look_up"}},
            "parallel_tool_calls": False,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": {"type": "object"}, "strict": True},
            },
        }
    )
    (tool,) = sent(call).tools
    assert (tool.name, tool.description, tool.strict) == ("look_up", "Finds orders.", True)
    assert bytes(tool.schema) == b'{"type":"object","title":"Order"}'
    choice, schema = sent(call).tool_choice, sent(call).output_schema
    assert choice is not None
    assert (choice.mode, choice.name, choice.parallel) == ("tool", "look_up", False)
    assert schema is not None
    assert schema.schema is not None
    assert (bytes(schema.schema), schema.name, schema.strict) == (
        b'{"type":"object"}',
        "reply",
        True,
    )
    assert {"Finds orders.", '{"type":"object","title":"Order"}'} <= set(call.texts)
    assert call.request.needs == ("tools", "schema")


@pytest.mark.parametrize(("format_type", "needs"), [("text", ()), ("json_object", ("schema",))])
def test_json_without_a_schema_needs_the_capability_too(
    format_type: str, needs: tuple[str, ...]
) -> None:
    assert chat({"response_format": {"type": format_type}}).request.needs == needs


# --------------------------------------------------------------------------- parameters


def test_parameters_that_do_not_change_the_price_pass_through_unchanged() -> None:
    call = chat(
        {
            "temperature": 0.7, "top_p": 1, "seed": 42, "presence_penalty": -0.5,
            "frequency_penalty": 0.25, "logit_bias": {"50256": -100}, "logprobs": True,
            "top_logprobs": 3, "reasoning_effort": "high", "verbosity": "low",
            "stop": ["END", "\n"], "max_completion_tokens": 300,
        }
    )  # fmt: skip
    assert params(call) == {
        "temperature": b"0.7", "top_p": b"1", "seed": b"42", "presence_penalty": b"-0.5",
        "frequency_penalty": b"0.25", "logit_bias": b'{"50256":-100}', "logprobs": b"true",
        "top_logprobs": b"3", "reasoning_effort": b'"high"', "verbosity": b'"low"',
        "stop": b'["END","\\n"]',
    }  # fmt: skip
    assert call.request.max_output_tokens == 300
    assert sent(call).max_output_tokens == 300


def test_one_stop_text_is_a_list_of_one_and_null_is_not_said() -> None:
    assert params(chat({"stop": "END", "temperature": None})) == {"stop": b'["END"]'}


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_both_spellings_of_the_output_limit_are_understood(field: str) -> None:
    assert chat({field: 77}).request.max_output_tokens == 77


def test_usage_stands_in_a_stream_only_when_it_is_asked_for() -> None:
    assert chat({"stream": True}).include_usage is False
    asked = chat({"stream": True, "stream_options": {"include_usage": True}})
    assert asked.include_usage
    assert asked.stream


UNPRICED: list[dict[str, Any]] = [
    {"n": 2},
    {"n": 0},
    {"service_tier": "flex"},
    {"service_tier": "priority"},
    {"modalities": ["text", "audio"]},
    {"audio": {"voice": "alloy", "format": "wav"}},
    {"prediction": {"type": "content", "content": "x"}},
    {"web_search_options": {}},
    {"functions": [{"name": "f"}]},
    {"function_call": "auto"},
    {"moderation": {"model": "omni"}},
    {"tools": [{"type": "web_search"}]},
    {"tools": [{"type": "custom", "custom": {"name": "f"}}]},
    {"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}},
    {"temperature": "hot"},
    {"temperature": True},
    {"top_logprobs": 21},
    {"stop": ["x"] * 17},
    {"response_format": {"type": "yaml"}},
    {"messages": "Hello"},
    {"messages": []},
    {"messages": [{"role": "function", "name": "f", "content": "x"}]},
    {"messages": [{"role": "user"}]},
    {"messages": [{"role": "user", "content": []}]},
    {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
    {"messages": [{"role": "assistant"}]},
    {"messages": [{"role": "tool", "content": "x"}]},
]


@pytest.mark.parametrize("body", UNPRICED, ids=str)
def test_what_is_not_served_is_refused_and_named(body: dict[str, Any]) -> None:
    error = refusal_of(chat, body)
    assert error.code == "invalid_request"
    assert error.details["path"].startswith(next(iter(body)))


@pytest.mark.parametrize("body", UNPRICED[:8], ids=str)
def test_not_even_a_legacy_key_gets_what_has_no_price(body: dict[str, Any]) -> None:
    assert refusal_of(chat, body, caller=key(legacy=True)).code == "invalid_request"
