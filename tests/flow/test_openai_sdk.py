"""OpenAI's own SDK on the whole way to every vendor's wire format and back."""

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall

from tests.flow.asking import BEHIND, LOOK_UP, PIXEL, REASONED, SCRIPT, Mood, said, sent
from tests.flow.client import Client
from tests.flow.conftest import BOTH_WAYS
from tests.processes import Mock, Server


@pytest.fixture
def gpt(client: Client, shared_server: Server, key: Callable[..., str]) -> openai.OpenAI:
    return openai.OpenAI(api_key=key(), base_url=f"{shared_server.url}/v1", max_retries=0)


@BEHIND
def test_chat(vendor: str, gpt: openai.OpenAI, client: Client, mock: Mock) -> None:
    raw = gpt.chat.completions.with_raw_response.create(
        model=f"feature:behind-{vendor}",
        messages=[{"role": "system", "content": "Be brief."}, *said(f"Where? {SCRIPT}")],
        temperature=0.5,
    )
    answer = raw.parse()
    assert (answer.choices[0].message.content or "").startswith("Happy to help")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == f"feature:behind-{vendor}"
    assert "Be brief." in sent(mock)
    assert answer.usage
    assert answer.usage.prompt_tokens_details
    assert answer.usage.completion_tokens_details
    assert answer.usage.prompt_tokens_details.cached_tokens == 2
    assert answer.usage.completion_tokens_details.reasoning_tokens == REASONED[vendor]
    usage = client.trace(raw.headers["x-trace-id"])["usage"]
    assert answer.usage.prompt_tokens == usage["input_tokens"]
    assert answer.usage.completion_tokens == usage["output_tokens"]


@BEHIND
def test_stream(vendor: str, gpt: openai.OpenAI) -> None:
    with gpt.chat.completions.stream(
        model=f"feature:behind-{vendor}",
        messages=said("Hi [mock words=12]"),
        stream_options={"include_usage": True},
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == " ".join(f"word{n}" for n in range(1, 13))
    assert final.choices[0].finish_reason == "stop"
    assert final.usage
    assert final.usage.completion_tokens > 0


@BEHIND
@BOTH_WAYS
def test_tools_go_round(vendor: str, stream: bool, gpt: openai.OpenAI, mock: Mock) -> None:
    asked: Any = {
        "model": f"feature:behind-{vendor}",
        "messages": said("Where is order 7?"),
        "tools": [{"type": "function", "function": {"name": "look_up", "parameters": LOOK_UP}}],
        "tool_choice": {"type": "function", "function": {"name": "look_up"}},
    }
    if stream:
        with gpt.chat.completions.stream(**asked) as events:
            first = events.get_final_completion()
    else:
        first = gpt.chat.completions.create(**asked)
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    [call] = message.tool_calls or []
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert (call.function.name, json.loads(call.function.arguments)) == ("look_up", {"order": "ok"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "It was shipped on Monday."}
    history = [*asked["messages"], message, result]
    asked |= {"messages": history, "tool_choice": "auto"}
    second = gpt.chat.completions.create(**asked)
    assert second.choices[0].finish_reason == "stop"
    assert "shipped on Monday" in sent(mock)


@BEHIND
def test_structured_output(vendor: str, gpt: openai.OpenAI, mock: Mock) -> None:
    parsed = gpt.chat.completions.parse(
        model=f"feature:behind-{vendor}", messages=said("Well?"), response_format=Mood
    )
    assert parsed.choices[0].message.parsed == Mood(mood="good", score=1.5)
    assert "score" in sent(mock)


@BEHIND
def test_images(vendor: str, gpt: openai.OpenAI, mock: Mock) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{PIXEL}"}}
    content: Any = [{"type": "text", "text": "What is this?"}, picture]
    answer = gpt.chat.completions.create(
        model=f"feature:behind-{vendor}", messages=[{"role": "user", "content": content}]
    )
    assert answer.choices[0].message.content
    assert PIXEL in sent(mock)


@BEHIND
def test_an_answer_may_be_cut_or_refused(vendor: str, gpt: openai.OpenAI) -> None:
    model = f"feature:behind-{vendor}"
    cut = gpt.chat.completions.create(
        model=model, messages=said("[mock words=90]"), max_completion_tokens=5
    )
    assert cut.choices[0].finish_reason == "length"
    refused = gpt.chat.completions.create(model=model, messages=said("[mock refuse]"))
    assert refused.choices[0].finish_reason == "content_filter"


PARAMETERS: Any = {
    "temperature": 0.2, "top_p": 0.9, "seed": 7, "stop": ["."], "presence_penalty": 0.5,
    "logit_bias": {"50256": -100}, "user": "u_1", "store": True, "prompt_cache_key": "mine",
}  # fmt: skip
DROPPED = {
    "openai": [],
    "anthropic": ["logit_bias", "presence_penalty", "seed", "temperature", "top_p"],
    "gemini": ["logit_bias"],
}


@BEHIND
def test_parameters_are_passed_on_or_dropped_and_named(
    vendor: str, gpt: openai.OpenAI, client: Client, mock: Mock
) -> None:
    raw = gpt.chat.completions.with_raw_response.create(
        model=f"feature:behind-{vendor}", messages=said("Hello"), **PARAMETERS
    )
    assert raw.parse().choices[0].finish_reason == "stop"
    assert client.trace(raw.headers["x-trace-id"])["marks"] == [
        f"dropped:{name}" for name in DROPPED[vendor]
    ]
    assert '["."]' in sent(mock)
    for ignored in ("u_1", "store", "mine"):
        assert ignored not in sent(mock)


@pytest.mark.parametrize("feature", ["vectors", "gemini-vectors"])
def test_embeddings(feature: str, gpt: openai.OpenAI) -> None:
    answer = gpt.embeddings.create(model=f"feature:{feature}", input=["Hello", "Hello", "Bye"])
    first, second, third = (each.embedding for each in answer.data)
    assert first == second != third
    assert [each.index for each in answer.data] == [0, 1, 2]
    floats = gpt.embeddings.create(
        model=f"feature:{feature}", input="Hello", encoding_format="float", dimensions=8
    )
    assert len(floats.data[0].embedding) == 8
    assert answer.model == f"feature:{feature}"


def test_lists_what_may_be_asked_for(gpt: openai.OpenAI) -> None:
    names = {model.id for model in gpt.models.list()}
    assert {"auto", "task:chat", "feature:one"} <= names
    assert not [name for name in names if "kestrel" in name]
