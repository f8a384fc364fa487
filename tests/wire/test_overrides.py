"""Clients never choose who answers; old clients try in vain, and it is counted."""

from typing import Any

import pytest

from tests.wire.builders import chat, embeddings, generate, key, messages, refusal_of

CHOOSING: list[dict[str, Any]] = [
    {"model": "gpt-4o"},
    {"model": "openai/small"},
    {"model": "claude-sonnet-4-20250514"},
    {"models": ["gpt-4o", "gpt-4o-mini"]},
    {"provider": "openai"},
    {"provider": {"order": ["azure"]}},
    {"providers": ["openai"]},
    {"custom_llm_provider": "azure"},
    {"deployment": "openai/small"},
    {"deployment_id": "gpt-4o-eu"},
    {"engine": "davinci"},
    {"base_url": "https://elsewhere.example/v1"},
    {"api_base": "https://elsewhere.example/v1"},
    {"api_version": "2024-06-01"},
    {"azure_endpoint": "https://elsewhere.example"},
    {"api_key": "sk-somebody-elses"},
    {"API_KEY": "sk-somebody-elses"},
    {"authorization": "Bearer sk-somebody-elses"},
    {"aws_secret_access_key": "secret"},
    {"vertex_project": "elsewhere"},
    {"fallbacks": ["gpt-4o"]},
    {"fallback_order": ["openai", "anthropic"]},
    {"fallback_models": ["gpt-4o"]},
    {"context_window_fallbacks": [{"a": ["b"]}]},
    {"route": "fallback"},
    {"extra_body": {"provider": "openai"}},
    {"extra_headers": {"api-key": "sk"}},
    {"headers": {"Authorization": "Bearer sk"}},
    {"organization": "org-1"},
    {"metadata": {"model": "gpt-4o"}},
    {"metadata": {"api_key": "sk-somebody-elses"}},
    {"metadata": {"provider": "openai"}},
]


@pytest.mark.parametrize("body", CHOOSING, ids=str)
def test_a_body_that_names_who_should_answer_is_refused_at_every_door(body: dict[str, Any]) -> None:
    for error in (
        refusal_of(generate, {"input": "Hello", **body}),
        refusal_of(chat, body),
        refusal_of(messages, body),
        refusal_of(embeddings, {"input": "Hello", **body}),
    ):
        assert error.code == "model_not_selectable"
        assert error.details["path"].split(".")[-1] == _name_in(body)


def _name_in(body: dict[str, Any]) -> str:
    return str(next(iter(body.get("metadata", body))))


@pytest.mark.parametrize("body", CHOOSING, ids=str)
def test_a_legacy_key_is_served_and_what_it_named_in_vain_is_counted(body: dict[str, Any]) -> None:
    old = key(legacy=True)
    for call in (
        generate({"input": "Hello", **body}, caller=old),
        chat(body, caller=old),
        messages(body, caller=old),
        embeddings({"input": "Hello", **body}, caller=old),
    ):
        assert len(call.ignored_fields) == 1
        assert call.ignored_fields[0].split(".")[-1] == _name_in(body)
        assert call.request.metadata == {}


def test_a_legacy_key_may_send_fields_that_nobody_knows() -> None:
    call = chat({"frobnicate": 1, "model": "gpt-4o", "top_a": 2}, caller=key(legacy=True))
    assert set(call.ignored_fields) == {"model", "frobnicate", "top_a"}
    assert call.echo_model == "gpt-4o"


def test_names_of_ignored_fields_are_kept_short_printable_and_few() -> None:
    body = {"input": "Hello", "\0" * 500: 1, **{f"field_{n}": n for n in range(100)}}
    ignored = generate(body, caller=key(legacy=True)).ignored_fields
    assert len(ignored) == 32
    assert all(len(name) <= 64 and name.isprintable() for name in ignored)


def test_an_unknown_field_that_chooses_nothing_is_an_invalid_request_with_its_path() -> None:
    for error in (
        refusal_of(generate, {"input": "Hello", "temperature": 1}),
        refusal_of(generate, {"input": "Hello", "top_p": 1}),
        refusal_of(chat, {"frobnicate": 1}),
        refusal_of(messages, {"frobnicate": 1}),
    ):
        assert error.code == "invalid_request"
        assert error.details["path"] in ("temperature", "top_p", "frobnicate")


def test_an_unknown_field_deep_inside_is_refused_with_the_path_to_it() -> None:
    error = refusal_of(chat, {"messages": [{"role": "user", "content": "x", "model": "gpt-4o"}]})
    assert error.code == "invalid_request"
    assert error.details["path"] == "messages[0].model"


def test_business_words_stay_free_for_metadata() -> None:
    metadata = {"order": "O-7", "project": "atlas", "route": "B12"}
    assert generate({"input": "Hello", "metadata": metadata}).request.metadata == metadata
