"""The official SDKs on the whole way to every vendor's wire format and back: a 2 x 3 matrix."""

import json
from collections.abc import Callable
from typing import Any, Literal

import anthropic
import openai
import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall
from pydantic import BaseModel

from tests.flow.client import Client, Json
from tests.flow.conftest import BOTH_WAYS, VENDORS
from tests.processes import Mock, Server

BEHIND = pytest.mark.parametrize("vendor", VENDORS)
PIXEL = "R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs="
LOOK_UP = {
    "type": "object",
    "properties": {"order": {"type": "string"}},
    "required": ["order"],
    "additionalProperties": False,
}
SCRIPT = "[mock cached=2 reasoning=7]"
REASONED = {"openai": 7, "anthropic": 0, "gemini": 7}
"""Anthropic does not say how much of the output was thought."""


class Mood(BaseModel):
    mood: Literal["good", "bad"]
    score: float


@pytest.fixture
def gpt(client: Client, shared_server: Server, key: Callable[..., str]) -> openai.OpenAI:
    return openai.OpenAI(api_key=key(), base_url=f"{shared_server.url}/v1", max_retries=0)


@pytest.fixture
def claude(client: Client, shared_server: Server, key: Callable[..., str]) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=key(), base_url=shared_server.url, max_retries=0)


def said(*words: str) -> Any:
    return [{"role": "user", "content": text} for text in words]


def sent(mock: Mock) -> str:
    """What the vendor was sent in the last call, as text."""
    return json.dumps(mock.calls()[-1]["body"])


# --------------------------------------------------------------------------- OpenAI's


@BEHIND
def test_openai_chat(vendor: str, gpt: openai.OpenAI, client: Client, mock: Mock) -> None:
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
def test_openai_stream(vendor: str, gpt: openai.OpenAI) -> None:
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
def test_openai_tools_go_round(vendor: str, stream: bool, gpt: openai.OpenAI, mock: Mock) -> None:
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
def test_openai_structured_output(vendor: str, gpt: openai.OpenAI, mock: Mock) -> None:
    parsed = gpt.chat.completions.parse(
        model=f"feature:behind-{vendor}", messages=said("Well?"), response_format=Mood
    )
    assert parsed.choices[0].message.parsed == Mood(mood="good", score=1.5)
    assert "score" in sent(mock)


@BEHIND
def test_openai_images(vendor: str, gpt: openai.OpenAI, mock: Mock) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{PIXEL}"}}
    content: Any = [{"type": "text", "text": "What is this?"}, picture]
    answer = gpt.chat.completions.create(
        model=f"feature:behind-{vendor}", messages=[{"role": "user", "content": content}]
    )
    assert answer.choices[0].message.content
    assert PIXEL in sent(mock)


@BEHIND
def test_openai_an_answer_may_be_cut_or_refused(vendor: str, gpt: openai.OpenAI) -> None:
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
def test_openai_parameters_are_passed_on_or_dropped_and_named(
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
def test_openai_embeddings(feature: str, gpt: openai.OpenAI) -> None:
    answer = gpt.embeddings.create(model=f"feature:{feature}", input=["Hello", "Hello", "Bye"])
    first, second, third = (each.embedding for each in answer.data)
    assert first == second != third
    assert [each.index for each in answer.data] == [0, 1, 2]
    floats = gpt.embeddings.create(
        model=f"feature:{feature}", input="Hello", encoding_format="float", dimensions=8
    )
    assert len(floats.data[0].embedding) == 8
    assert answer.model == f"feature:{feature}"


def test_openai_lists_what_may_be_asked_for(gpt: openai.OpenAI) -> None:
    names = {model.id for model in gpt.models.list()}
    assert {"auto", "task:chat", "feature:one"} <= names
    assert not [name for name in names if "kestrel" in name]


# --------------------------------------------------------------------------- Anthropic's


@BEHIND
def test_anthropic_chat(
    vendor: str, claude: anthropic.Anthropic, client: Client, mock: Mock
) -> None:
    raw = claude.messages.with_raw_response.create(
        model=f"feature:behind-{vendor}",
        max_tokens=500,
        system="Be brief.",
        messages=said(f"Where? {SCRIPT}"),
        extra_body={"temperature": 0.5},
    )
    answer = raw.parse()
    [block] = answer.content
    assert block.type == "text"
    assert block.text.startswith("Happy to help")
    assert (answer.stop_reason, answer.model) == ("end_turn", f"feature:behind-{vendor}")
    assert "Be brief." in sent(mock)
    usage = client.trace(raw.headers["x-trace-id"])["usage"]
    assert answer.usage.cache_read_input_tokens == 2
    assert answer.usage.input_tokens == usage["input_tokens"] - 2
    assert answer.usage.output_tokens == usage["output_tokens"]


@BEHIND
def test_anthropic_stream(vendor: str, claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(
        model=f"feature:behind-{vendor}", max_tokens=500, messages=said("Hi [mock words=12]")
    ) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == " ".join(f"word{n}" for n in range(1, 13))
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens > 1


@BEHIND
@BOTH_WAYS
def test_anthropic_tools_go_round(
    vendor: str, stream: bool, claude: anthropic.Anthropic, mock: Mock
) -> None:
    asked: Any = {
        "model": f"feature:behind-{vendor}",
        "max_tokens": 500,
        "messages": said("Where is order 7?"),
        "tools": [{"name": "look_up", "input_schema": LOOK_UP}],
        "tool_choice": {"type": "tool", "name": "look_up"},
    }
    if stream:
        with claude.messages.stream(**asked) as events:
            first = events.get_final_message()
    else:
        first = claude.messages.create(**asked)
    assert first.stop_reason == "tool_use"
    [call] = first.content
    assert call.type == "tool_use"
    assert (call.name, call.input) == ("look_up", {"order": "ok"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "Shipped on Monday."}
    history = [*asked["messages"], first.to_param(), {"role": "user", "content": [result]}]
    asked |= {"messages": history, "tool_choice": {"type": "auto"}}
    second = claude.messages.create(**asked)
    assert second.stop_reason == "end_turn"
    assert "Shipped on Monday" in sent(mock)


@BEHIND
def test_anthropic_structured_output(vendor: str, claude: anthropic.Anthropic) -> None:
    parsed = claude.messages.parse(
        model=f"feature:behind-{vendor}",
        max_tokens=500,
        messages=said("Well?"),
        output_format=Mood,
    )
    assert parsed.parsed_output == Mood(mood="good", score=1.5)


@BEHIND
def test_anthropic_images(vendor: str, claude: anthropic.Anthropic, mock: Mock) -> None:
    source = {"type": "base64", "media_type": "image/gif", "data": PIXEL}
    content: Any = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    answer = claude.messages.create(
        model=f"feature:behind-{vendor}",
        max_tokens=500,
        messages=[{"role": "user", "content": content}],
    )
    assert answer.stop_reason == "end_turn"
    assert PIXEL in sent(mock)


@BEHIND
def test_anthropic_an_answer_may_be_cut_or_refused(
    vendor: str, claude: anthropic.Anthropic
) -> None:
    asked: Any = {"model": f"feature:behind-{vendor}"}
    cut = claude.messages.create(**asked, max_tokens=5, messages=said("[mock words=90]"))
    assert cut.stop_reason == "max_tokens"
    refused = claude.messages.create(**asked, max_tokens=5, messages=said("[mock refuse]"))
    assert refused.stop_reason == "refusal"


# --------------------------------------------------------------------------- our own


@BEHIND
def test_native_chat(vendor: str, client: Client) -> None:
    answer = client.generate(f"behind-{vendor}", f"Where? {SCRIPT}").json()
    assert answer["output_text"].startswith("Happy to help")
    assert (answer["status"], answer["finish_status"]) == ("succeeded", "stop")
    assert answer["usage"]["cached_input_tokens"] == 2
    assert answer["usage"]["reasoning_tokens"] == REASONED[vendor]
    trace = client.trace(answer["trace_id"])
    usage = trace["usage"]
    assert answer["usage"] == {name: usage[name] for name in answer["usage"]}
    cost_nano_usd = 1000 * usage["input_tokens"] + 2000 * usage["output_tokens"]
    assert trace["cost_nano_usd"] == cost_nano_usd < trace["held_nano_usd"]


@BEHIND
def test_native_stream(vendor: str, client: Client) -> None:
    answer = client.stream("native", f"behind-{vendor}", "Hi [mock words=12]")
    assert answer.text == " ".join(f"word{n}" for n in range(1, 13))
    assert answer.names == ["delta"] * 12 + ["done"]
    assert answer.last["output_text"] == ""
    assert answer.last["usage"]["output_tokens"] > 0
    trace = client.trace(answer)
    assert trace["usage_source"] == "provider"
    assert 0 <= trace["first_token_ms"] <= trace["latency_ms"]


@BEHIND
@BOTH_WAYS
def test_native_tools_go_round(vendor: str, stream: bool, client: Client, mock: Mock) -> None:
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": LOOK_UP}}]
    ask = client.stream if stream else client.ask
    first = ask("native", f"behind-{vendor}", "Where is 7? [mock tool]", tools=tools).last
    assert first["finish_status"] == "tool_calls"
    [call] = first["tool_calls"]
    assert call["function"] == {"name": "look_up", "arguments": call["function"]["arguments"]}
    assert json.loads(call["function"]["arguments"]) == {"order": "ok"}
    messages: list[Json] = [
        {"role": "user", "content": "Where is 7?"},
        {"role": "assistant", "tool_calls": first["tool_calls"]},
        {"role": "tool", "tool_call_id": call["id"], "content": "Shipped on Monday."},
    ]
    body = {"feature": f"behind-{vendor}", "messages": messages, "tools": tools}
    assert client.post("/v1/generate", body).json()["finish_status"] == "stop"
    assert "Shipped on Monday" in sent(mock)


@BEHIND
def test_native_structured_output(vendor: str, client: Client) -> None:
    answer = client.generate(f"behind-{vendor}", "Well?", output_schema=Mood.model_json_schema())
    assert Mood.model_validate_json(answer.json()["output_text"]).mood == "good"


@BEHIND
def test_native_images(vendor: str, client: Client, mock: Mock) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{PIXEL}"}}
    content = [{"type": "text", "text": "What is this?"}, picture]
    body = {
        "feature": f"behind-{vendor}",
        "messages": [{"role": "user", "content": content}],
    }
    assert client.post("/v1/generate", body).json()["status"] == "succeeded"
    assert PIXEL in sent(mock)
