"""The native request says what is wanted, and its key has the last word."""

from typing import Any

import pytest

from routerctl.engine.types import Sensitivity
from routerctl.providers.types import Message, Text
from tests.wire.builders import TRACE, generate, key, refusal_of


def test_the_contracts_example_is_understood_field_by_field() -> None:
    call = generate(
        {
            "task": "chat", "feature": "support-chat", "plan": "free", "tenant": "acme",
            "user": "u_1", "session": "s_9", "app": "ios", "app_version": "3.2.0",
            "messages": [{"role": "user", "content": "Hello"}], "sensitivity": "internal",
            "residency": "eu", "language": "de", "latency_class": "interactive",
            "max_latency_ms": 1500, "max_cost_usd": "0.02", "max_output_tokens": 500,
            "output_schema": {}, "tools": [], "stream": False, "metadata": {"ticket": "T-88"},
        },
        caller=key(tenant="*"),
    )  # fmt: skip
    request = call.request
    assert (request.task, request.feature, request.plan) == ("chat", "support-chat", "free")
    assert (request.tenant, request.user, request.session) == ("acme", "u_1", "s_9")
    assert (request.app, request.app_version) == ("ios", "3.2.0")
    assert request.sensitivity is Sensitivity.INTERNAL
    assert (request.residency, request.language) == ("eu", "de")
    assert (request.latency_class, request.max_latency_ms) == ("interactive", 1500)
    assert request.max_cost_nano_usd == 20_000_000
    assert request.max_output_tokens == 500
    assert request.metadata == {"ticket": "T-88"}
    assert request.draw == TRACE
    assert request.needs == ()
    assert not call.stream


def test_input_is_one_user_message() -> None:
    call = generate({"input": "Was ist los?"})
    assert call.chat is not None
    assert call.chat.messages == (Message("user", (Text("Was ist los?"),)),)
    assert call.texts == ("Was ist los?",)
    assert call.last_user == "Was ist los?"


def test_what_is_not_said_is_left_to_the_router() -> None:
    request = generate({"input": "Hello"}).request
    assert (request.task, request.feature, request.plan, request.app) == (None,) * 4
    assert request.sensitivity is Sensitivity.INTERNAL
    assert request.latency_class == "interactive"
    assert request.max_output_tokens is None


def test_what_a_key_pins_no_request_overrides() -> None:
    pinned = key(tenant="acme", plan="pro", feature="support-chat", app="web")
    said = {"tenant": "rival", "plan": "free", "feature": "search-answers", "app": "ios"}
    request = generate({"input": "Hello", **said}, caller=pinned).request
    assert (request.tenant, request.plan) == ("acme", "pro")
    assert (request.feature, request.app) == ("support-chat", "web")


def test_a_key_of_every_tenant_speaks_for_the_one_it_names() -> None:
    anyone = key(tenant="*")
    assert generate({"input": "Hello", "tenant": "rival"}, caller=anyone).request.tenant == "rival"
    assert generate({"input": "Hello"}, caller=anyone).request.tenant is None


@pytest.mark.parametrize(
    ("amount", "nano_usd"),
    [
        ("0", 0),
        ("0.02", 20_000_000),
        ("0.000000001", 1),
        ("12.5", 12_500_000_000),
        ("999999999.999999999", 999_999_999_999_999_999),
        ("0.1", 100_000_000),
    ],
)
def test_a_cost_ceiling_is_exact_to_the_nano_dollar(amount: str, nano_usd: int) -> None:
    assert generate({"input": "x", "max_cost_usd": amount}).request.max_cost_nano_usd == nano_usd


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_cost_usd", "0.0000000001"),
        ("max_cost_usd", "-1"),
        ("max_cost_usd", "1e3"),
        ("max_cost_usd", " 1"),
        ("max_cost_usd", "٣"),
        ("max_cost_usd", 0.02),
        ("max_latency_ms", 0),
        ("max_latency_ms", "1500"),
        ("max_output_tokens", 0),
        ("max_output_tokens", True),
        ("max_output_tokens", 10**30),
        ("tenant", "x" * 129),
        ("user", ""),
        ("session", "a\0b"),
        ("app", "a\nb"),
        ("app", 7),
        ("task", "poetry"),
        ("feature", "secret-feature"),
        ("plan", "platinum"),
        ("sensitivity", "top-secret"),
        ("latency_class", "whenever"),
        ("stream", "yes"),
        ("output_schema", []),
        ("tools", {}),
        ("metadata", ["T-88"]),
        ("input", ["Hello"]),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_its_path(field: str, value: Any) -> None:
    error = refusal_of(generate, {"input": "Hello", field: value})
    assert error.code == "invalid_request"
    assert error.details["path"] == field


@pytest.mark.parametrize(
    "metadata",
    [
        {"ticket": 88},
        {"ticket": "x" * 513},
        {"x" * 65: "y"},
        {"": "y"},
        {"ticket": "a\0b"},
        {f"k{n}": "v" for n in range(65)},
    ],
    ids=["number", "long", "long name", "no name", "nul", "many"],
)
def test_metadata_is_small_and_made_of_text(metadata: dict[str, Any]) -> None:
    error = refusal_of(generate, {"input": "Hello", "metadata": metadata})
    assert error.details["path"].startswith("metadata")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": ""},
        {"messages": []},
        {"input": "a", "messages": [{"role": "user", "content": "b"}]},
    ],
    ids=["nothing", "empty input", "no messages", "both"],
)
def test_a_request_has_either_input_or_messages(body: dict[str, Any]) -> None:
    assert refusal_of(generate, body).code == "invalid_request"


def test_tools_and_a_schema_are_capabilities_that_the_answer_needs() -> None:
    call = generate(
        {
            "input": "Hello",
            "tools": [{"type": "function", "function": {"name": "look_up"}}],
            "output_schema": {"type": "object"},
            "stream": True,
        }
    )
    assert call.request.needs == ("tools", "schema")
    assert call.request.stream
    assert call.stream


def test_an_empty_schema_allows_everything_and_needs_nothing() -> None:
    call = generate({"input": "Hello", "output_schema": {}})
    assert call.chat is not None
    assert call.chat.output_schema is None
