"""Everything the OpenAI SDK can send is either understood or refused with a reason."""

from typing import Any

import pytest
from msgspec.structs import replace

from routerctl.engine.types import Sensitivity
from routerctl.wire.types import ParsedCall
from tests.wire.builders import chat, key, refusal_of


def params(call: ParsedCall) -> dict[str, bytes]:
    assert call.chat is not None
    return {name: bytes(raw) for name, raw in call.chat.params.items()}


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
    assert call.chat is not None
    assert call.chat.max_output_tokens == 300


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
