"""A stream that breaks after its first token goes on elsewhere, where its route says `continue`:
from where it was, or from the beginning for clients that understand this."""

import pytest

from tests.flow.client import Client, called
from tests.flow.conftest import EVERY_DOOR
from tests.processes import Mock

FAULTS = {
    "cut=7": "truncated",
    "stall=7": "stalled",
    "broken=7": "malformed",
    "error_after=7 code=overloaded_error": "overloaded",
    "open_ended": "truncated",
}
WORDS = " ".join(f"word{number}" for number in range(1, 41))
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def text(fault: str) -> str:
    return f"Hello [mock words=40 only=first {fault}]"


@pytest.mark.parametrize("fault", FAULTS)
@EVERY_DOOR
def test_another_goes_on_from_there(door: str, fault: str, client: Client, mock: Mock) -> None:
    answer = client.stream(door, "carried", text(fault))
    assert answer.text == WORDS
    assert not {"error", "restart"} & set(answer.names)
    trace = client.trace(answer)
    assert (trace["status"], trace["deployment"]) == ("degraded", "second/goes-on")
    assert [made["error_class"] for made in trace["attempts"]] == [FAULTS[fault], None]
    assert trace["degraded"]["message"].endswith("another model went on from there.")
    assert 0 < trace["cost_nano_usd"] <= trace["held_nano_usd"]
    assert called(mock) == ["first", "second"]
    last = mock.calls()[1]["body"]["messages"][-1]
    assert last["role"] == "assistant"
    assert WORDS.startswith(str(last["content"]).rstrip())


def test_the_last_event_says_that_it_was_degraded(client: Client) -> None:
    answer = client.stream("native", "carried", text("cut=7"))
    assert answer.last["degraded"]["action"] == "fallback"
    told = client.trace(answer)
    assert answer.last["usage"]["output_tokens"] == told["usage"]["output_tokens"] > 20


def test_who_cannot_go_on_is_passed_over_for_clients_that_cannot_begin_anew(
    client: Client, mock: Mock
) -> None:
    answer = client.stream("openai", "carried-to-anthropic", text("cut=7"))
    assert answer.text == WORDS
    assert called(mock) == ["first", "acme-anthropic"]


@pytest.mark.parametrize("fault", FAULTS)
def test_with_nobody_who_can_go_on_it_begins_anew_and_says_so(
    fault: str, client: Client, mock: Mock
) -> None:
    answer = client.stream("native", "restarted", text(fault))
    assert answer.names.count("restart") == 1
    at = answer.names.index("restart")
    said = "".join(data["text"] for name, data in answer.events[at:] if name == "delta")
    assert said == WORDS
    assert answer.names[-1] == "done"
    assert called(mock) == ["first", "second"]
    trace = client.trace(answer)
    assert (trace["status"], trace["deployment"]) == ("degraded", "second/one")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("door", ["openai", "anthropic"])
def test_a_client_that_would_not_understand_that_is_told_of_the_error(
    door: str, fault: str, client: Client, mock: Mock
) -> None:
    answer = client.stream(door, "restarted", text(fault))
    assert "error" in answer.last
    assert called(mock) == ["first"]
    assert client.trace(answer)["status"] == "failed"


def test_it_goes_on_more_than_once_within_the_limit_of_attempts(client: Client, mock: Mock) -> None:
    answer = client.stream("native", "carried-to-anthropic", "Hello [mock words=40 cut=7]")
    assert answer.names[-1] == "error"
    assert answer.last["error"]["code"] == "fallback_exhausted"
    assert called(mock) == ["first", "third", "acme-anthropic"]


def test_after_a_tool_call_nothing_is_said_again(client: Client, mock: Mock) -> None:
    answer = client.stream("openai", "carried", "Hello [mock tool only=first cut=4]", tools=[TOOL])
    assert "error" in answer.last
    assert called(mock) == ["first"]


RECOVERIES = {"restless": "error", "buffered": "buffer", "carried": "continue"}


@pytest.mark.parametrize("after", [1, 2, 7, 41], ids=["role", "first", "middle", "before-last"])
@pytest.mark.parametrize("fault", ["cut", "stall"])
@pytest.mark.parametrize("feature", RECOVERIES, ids=RECOVERIES.values())
def test_wherever_it_breaks_the_answer_is_whole_or_said_not_to_be(
    feature: str, fault: str, after: int, client: Client
) -> None:
    """The first chunk of this vendor is the role: nothing was said yet."""
    answer = client.stream("native", feature, text(f"{fault}={after}"))
    trace = client.trace(answer)
    if after == 1 or feature != "restless":
        assert answer.text == WORDS
        assert answer.names[-1] == "done"
        assert trace["status"] == "degraded"
    else:
        assert answer.names[-1] == "error"
        assert "done" not in answer.names
        assert WORDS.startswith(answer.text)
        assert trace["status"] == "failed"
    assert trace["cost_nano_usd"] == sum(made["cost_nano_usd"] for made in trace["attempts"])
    assert 0 < trace["cost_nano_usd"] <= trace["held_nano_usd"]
