"""Anthropic's own SDK on the whole way to every vendor's wire format and back."""

from collections.abc import Callable
from typing import Any

import anthropic
import pytest

from tests.flow.asking import BEHIND, LOOK_UP, PIXEL, SCRIPT, Mood, said, sent
from tests.flow.client import Client
from tests.flow.conftest import BOTH_WAYS
from tests.processes import Mock, Server


@pytest.fixture
def claude(client: Client, shared_server: Server, key: Callable[..., str]) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=key(), base_url=shared_server.url, max_retries=0)


@BEHIND
def test_chat(vendor: str, claude: anthropic.Anthropic, client: Client, mock: Mock) -> None:
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
def test_stream(vendor: str, claude: anthropic.Anthropic) -> None:
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
def test_tools_go_round(vendor: str, stream: bool, claude: anthropic.Anthropic, mock: Mock) -> None:
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
def test_structured_output(vendor: str, claude: anthropic.Anthropic) -> None:
    parsed = claude.messages.parse(
        model=f"feature:behind-{vendor}",
        max_tokens=500,
        messages=said("Well?"),
        output_format=Mood,
    )
    assert parsed.parsed_output == Mood(mood="good", score=1.5)


@BEHIND
def test_images(vendor: str, claude: anthropic.Anthropic, mock: Mock) -> None:
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
def test_an_answer_may_be_cut_or_refused(vendor: str, claude: anthropic.Anthropic) -> None:
    asked: Any = {"model": f"feature:behind-{vendor}"}
    cut = claude.messages.create(**asked, max_tokens=5, messages=said("[mock words=90]"))
    assert cut.stop_reason == "max_tokens"
    refused = claude.messages.create(**asked, max_tokens=5, messages=said("[mock refuse]"))
    assert refused.stop_reason == "refusal"
