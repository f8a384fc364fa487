"""OpenAI's format and the dialects of those who speak it too."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from routerctl.providers import ADAPTERS
from routerctl.providers.errors import ProviderError
from routerctl.providers.openai.dialects import DIALECTS, dialect_of
from routerctl.providers.ports import Target
from routerctl.providers.types import (
    EmbeddingRequest,
    Finish,
    Image,
    Message,
    OutputSchema,
    StreamEvent,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolResult,
    Usage,
)
from tests.providers.requests import ask, written
from tests.providers.vendors.speech import event

OPENAI = ADAPTERS["openai"]
SCHEMA = OutputSchema(Raw(b'{"type":"object"}'), strict=True)


def body(model: str, base_url: str, **request: Any) -> dict[str, Any]:
    return written("openai", model, ask(**request), base_url)[0]


def answer(message: dict[str, Any], finish_reason: str | None = "stop", **rest: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return msgspec.json.encode({"id": "c1", "choices": [choice], **rest})


def heard(*chunks: dict[str, Any]) -> list[StreamEvent]:
    """The events of a stream with these deltas; the last chunk is followed by its end marker."""
    parser = OPENAI.stream({})
    events = [e for chunk in chunks for e in parser.feed(event({"id": "c1", **chunk}))]
    return events + parser.feed(b"data: [DONE]\n\n")


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


# --------------------------------------------------------------------------- dialects


@pytest.mark.parametrize(
    ("base_url", "field"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://api.x.ai/v1", "max_completion_tokens"),
        ("https://api.mistral.ai/v1", "max_tokens"),
        ("https://api.deepseek.com/v1", "max_tokens"),
        ("https://api.moonshot.ai/v1", "max_tokens"),
        ("https://openrouter.ai/api/v1", "max_tokens"),
        ("http://127.0.0.1:8000/v1", "max_tokens"),
    ],
)
def test_the_bound_of_the_output_has_the_vendors_name(base_url: str, field: str) -> None:
    assert body("m", base_url)[field] == 4000


def test_attributes_choose_a_dialect_or_change_one_point_of_it() -> None:
    home = "http://127.0.0.1:8000/v1"
    assert dialect_of(home, {"dialect": "mistral"}) == DIALECTS["mistral"]
    assert dialect_of(home, {"dialect": "klingon"}) == DIALECTS["compatible"]
    changed = dialect_of(home, {"max_tokens_field": "max_completion_tokens", "stream_usage": False})
    assert (changed.max_tokens_field, changed.stream_usage) == ("max_completion_tokens", False)


def test_mistral_gets_no_stream_options_and_its_own_words() -> None:
    sent, upstream = written(
        "openai",
        "mistral-large-2411",
        ask(stream=True, params={"seed": 7, "logit_bias": {}, "temperature": 0.5}),
        "https://api.mistral.ai/v1",
    )
    assert "stream_options" not in sent
    assert (sent["random_seed"], sent["temperature"]) == (7, 0.5)
    assert "seed" not in sent
    assert upstream.dropped == ("logit_bias",)


def test_mistral_gets_call_ids_of_nine_letters_whoever_made_them() -> None:
    call = ToolCall("call_a.b:0", "f")
    messages = (Message("assistant", (call,)), Message("user", (ToolResult(call.id),)))
    sent = body("m", "https://api.mistral.ai/v1", messages=messages)
    made, answered = sent["messages"][0]["tool_calls"][0]["id"], sent["messages"][1]["tool_call_id"]
    assert made == answered
    assert len(made) == 9
    assert made.isalnum()


def test_a_call_id_that_is_too_long_for_openai_is_shortened_the_same_way_twice() -> None:
    call = ToolCall("x" * 200, "f")
    messages = (Message("assistant", (call,)), Message("user", (ToolResult(call.id),)))
    sent = body("m", "https://api.openai.com/v1", messages=messages)
    made, answered = sent["messages"][0]["tool_calls"][0]["id"], sent["messages"][1]["tool_call_id"]
    assert made == answered
    assert len(made) <= 64


@pytest.mark.parametrize("host", ["https://api.deepseek.com", "https://api.moonshot.ai/v1"])
def test_a_schema_is_put_in_words_where_it_cannot_be_sent(host: str) -> None:
    sent = body("m", host, output_schema=SCHEMA, system=(Text("Be brief."),))
    assert sent["response_format"] == {"type": "json_object"}
    assert sent["messages"][0]["content"].startswith("Be brief.\n\nAnswer with JSON")
    assert '{"type":"object"}' in sent["messages"][0]["content"]


def test_json_without_a_schema_is_an_object() -> None:
    sent = body("m", "https://api.openai.com/v1", output_schema=OutputSchema())
    assert sent["response_format"] == {"type": "json_object"}
    sent = body("m", "https://api.openai.com/v1", output_schema=SCHEMA)
    assert sent["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("model", "dropped"),
    [
        ("gpt-4o", {"reasoning_effort", "verbosity", "top_k", "thinking_budget_tokens"}),
        ("gpt-5-mini", {"temperature", "stop", "logprobs", "top_k", "thinking_budget_tokens"}),
        ("o4-mini", {"temperature", "stop", "logprobs", "top_k", "thinking_budget_tokens"}),
        ("gpt-5-chat-latest", {"reasoning_effort", "verbosity", "top_k", "thinking_budget_tokens"}),
    ],
)
def test_openai_is_sent_what_the_model_takes_and_the_rest_is_named(
    model: str, dropped: set[str]
) -> None:
    params = {
        "temperature": 0.5, "stop": ["x"], "logprobs": True, "reasoning_effort": "low",
        "verbosity": "low", "top_k": 5, "thinking_budget_tokens": 2000, "seed": 1,
    }  # fmt: skip
    sent, upstream = written("openai", model, ask(params=params))
    assert set(upstream.dropped) == dropped
    assert set(params) - dropped <= set(sent)
    assert not dropped & set(sent)


def test_vllm_takes_top_k() -> None:
    sent, upstream = written(
        "openai", "m", ask(params={"top_k": 5}), "http://10.0.0.1/v1", dialect="vllm"
    )
    assert sent["top_k"] == 5
    assert upstream.dropped == ()


def test_a_cache_breakpoint_is_named_as_dropped() -> None:
    _, upstream = written("openai", "gpt-4o", ask(Text("long", cache=True)))
    assert upstream.dropped == ("cache_control",)


# --------------------------------------------------------------------------- messages


def test_images_of_a_tool_result_follow_it_as_the_users() -> None:
    result = ToolResult("c1", (Text("see"), Image("image/png", "aGk=", detail="low")))
    sent = body("m", "https://api.openai.com/v1", messages=(Message("user", (result, Text("?"))),))
    assert sent["messages"][0] == {"role": "tool", "tool_call_id": "c1", "content": "see"}
    image = {"url": "data:image/png;base64,aGk=", "detail": "low"}
    assert sent["messages"][1]["content"] == [
        {"type": "image_url", "image_url": image},
        {"type": "text", "text": "?"},
    ]


def test_thoughts_go_back_only_to_who_wants_them() -> None:
    thought = Message("assistant", (Thinking("hm"), ToolCall("c1", "f")))
    for host, wants in (("https://api.moonshot.ai/v1", True), ("https://api.openai.com/v1", False)):
        sent = body("m", host, messages=(thought,))
        assert sent["messages"][0].get("reasoning_content") == ("hm" if wants else None)
    signed = Message("assistant", (Thinking("hm", "anthropic's"),))
    sent = body("m", "https://api.moonshot.ai/v1", messages=(signed,))
    assert "reasoning_content" not in sent["messages"][0]


def test_a_strict_tool_stays_strict() -> None:
    sent = body("m", "https://api.openai.com/v1", tools=(Tool("f", strict=True),))
    assert sent["tools"][0]["function"]["strict"] is True


# --------------------------------------------------------------------------- answers


def test_xai_counts_reasoning_beside_the_completion_and_the_total_tells() -> None:
    usage = {
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 315,
        "completion_tokens_details": {"reasoning_tokens": 300},
    }  # fmt: skip
    said = OPENAI.answer({}, answer({"content": "x"}, usage=usage))
    assert said.usage == Usage(input_tokens=10, output_tokens=305, reasoning_tokens=300)


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens_details": {"cached_tokens": 8}},
        {"prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 2},
        {"cached_tokens": 8},
        {"prompt_tokens_details": None, "cached_tokens": 8},
    ],
)
def test_cached_tokens_are_found_where_each_vendor_puts_them(usage: dict[str, Any]) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, **usage}
    said = OPENAI.answer({}, answer({"content": "x"}, usage=usage))
    assert said.usage == Usage(input_tokens=10, output_tokens=5, cached_input_tokens=8)


def test_no_usage_is_no_usage() -> None:
    assert OPENAI.answer({}, answer({"content": "x"})).usage is None
    assert heard(delta(content="x"), delta("stop"))[-1] == Finish("stop", None)


@pytest.mark.parametrize(
    ("reason", "status"),
    [("model_length", "length"), ("function_call", "tool_calls"), ("eos", "stop"), (None, "stop")],
)
def test_finish_reasons_of_all_kinds(reason: str | None, status: str) -> None:
    assert OPENAI.answer({}, answer({"content": "x"}, reason)).finish_status == status


def test_a_named_tool_that_was_called_is_tool_calls_although_openai_says_stop() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert OPENAI.answer({}, answer({"tool_calls": [call]})).finish_status == "tool_calls"


@pytest.mark.parametrize(
    ("reason", "error_class"),
    [("error", "server"), ("insufficient_system_resource", "overloaded")],
)
def test_an_answer_that_was_broken_off_is_an_error(reason: str, error_class: str) -> None:
    with pytest.raises(ProviderError) as caught:
        OPENAI.answer({}, answer({"content": "half"}, reason))
    assert caught.value.error_class == error_class
    with pytest.raises(ProviderError) as caught:
        heard(delta(content="half"), delta(reason))
    assert caught.value.error_class == error_class


def test_an_error_in_a_200_is_an_error() -> None:
    said = b'{"error":{"message":"Rate limit exceeded: free-models-per-day","code":429}}'
    with pytest.raises(ProviderError) as caught:
        OPENAI.answer({}, said)
    assert caught.value.error_class == "rate_limited"


def test_thoughts_are_kept_apart_from_the_text() -> None:
    said = OPENAI.answer({}, answer({"content": "42", "reasoning_content": "hm"}))
    assert (said.text, said.thinking) == ("42", (Thinking("hm"),))
    pieces = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "42"},
    ]
    said = OPENAI.answer({}, answer({"content": pieces}))
    assert (said.text, said.thinking) == ("42", (Thinking("hm"),))


def test_logprobs_pass_through_as_they_are() -> None:
    logprobs = {"content": [{"token": "x", "logprob": -0.5}], "refusal": None}
    choice = {"message": {"content": "x"}, "finish_reason": "stop", "logprobs": logprobs}
    said = OPENAI.answer({}, msgspec.json.encode({"choices": [choice]}))
    assert said.logprobs is not None
    assert msgspec.json.decode(said.logprobs) == logprobs


# --------------------------------------------------------------------------- streams


def test_streamed_thoughts_of_every_spelling() -> None:
    events = heard(delta(reasoning_content="a"), delta(reasoning="b"), delta("stop", content="c"))
    assert events[:3] == [ThinkingDelta("a"), ThinkingDelta("b"), TextDelta("c")]


def test_usage_may_come_with_the_finish_or_after_it() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    expected = Finish("stop", Usage(input_tokens=3, output_tokens=2))
    assert heard(delta("stop", content="x") | {"usage": usage})[-1] == expected
    assert heard(delta("stop", content="x"), {"choices": [], "usage": usage})[-1] == expected


def call(
    index: int | None, call_id: str | None, name: str | None, arguments: str
) -> dict[str, Any]:
    spoken = {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}
    return delta(tool_calls=[spoken])


@pytest.mark.parametrize(
    "chunks",
    [
        [call(0, "a", "f", ""), call(0, None, None, "{}"), call(1, "b", "g", "{}")],
        [call(0, "a", "f", ""), call(0, "a", "f", "{}"), call(1, "b", "g", "{}")],  # id repeated
        [call(None, "a", "f", "{}"), call(None, "b", "g", "{}")],  # no index
        [call(0, "a", "f", "{}"), call(0, "b", "g", "{}")],  # index always 0
    ],
)
def test_streamed_calls_are_told_apart(chunks: list[dict[str, Any]]) -> None:
    events = heard(*chunks, delta("tool_calls"))
    begun = [e for e in events if isinstance(e, ToolCallDelta) and e.id]
    assert [(e.index, e.id, e.name) for e in begun] == [(0, "a", "f"), (1, "b", "g")]
    for index in (0, 1):
        spoken = [e.arguments for e in events if isinstance(e, ToolCallDelta) and e.index == index]
        assert "".join(spoken) == "{}"
    assert isinstance(events[-1], Finish)
    assert events[-1].finish_status == "tool_calls"


def test_a_call_without_id_is_given_one() -> None:
    events = heard(call(0, None, "f", "{}"), delta("tool_calls"))
    assert isinstance(events[0], ToolCallDelta)
    assert (events[0].id, events[0].name) == ("call_0", "f")


def test_a_finish_reason_without_an_end_marker_is_complete() -> None:
    parser = OPENAI.stream({})
    parser.feed(event(delta("stop", content="x")))
    assert parser.close() == [Finish("stop", None)]


def test_what_follows_the_end_marker_is_not_read() -> None:
    parser = OPENAI.stream({})
    events = parser.feed(event(delta("stop", content="x")) + b"data: [DONE]\n\ndata: {junk\n\n")
    assert isinstance(events[-1], Finish)
    assert parser.feed(b"data: more\n\n") == []


# --------------------------------------------------------------------------- embeddings


def test_embeddings_pass_token_ids_and_base64() -> None:
    target = Target("https://api.openai.com/v1/", "sk", "text-embedding-3-small")
    sent = OPENAI.embeddings(target, EmbeddingRequest(((1, 2), (3,)), base64=True))
    assert sent.url == "https://api.openai.com/v1/embeddings"
    assert msgspec.json.decode(sent.body) == {
        "model": "text-embedding-3-small",
        "input": [[1, 2], [3]],
        "encoding_format": "base64",
    }
    vectors = OPENAI.vectors({}, b'{"data":[{"embedding":"AACAPw==","index":0}]}')
    assert vectors.vectors == ("AACAPw==",)


# --------------------------------------------------------------------------- Azure


def test_azures_undated_api_names_the_deployment_in_the_body() -> None:
    sent, upstream = written("azure", "prod-4o", ask(), api_version="v1")
    assert upstream.url == "https://example.openai.azure.com/openai/v1/chat/completions"
    assert sent["model"] == "prod-4o"
    assert upstream.headers["api-key"] == "sk-test"


def test_azures_dated_api_names_the_deployment_in_the_url() -> None:
    sent, upstream = written("azure", "prod 4o/x", ask(), api_version="2025-01-01-preview")
    assert upstream.url == (
        "https://example.openai.azure.com/openai/deployments/prod%204o%2Fx/chat/completions"
        "?api-version=2025-01-01-preview"
    )
    assert "model" not in sent
