"""What only Gemini has: signatures on calls, levels of thinking, blocked prompts."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from routerctl.providers import ADAPTERS
from routerctl.providers.errors import ProviderError
from routerctl.providers.ports import Target
from routerctl.providers.types import (
    EmbeddingRequest,
    Finish,
    Image,
    Message,
    OutputSchema,
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

GEMINI = ADAPTERS["gemini"]
FLASH, THREE = "gemini-2.5-flash", "gemini-3-pro-preview"


def body(model: str, *parts: Any, **request: Any) -> dict[str, Any]:
    return written("gemini", model, ask(*parts, **request))[0]


def answer(*parts: dict[str, Any], finish_reason: str | None = "STOP", **rest: Any) -> bytes:
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": finish_reason}
    return msgspec.json.encode({"candidates": [candidate], "responseId": "r1", **rest})


# --------------------------------------------------------------------------- requests


def test_the_key_is_in_a_header_and_never_in_the_url() -> None:
    for stream in (False, True):
        _, upstream = written("gemini", FLASH, ask(stream=stream))
        assert "sk-test" not in upstream.url
        assert upstream.headers["x-goog-api-key"] == "sk-test"


@pytest.mark.parametrize(
    ("base_url", "model", "url"),
    [
        ("https://g.example", FLASH, f"https://g.example/v1beta/models/{FLASH}:generateContent"),
        ("https://g.example/v1/", FLASH, f"https://g.example/v1/models/{FLASH}:generateContent"),
        (
            "https://g.example",
            "tunedModels/mine",
            "https://g.example/v1beta/tunedModels/mine:generateContent",
        ),
    ],
)
def test_urls(base_url: str, model: str, url: str) -> None:
    assert written("gemini", model, ask(), base_url)[1].url == url


def test_parameters_in_googles_words() -> None:
    params = {
        "temperature": 0.5, "top_p": 0.9, "top_k": 4, "seed": 1, "presence_penalty": 0.1,
        "frequency_penalty": 0.2, "stop": "END", "logit_bias": {}, "logprobs": True,
        "verbosity": "low",
    }  # fmt: skip
    sent, upstream = written("gemini", FLASH, ask(params=params))
    assert sent["generationConfig"] == {
        "maxOutputTokens": 4000, "temperature": 0.5, "topP": 0.9, "topK": 4, "seed": 1,
        "presencePenalty": 0.1, "frequencyPenalty": 0.2, "stopSequences": ["END"],
    }  # fmt: skip
    assert upstream.dropped == ("logit_bias", "logprobs", "verbosity")


@pytest.mark.parametrize(
    ("model", "params", "config"),
    [
        (
            FLASH,
            {"thinking_budget_tokens": 2000},
            {"thinkingBudget": 2000, "includeThoughts": True},
        ),
        (FLASH, {"thinking_budget_tokens": 0}, {"thinkingBudget": 0, "includeThoughts": False}),
        (FLASH, {"reasoning_effort": "low"}, {"thinkingBudget": 1024}),
        (FLASH, {"reasoning_effort": "high"}, {"thinkingBudget": 24576}),
        (THREE, {"reasoning_effort": "low"}, {"thinkingLevel": "low"}),
        (THREE, {"reasoning_effort": "xhigh"}, {"thinkingLevel": "high"}),
        ("gemini-2.0-flash", {"reasoning_effort": "low"}, None),
    ],
)
def test_thinking(model: str, params: dict[str, Any], config: dict[str, Any] | None) -> None:
    assert body(model, params=params)["generationConfig"].get("thinkingConfig") == config


def test_older_models_get_a_schema_in_words_when_there_are_tools() -> None:
    schema = OutputSchema(Raw(b'{"type":"object"}'))
    with_tools = body(FLASH, output_schema=schema, tools=(Tool("f"),))
    assert "responseMimeType" not in with_tools["generationConfig"]
    assert '{"type":"object"}' in with_tools["systemInstruction"]["parts"][0]["text"]
    newer = body(THREE, output_schema=schema, tools=(Tool("f"),))
    assert newer["generationConfig"]["responseJsonSchema"] == {"type": "object"}


def test_json_without_a_schema() -> None:
    sent = body(FLASH, output_schema=OutputSchema())
    assert sent["generationConfig"]["responseMimeType"] == "application/json"
    assert "responseJsonSchema" not in sent["generationConfig"]


def test_what_gemini_does_not_have_is_named() -> None:
    choice = ToolChoice("auto", parallel=False)
    request = ask(Text("x", cache=True), tools=(Tool("f"),), tool_choice=choice)
    assert written("gemini", FLASH, request)[1].dropped == ("cache_control", "parallel_tool_calls")


def test_results_have_the_name_of_their_call_and_are_objects() -> None:
    messages = (
        Message("assistant", (ToolCall("c1", "f"), ToolCall("c2", "g"))),
        Message("user", (ToolResult("c1", (Text('{"n":1}'),)), Text("Well?"))),
        Message("user", (ToolResult("c2", (Text("broken"), Image("image/png", "aGk=")), True),)),
    )
    _, answered = body(FLASH, messages=messages)["contents"]
    assert answered["parts"] == [
        {"functionResponse": {"id": "c1", "name": "f", "response": {"n": 1}}},
        {"functionResponse": {"id": "c2", "name": "g", "response": {"error": "broken"}}},
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        {"text": "Well?"},
    ]


def test_a_call_goes_back_with_its_signature_or_the_word_for_none() -> None:
    own = (Thinking("", "gemini:sig=="), ToolCall("c1", "f"), ToolCall("c2", "g"))
    (turn,) = body(THREE, *own, role="assistant")["contents"]
    assert [part.get("thoughtSignature") for part in turn["parts"]] == ["sig==", None]
    foreign = (Thinking("hm", "anthropic's"), ToolCall("c1", "f"), ToolCall("c2", "g"))
    (turn,) = body(THREE, *foreign, role="assistant")["contents"]
    signatures = [part.get("thoughtSignature") for part in turn["parts"]]
    assert signatures == ["skip_thought_signature_validator", None]
    (turn,) = body(FLASH, *foreign, role="assistant")["contents"]
    assert "thoughtSignature" not in turn["parts"][0]


# --------------------------------------------------------------------------- answers


def test_a_signature_comes_before_its_call() -> None:
    part = {"functionCall": {"name": "f", "args": {}, "id": "own"}, "thoughtSignature": "sig=="}
    said = GEMINI.answer({}, answer({"text": "hm", "thought": True}, part))
    assert said.thinking == (Thinking("hm"), Thinking("", "gemini:sig=="))
    assert said.tool_calls == (ToolCall("own", "f", "{}"),)
    assert said.finish_status == "tool_calls"
    events = GEMINI.stream({}).feed(b"data: " + answer(part) + b"\n\n")
    assert events[0] == ThinkingDelta(signature="gemini:sig==")
    assert isinstance(events[1], ToolCallDelta)


def test_ids_that_we_give_differ_between_answers() -> None:
    part = {"functionCall": {"name": "f", "args": {}}}
    first, second = (GEMINI.answer({}, answer(part)).tool_calls[0].id for _ in range(2))
    assert first != second


def test_a_blocked_prompt_is_a_refusal_with_its_usage() -> None:
    blocked = msgspec.json.encode(
        {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9}}
    )
    said = GEMINI.answer({}, blocked)
    assert said.finish_status == "refused"
    assert said.refusal is None
    assert said.usage == Usage(input_tokens=9)
    parser = GEMINI.stream({})
    assert parser.feed(b"data: " + blocked + b"\n\n") == []
    assert parser.close() == [Finish("refused", Usage(input_tokens=9))]


@pytest.mark.parametrize(
    "reason", ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"]
)
def test_filters_are_refusals(reason: str) -> None:
    said = GEMINI.answer({}, answer({"text": "half"}, finish_reason=reason))
    assert (said.finish_status, said.text) == ("refused", "half")


@pytest.mark.parametrize(
    "reason", ["MALFORMED_FUNCTION_CALL", "OTHER", "UNEXPECTED_TOOL_CALL", "NEW"]
)
def test_an_answer_that_ended_badly_is_never_a_success(reason: str) -> None:
    with pytest.raises(ProviderError) as caught:
        GEMINI.answer({}, answer({"text": "half"}, finish_reason=reason))
    assert caught.value.error_class == "malformed"


def test_an_answer_without_a_finish_reason_is_malformed() -> None:
    with pytest.raises(ProviderError) as caught:
        GEMINI.answer({}, answer({"text": "half"}, finish_reason=None))
    assert caught.value.error_class == "malformed"


def test_a_stream_may_say_stop_before_its_last_words() -> None:
    parser = GEMINI.stream({})
    events = parser.feed(event({"candidates": [{"finishReason": "STOP"}]}))
    events += parser.feed(b"data: " + answer({"text": "late"}) + b"\n\n")
    assert events == [TextDelta("late")]
    assert parser.close() == [Finish("stop")]


def test_thoughts_are_paid_for_beside_the_candidates() -> None:
    usage = {
        "promptTokenCount": 10, "cachedContentTokenCount": 4, "candidatesTokenCount": 5,
        "thoughtsTokenCount": 30, "toolUsePromptTokenCount": 2, "totalTokenCount": 47,
    }  # fmt: skip
    said = GEMINI.answer({}, answer({"text": "x"}, usageMetadata=usage))
    assert said.usage == Usage(
        input_tokens=12, output_tokens=35, cached_input_tokens=4, reasoning_tokens=30
    )


# --------------------------------------------------------------------------- embeddings


def test_embeddings_go_in_one_batch() -> None:
    target = Target("https://g.example", "sk", "gemini-embedding-001")
    sent = GEMINI.embeddings(target, EmbeddingRequest(("a", "b"), dimensions=3, base64=True))
    assert sent.url == "https://g.example/v1beta/models/gemini-embedding-001:batchEmbedContents"
    assert sent.dropped == ("encoding_format",)
    one = {"model": "models/gemini-embedding-001", "outputDimensionality": 3}
    assert msgspec.json.decode(sent.body)["requests"] == [
        {**one, "content": {"parts": [{"text": text}]}} for text in ("a", "b")
    ]
    with pytest.raises(ProviderError) as caught:
        GEMINI.embeddings(target, EmbeddingRequest(((1, 2),)))
    assert caught.value.error_class == "invalid_request"
