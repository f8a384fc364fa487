"""What the OpenAI door writes is what the official SDK's own types expect."""

import json
from typing import Any

import pytest
from msgspec import Raw
from openai.types import CreateEmbeddingResponse, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from routerctl.engine.errors import CATALOGUE
from routerctl.providers.types import (
    Answer,
    Embeddings,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
)
from routerctl.wire import openai
from tests.wire.builders import (
    TRACE,
    WORDS,
    chat,
    embeddings,
    failure,
    refusal_of,
    result,
    sse_events,
    written,
)

LOGPROBS = Raw(b'{"content":[{"token":"Hi","logprob":-0.1,"bytes":null,"top_logprobs":[]}]}')


def whole(answer: Answer | None = None, **facts: Any) -> ChatCompletion:
    return ChatCompletion.model_validate_json(
        openai.renderer(chat({})).whole(result(answer, **facts)), strict=True
    )


def stream(
    *events: StreamEvent, usage: bool = False, **facts: Any
) -> tuple[list[ChatCompletionChunk], str]:
    """The chunks of a stream of `events`, and what came last."""
    call = chat({"stream": True, "stream_options": {"include_usage": usage}})
    *chunks, (_, last) = sse_events(written(openai.renderer(call), *events, **facts))
    return [ChatCompletionChunk.model_validate_json(data, strict=True) for _, data in chunks], last


# --------------------------------------------------------------------------- whole answers


def test_a_text_answer_is_a_chat_completion() -> None:
    completion = whole(echo_model="task:chat")
    (choice,) = completion.choices
    assert completion.id == f"chatcmpl-{TRACE}"
    assert (completion.model, completion.created) == ("task:chat", 1_800_000_000)
    assert (choice.message.content, choice.finish_reason) == ("Good morning.", "stop")
    assert choice.message.tool_calls is None


def test_usage_counts_cached_and_reasoning_tokens_in_the_totals() -> None:
    usage = whole().usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (120, 40, 160)
    assert usage.prompt_tokens_details.cached_tokens == 100
    assert usage.completion_tokens_details.reasoning_tokens == 7


def test_tool_calls_come_without_text_when_there_is_none() -> None:
    calls = (ToolCall("c1", "look_up", '{"id":7}'), ToolCall("c2", "look_up", "{}"))
    (choice,) = whole(Answer(tool_calls=calls, finish_status="tool_calls")).choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    told = choice.message.tool_calls
    assert told is not None
    assert [call.id for call in told] == ["c1", "c2"]
    assert told[0].type == "function"
    assert told[0].function.arguments == '{"id":7}'


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(text="Once", finish_status="length"), "length"),
        (Answer(finish_status="refused"), "content_filter"),
        (Answer(refusal="I cannot.", finish_status="refused"), "stop"),
    ],
    ids=["length", "filtered", "refused in words"],
)
def test_every_ending_has_its_reason(answer: Answer, reason: str) -> None:
    (choice,) = whole(answer).choices
    assert choice.finish_reason == reason
    assert choice.message.refusal == answer.refusal


def test_logprobs_pass_through() -> None:
    (choice,) = whole(Answer(text="Hi", logprobs=LOGPROBS)).choices
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert choice.logprobs.content[0].token == "Hi"


# --------------------------------------------------------------------------- streams


def test_a_stream_is_made_of_chunks_and_ends_with_done() -> None:
    chunks, last = stream(TextDelta("Good "), ThinkingDelta("hm"), TextDelta("morn\n\ning ☀"))
    assert last == "[DONE]"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Good morn\n\ning ☀"
    assert [c.choices[0].finish_reason for c in chunks] == [None, None, None, "stop"]
    assert {c.id for c in chunks} == {f"chatcmpl-{TRACE}"}
    assert all(c.usage is None for c in chunks)


def test_usage_comes_in_a_last_chunk_of_its_own_when_asked_for() -> None:
    chunks, _ = stream(TextDelta("Hi"), usage=True)
    usage = chunks[-1].usage
    assert chunks[-1].choices == []
    assert usage is not None
    assert usage.total_tokens == 160
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_tool_calls_come_in_pieces_that_the_client_puts_together() -> None:
    chunks, _ = stream(
        ToolCallDelta(0, "c1", "look_up"),
        ToolCallDelta(0, arguments='{"id"'),
        ToolCallDelta(0, arguments=":7}"),
        ToolCallDelta(1, "c2", "look_up", "{}"),
        finish_status="tool_calls",
    )
    pieces = [piece for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or []]
    assert [(piece.index, piece.id) for piece in pieces] == [
        (0, "c1"),
        (0, None),
        (0, None),
        (1, "c2"),
    ]
    arguments = [p.function.arguments or "" for p in pieces if p.function and p.index == 0]
    assert "".join(arguments) == '{"id":7}'
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_a_refusal_streams_as_such() -> None:
    chunks, _ = stream(RefusalDelta("I cannot."), finish_status="refused")
    assert chunks[1].choices[0].delta.refusal == "I cannot."
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_logprobs_stream_beside_their_text() -> None:
    chunks, _ = stream(TextDelta("Hi", LOGPROBS), usage=True)
    assert chunks[1].choices[0].delta.content == "Hi"
    assert chunks[1].choices[0].logprobs is not None


def test_a_stream_that_fails_ends_with_the_error_and_never_with_done() -> None:
    renderer = openai.renderer(chat({"stream": True}))
    begun = renderer.begin(result()) + renderer.event(TextDelta("Hi")) + renderer.keep_alive()
    stream = (begun + renderer.end(failure("provider_timeout"))).decode()
    assert "[DONE]" not in stream
    assert json.loads(sse_events(stream)[-1][1])["error"]["code"] == "provider_timeout"


# --------------------------------------------------------------------------- errors


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_error_of_the_catalogue_stands_in_the_envelope(code: str) -> None:
    error = json.loads(openai.error_renderer().whole(failure(code)))["error"]
    assert set(error) == {"message", "type", "code", "param", "trace_id"}
    assert (error["code"], error["trace_id"]) == (code, TRACE)
    assert error["type"]


def test_param_names_the_field_and_other_details_stand_beside_it() -> None:
    broken = failure("invalid_request", "No.", details={"path": "messages[0]", "hint": "x"})
    error = json.loads(openai.error_renderer().whole(broken))["error"]
    assert error["param"] == "messages[0]"
    assert error["details"] == {"hint": "x"}


# --------------------------------------------------------------------------- embeddings, models


def vectors(*vectors: list[float] | str, encoding: str | None) -> list[Any]:
    body = {"input": "x"} | ({"encoding_format": encoding} if encoding else {})
    answer = Embeddings(vectors)
    rendered = openai.renderer(embeddings(body)).whole(result(embeddings=answer))
    return [item["embedding"] for item in json.loads(rendered)["data"]]


IN_BASE64 = "AACAPwAAAL8="  # 1.0 and -0.5 as little-endian 32-bit floats


def test_vectors_come_as_they_were_asked_for_whatever_the_vendor_sent() -> None:
    assert vectors([1.0, -0.5], encoding=None) == [[1.0, -0.5]]
    assert vectors(IN_BASE64, encoding="float") == [[1.0, -0.5]]
    assert vectors([1.0, -0.5], encoding="base64") == [IN_BASE64]
    assert vectors(IN_BASE64, encoding="base64") == [IN_BASE64]


def test_an_embedding_answer_is_the_sdks_type() -> None:
    renderer = openai.renderer(embeddings({"input": ["a", "b"]}))
    body = renderer.whole(result(embeddings=Embeddings(([0.5], [0.25])), echo_model="auto"))
    answer = CreateEmbeddingResponse.model_validate_json(body, strict=True)
    assert [item.index for item in answer.data] == [0, 1]
    assert answer.usage.prompt_tokens == 120
    assert answer.model == "auto"


def test_a_failed_embedding_is_an_error_in_the_same_envelope() -> None:
    body = openai.renderer(embeddings({"input": "a"})).whole(failure("no_eligible_deployment"))
    assert json.loads(body)["error"]["code"] == "no_eligible_deployment"


@pytest.mark.parametrize(
    ("sent", "inputs", "texts"),
    [
        ("one", ("one",), ("one",)),
        (["one", "two"], ("one", "two"), ("one", "two")),
        ([1, 2, 3], ((1, 2, 3),), ()),
        ([[1, 2], [3]], ((1, 2), (3,)), ()),
    ],
    ids=["text", "texts", "tokens", "lists of tokens"],
)
def test_every_kind_of_embedding_input_is_understood(
    sent: Any, inputs: tuple[Any, ...], texts: tuple[str, ...]
) -> None:
    call = embeddings({"input": sent, "dimensions": 256})
    assert call.embedding is not None
    assert call.embedding.inputs == inputs
    assert call.embedding.dimensions == 256
    assert call.texts == texts
    assert call.request.operation == "embeddings"


@pytest.mark.parametrize(
    "sent", ["", [], [""], ["a", 1], [1, "a"], [[]], [[1], ["a"]], [-1], [1.5], [None], [True], {}]
)  # fmt: skip
def test_an_input_that_mixes_or_lacks_something_is_refused(sent: Any) -> None:
    error = refusal_of(embeddings, {"input": sent})
    assert error.code == "invalid_request"
    assert error.details["path"].startswith("input")


def test_the_list_of_models_is_what_may_be_asked_for() -> None:
    listed = json.loads(openai.models(WORDS))
    models = [Model.model_validate(item) for item in listed["data"]]
    assert [model.id for model in models] == [
        "auto", "task:chat", "task:summary", "feature:search-answers", "feature:support-chat",
    ]  # fmt: skip
    for model in models:
        assert chat({"model": model.id}).echo_model == model.id
