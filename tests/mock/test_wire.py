"""What the scripted providers send is what the vendors' own SDKs understand."""

import json
from typing import Any

import anthropic
import httpx2 as httpx
import openai
import pytest
from google import genai
from google.genai import types as gemini_types

from tests.processes import Mock

SCHEMA = {
    "type": "object",
    "properties": {
        "sentiment": {"enum": ["good", "bad"]},
        "score": {"type": "number"},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
    },
    "required": ["sentiment", "score", "tags"],
    "additionalProperties": False,
    "$defs": {"tag": {"type": "object", "properties": {"name": {"type": "string"}}}},
}
FITTING = {"sentiment": "good", "score": 1.5, "tags": [{"name": "ok"}]}
LOOKUP = {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}
QUESTION = "Where is my parcel?"


@pytest.fixture
def for_openai(mock: Mock) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{mock.url}/openai/v1", api_key="sk-test", max_retries=0)


@pytest.fixture
def for_anthropic(mock: Mock) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=f"{mock.url}/anthropic", api_key="sk-ant-test", max_retries=0
    )


@pytest.fixture
def for_gemini(mock: Mock) -> genai.Client:
    options = gemini_types.HttpOptions(base_url=f"{mock.url}/gemini")
    return genai.Client(api_key="test", http_options=options)


def said(text: str = QUESTION) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


# --------------------------------------------------------------------------- OpenAI


def test_openai_answers_and_counts_cached_and_reasoning_tokens(for_openai):
    model = "gpt-4o-mini~cached=2~reasoning=7"
    answer = for_openai.chat.completions.create(model=model, messages=said())
    assert "parcel" in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 2
    assert answer.usage.completion_tokens_details.reasoning_tokens == 7


def test_openai_streams_the_same_text_with_usage(for_openai):
    whole = for_openai.chat.completions.create(model="gpt-4o-mini", messages=said())
    stream = for_openai.chat.completions.create(
        model="gpt-4o-mini", messages=said(), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


def test_openai_calls_the_tool_that_it_must(for_openai):
    asked: dict[str, Any] = {
        "model": "gpt-4o-mini",
        "messages": said(),
        "tools": [{"type": "function", "function": {"name": "lookup", "parameters": LOOKUP}}],
        "tool_choice": "required",
    }
    with for_openai.chat.completions.stream(**asked) as stream:
        streamed = stream.get_final_completion()
    for answer in (for_openai.chat.completions.create(**asked), streamed):
        assert answer.choices[0].finish_reason == "tool_calls"
        function = answer.choices[0].message.tool_calls[0].function
        assert (function.name, json.loads(function.arguments)) == ("lookup", {"order": "ok"})


def test_openai_answers_by_the_schema(for_openai):
    shape = {"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA}}
    answer = for_openai.chat.completions.create(
        model="gpt-4o-mini", messages=said(), response_format=shape
    )
    assert json.loads(answer.choices[0].message.content or "") == FITTING


def test_openai_embeds_equal_texts_equally(for_openai):
    one, two, other = for_openai.embeddings.create(
        model="text-embedding-3-small", input=["a", "a", "b"], dimensions=8
    ).data
    assert len(one.embedding) == 8
    assert one.embedding == two.embedding != other.embedding


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ],
)
def test_openai_fails_as_told(for_openai, status, error):
    with pytest.raises(error):
        for_openai.chat.completions.create(model=f"m~status={status}", messages=said())


# --------------------------------------------------------------------------- Anthropic


def test_anthropic_answers_and_counts_cached_tokens_beside_the_input(
    for_anthropic,
):
    answer = for_anthropic.messages.create(
        model="claude-sonnet-4~cached=3", max_tokens=500, messages=said()
    )
    assert answer.content[0].type == "text"
    assert answer.stop_reason == "end_turn"
    assert answer.usage.cache_read_input_tokens == 3
    assert answer.usage.input_tokens == len(QUESTION) // 4 - 3


def test_anthropic_streams_the_same_message(for_anthropic):
    asked: dict[str, Any] = {"model": "claude-sonnet-4", "max_tokens": 500, "messages": said()}
    whole = for_anthropic.messages.create(**asked)
    with for_anthropic.messages.stream(**asked) as stream:
        final = stream.get_final_message()
    assert final.content[0].text == whole.content[0].text
    assert final.usage.output_tokens == whole.usage.output_tokens


def test_anthropic_calls_the_tool_that_it_must(for_anthropic):
    with for_anthropic.messages.stream(
        model="claude-sonnet-4",
        max_tokens=500,
        messages=said(),
        tools=[{"name": "lookup", "input_schema": LOOKUP}],
        tool_choice={"type": "any"},
    ) as stream:
        final = stream.get_final_message()
    assert final.stop_reason == "tool_use"
    assert (final.content[0].name, final.content[0].input) == ("lookup", {"order": "ok"})


def test_anthropic_stops_at_max_tokens(for_anthropic):
    answer = for_anthropic.messages.create(model="claude-sonnet-4", max_tokens=3, messages=said())
    assert (answer.stop_reason, answer.usage.output_tokens) == ("max_tokens", 3)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (429, anthropic.RateLimitError),
        (529, anthropic.InternalServerError),
    ],
)
def test_anthropic_fails_as_told(for_anthropic, status, error):
    with pytest.raises(error):
        for_anthropic.messages.create(model=f"m~status={status}", max_tokens=9, messages=said())


# --------------------------------------------------------------------------- Gemini


def test_gemini_answers_and_counts_thoughts_beside_the_candidates(for_gemini):
    answer = for_gemini.models.generate_content(
        model="gemini-2.5-flash~reasoning=5", contents=QUESTION
    )
    assert "parcel" in (answer.text or "")
    usage = answer.usage_metadata
    assert usage is not None
    assert usage.thoughts_token_count == 5
    assert usage.total_token_count == (
        usage.prompt_token_count + usage.candidates_token_count + usage.thoughts_token_count
    )


def test_gemini_streams_the_same_text(for_gemini):
    asked: dict[str, Any] = {"model": "gemini-2.5-flash", "contents": QUESTION}
    whole = for_gemini.models.generate_content(**asked)
    chunks = list(for_gemini.models.generate_content_stream(**asked))
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert chunks[-1].candidates[0].finish_reason == gemini_types.FinishReason.STOP


def test_gemini_calls_the_function_that_it_must(for_gemini):
    answer = for_gemini.models.generate_content(
        model="gemini-2.5-flash",
        contents=QUESTION,
        config={
            "tools": [
                {"function_declarations": [{"name": "lookup", "parameters_json_schema": LOOKUP}]}
            ],
            "tool_config": {"function_calling_config": {"mode": "ANY"}},
        },
    )
    call = answer.function_calls[0]
    assert (call.name, call.args) == ("lookup", {"order": "ok"})


def test_gemini_answers_by_the_schema(for_gemini):
    answer = for_gemini.models.generate_content(
        model="gemini-2.5-flash",
        contents=QUESTION,
        config={"response_mime_type": "application/json", "response_json_schema": SCHEMA},
    )
    assert json.loads(answer.text or "") == FITTING


def test_gemini_embeds(for_gemini):
    found = for_gemini.models.embed_content(model="gemini-embedding-001", contents=["a", "b"])
    assert [len(e.values or []) for e in found.embeddings or []] == [16, 16]


def test_gemini_fails_as_told(for_gemini):
    with pytest.raises(genai.errors.ClientError) as caught:
        for_gemini.models.generate_content(model="m~status=429", contents=QUESTION)
    assert caught.value.status == "RESOURCE_EXHAUSTED"


# --------------------------------------------------------------------------- faults


def stream_body(**more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": said(), "stream": True, **more}


def test_a_cut_stream_ends_in_the_middle(mock):
    url = f"{mock.url}/openai/v1/chat/completions"
    with (
        pytest.raises(httpx.RemoteProtocolError),
        httpx.stream("POST", url, json=stream_body(model="m~cut=2")) as answer,
    ):
        list(answer.iter_lines())


def test_a_stalled_stream_stays_open_and_brings_nothing_more(mock):
    url = f"{mock.url}/openai/v1/chat/completions"
    received = []
    with (
        pytest.raises(httpx.ReadTimeout),
        httpx.stream("POST", url, json=stream_body(model="m~stall=3"), timeout=0.5) as answer,
    ):
        received.extend(line for line in answer.iter_lines() if line)
    assert len(received) < 4


def test_a_silent_provider_says_nothing_at_all(mock):
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{mock.url}/anthropic/v1/messages",
            json={"model": "m~silent", "max_tokens": 9, "messages": said()},
            timeout=0.3,
        )


def test_an_open_ended_stream_has_neither_finish_reason_nor_end_marker(mock):
    for path, mark in (("openai/v1/chat/completions", "[DONE]"), ("a/v1/messages", "message_stop")):
        body = stream_body(model="m~open_ended", max_tokens=99)
        answer = httpx.post(f"{mock.url}/{path}", json=body)
        assert mark not in answer.text
        assert '"stop"' not in answer.text


def test_a_fault_may_happen_to_the_first_calls_alone(mock):
    url = f"{mock.url}/openai/v1/chat/completions"
    body = {"model": "m~status=503~retry_after=1~times=2", "messages": said()}
    answers = [httpx.post(url, json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "1"


def test_a_fault_may_happen_to_a_share_of_the_calls(mock):
    url = f"{mock.url}/openai/v1/chat/completions"
    body = {"model": "m~status=500~percent=25", "messages": said()}
    statuses = [httpx.post(url, json=body).status_code for _ in range(8)]
    assert statuses.count(500) == 2


def test_the_last_user_message_may_script_too(mock):
    body = {"model": "m", "messages": said("Hello [mock status=429 code=insufficient_quota]")}
    answer = httpx.post(f"{mock.url}/openai/v1/chat/completions", json=body)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "insufficient_quota"


# --------------------------------------------------------------------------- memory


def test_calls_are_remembered_without_their_credentials(mock):
    httpx.post(
        f"{mock.url}/local/v1/chat/completions",
        json={"model": "qwen3-8b", "messages": said()},
        headers={"authorization": "Bearer sk-very-secret"},
    )
    [call] = mock.calls()
    assert (call["provider"], call["model"]) == ("local", "qwen3-8b")
    assert call["body"]["messages"] == said()
    assert call["headers"]["authorization"].startswith("sha256:")
    assert "sk-very-secret" not in json.dumps(call)
