"""The official SDKs, over a real socket: what they send is understood, what they get is theirs."""

from collections.abc import Iterator

import anthropic
import openai
import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall
from pydantic import BaseModel

from routerctl.engine.errors import CATALOGUE, RouterError
from routerctl.providers.types import (
    Answer,
    Embeddings,
    Finish,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
)
from tests.wire.sdk_server import Script, scripted_door


class Reply(BaseModel):
    answer: str


@pytest.fixture
def door() -> Iterator[Script]:
    with scripted_door() as script:
        yield script


@pytest.fixture
def gpt(door: Script) -> openai.OpenAI:
    return openai.OpenAI(api_key="rk_dev_x", base_url=f"{door.url}/v1", max_retries=0)


@pytest.fixture
def claude(door: Script) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="rk_dev_x", base_url=door.url, max_retries=0)


# --------------------------------------------------------------------------- openai


def test_openai_a_conversation_with_tools_goes_round(door: Script, gpt: openai.OpenAI) -> None:
    door.answer = Answer(tool_calls=(ToolCall("c1", "look_up", '{"id":7}'),))
    door.facts = {"finish_status": "tool_calls"}
    first = gpt.chat.completions.create(
        model="feature:support-chat",
        messages=[{"role": "user", "content": "Where is order 7?"}],
        tools=[{"type": "function", "function": {"name": "look_up", "parameters": {}}}],
        metadata={"ticket": "T-88", "session": "s_9"},
        extra_headers={"X-User-Tier": "pro"},
    )
    message = first.choices[0].message
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert call.function.arguments == '{"id":7}'
    door.answer, door.facts = Answer(text="On its way."), {}
    second = gpt.chat.completions.create(
        model="auto",
        messages=[
            {"role": "user", "content": "Where is order 7?"},
            message.model_dump(),  # type: ignore[list-item]
            {"role": "tool", "tool_call_id": call.id, "content": "shipped"},
        ],
    )
    assert second.choices[0].message.content == "On its way."
    asked, answered = door.calls
    assert (asked.request.feature, asked.request.plan) == ("support-chat", "pro")
    assert (asked.request.session, asked.request.metadata) == ("s_9", {"ticket": "T-88"})
    assert "shipped" in answered.texts


def test_openai_a_stream_is_put_together_by_the_sdk(door: Script, gpt: openai.OpenAI) -> None:
    door.events = (
        TextDelta("Let me "),
        TextDelta("look."),
        ToolCallDelta(0, "c1", "look_up"),
        ToolCallDelta(0, arguments='{"id":7}'),
    )
    with gpt.chat.completions.stream(
        model="auto",
        messages=[{"role": "user", "content": "Hi"}],
        stream_options={"include_usage": True},
    ) as stream:
        final = stream.get_final_completion()
    message = final.choices[0].message
    assert message.content == "Let me look."
    assert message.tool_calls is not None
    assert message.tool_calls[0].function.arguments == '{"id":7}'
    assert final.usage is not None
    assert final.usage.total_tokens == 160


def test_openai_structured_output_is_parsed(door: Script, gpt: openai.OpenAI) -> None:
    door.answer = Answer(text='{"answer":"yes"}')
    parsed = gpt.chat.completions.parse(
        model="auto", messages=[{"role": "user", "content": "Hi"}], response_format=Reply
    )
    assert parsed.choices[0].message.parsed == Reply(answer="yes")
    assert door.calls[0].request.needs == ("schema",)


def test_openai_embeddings_are_unpacked(door: Script, gpt: openai.OpenAI) -> None:
    door.embeddings = Embeddings(([1.0, -0.5],))
    answer = gpt.embeddings.create(model="auto", input="Hello")
    assert answer.data[0].embedding == [1.0, -0.5]


OPENAI_RAISES = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
}


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_openai_every_error_raises_its_usual_exception(
    code: str, door: Script, gpt: openai.OpenAI
) -> None:
    door.error = RouterError(code)
    status = CATALOGUE[code].status
    usual = OPENAI_RAISES.get(min(status, 500), openai.APIStatusError)
    with pytest.raises(usual) as caught:
        gpt.chat.completions.create(model="auto", messages=[{"role": "user", "content": "Hi"}])
    assert caught.value.status_code == status
    assert caught.value.code == code


def test_openai_a_real_model_is_refused_and_the_field_named(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        gpt.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hi"}])
    assert (caught.value.code, caught.value.param) == ("model_not_selectable", "model")


def test_openai_an_error_inside_a_stream_is_raised(door: Script, gpt: openai.OpenAI) -> None:
    door.events, door.error = (TextDelta("Hi"),), RouterError("provider_timeout")
    stream = gpt.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    with pytest.raises(openai.APIError) as caught:
        list(stream)
    assert caught.value.code == "provider_timeout"


# --------------------------------------------------------------------------- anthropic


def test_anthropic_a_conversation_with_tools_goes_round(
    door: Script, claude: anthropic.Anthropic
) -> None:
    door.answer = Answer(text="Let me look.", tool_calls=(ToolCall("t1", "look_up", '{"id":7}'),))
    door.facts = {"finish_status": "tool_calls"}
    first = claude.messages.create(
        model="task:chat",
        max_tokens=500,
        system="Be brief.",
        messages=[{"role": "user", "content": "Where is order 7?"}],
        tools=[{"name": "look_up", "input_schema": {"type": "object"}}],
        extra_headers={"X-Feature": "support-chat"},
    )
    assert first.stop_reason == "tool_use"
    door.answer, door.facts = Answer(text="On its way."), {}
    second = claude.messages.create(
        model="auto",
        max_tokens=500,
        messages=[
            {"role": "user", "content": "Where is order 7?"},
            first.to_param(),
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "shipped"}],
            },
        ],
    )
    assert second.content[0].type == "text"
    asked, answered = door.calls
    assert (asked.request.task, asked.request.feature) == ("chat", "support-chat")
    assert "shipped" in answered.texts


def test_anthropic_a_stream_is_put_together_by_the_sdk(
    door: Script, claude: anthropic.Anthropic
) -> None:
    door.events = (
        ThinkingDelta("Hm."),
        ThinkingDelta(signature="sig"),
        TextDelta("Let me "),
        TextDelta("look."),
        ToolCallDelta(0, "t1", "look_up"),
        ToolCallDelta(0, arguments='{"id":7}'),
        Finish("tool_calls"),
    )
    door.facts = {"finish_status": "tool_calls"}
    with claude.messages.stream(
        model="auto", max_tokens=500, messages=[{"role": "user", "content": "Hi"}]
    ) as stream:
        message = stream.get_final_message()
    thinking, text, call = message.content
    assert thinking.type == "thinking"
    assert (thinking.thinking, thinking.signature) == ("Hm.", "sig")
    assert text.type == "text"
    assert text.text == "Let me look."
    assert call.type == "tool_use"
    assert call.input == {"id": 7}
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (15, 40)


def test_anthropic_structured_output_is_parsed(door: Script, claude: anthropic.Anthropic) -> None:
    door.answer = Answer(text='{"answer":"yes"}')
    message = claude.messages.parse(
        model="auto",
        max_tokens=500,
        messages=[{"role": "user", "content": "Hi"}],
        output_format=Reply,
    )
    assert message.parsed_output == Reply(answer="yes")
    assert door.calls[0].request.needs == ("schema",)


ANTHROPIC_RAISES = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    403: anthropic.PermissionDeniedError,
    409: anthropic.ConflictError,
    422: anthropic.UnprocessableEntityError,
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
}


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_anthropic_every_error_raises_its_usual_exception(
    code: str, door: Script, claude: anthropic.Anthropic
) -> None:
    door.error = RouterError(code)
    status = CATALOGUE[code].status
    usual = ANTHROPIC_RAISES.get(min(status, 500), anthropic.APIStatusError)
    with pytest.raises(usual) as caught:
        claude.messages.create(
            model="auto", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
        )
    assert caught.value.status_code == status


def test_anthropic_an_error_inside_a_stream_is_raised(
    door: Script, claude: anthropic.Anthropic
) -> None:
    door.events, door.error = (TextDelta("Hi"),), RouterError("provider_timeout")
    stream = claude.messages.create(
        model="auto", max_tokens=9, messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    with pytest.raises(anthropic.APIStatusError):
        list(stream)
