"""A stream that breaks after its first token is never told as a success, unless it was held back
and another candidate could say it whole."""

import pytest

from tests.flow.client import Client, called
from tests.flow.conftest import EVERY_DOOR, VENDORS
from tests.processes import Mock

# Seven chunks are past every vendor's opening and well before the end.
FAULTS = {
    "cut=7": ("truncated", "provider_error"),
    "stall=7": ("stalled", "provider_timeout"),
    "broken=7": ("malformed", "provider_error"),
    "error_after=7 code=overloaded_error": ("overloaded", "provider_error"),
    "open_ended": ("truncated", "provider_error"),
}
SUCCESS_MARKS = (b"event: done", b"[DONE]", b'"finish_reason":"stop"', b"message_stop", b"end_turn")


@pytest.mark.parametrize("fault", FAULTS)
@EVERY_DOOR
def test_the_stream_ends_in_an_error_and_no_success(
    door: str, fault: str, client: Client, mock: Mock
) -> None:
    error_class, code = FAULTS[fault]
    answer = client.stream(door, "restless", f"Hello [mock only=first {fault}]")
    assert answer.status_code == 200
    assert answer.last["error"]["code"] == code
    assert len(answer.events) > 3
    assert not [mark for mark in SUCCESS_MARKS if mark in answer.raw]
    trace = client.trace(answer)
    assert (trace["status"], trace["finish_status"]) == ("failed", "error")
    assert trace["error_code"] == code
    assert trace["attempts"][0]["error_class"] == error_class
    assert called(mock) == ["first"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("vendor", VENDORS)
def test_it_does_so_whichever_vendor_broke_off(vendor: str, fault: str, client: Client) -> None:
    error_class, code = FAULTS[fault]
    answer = client.stream("native", f"restless-{vendor}", f"Hello [mock {fault}]")
    assert answer.names[-1] == "error"
    assert "done" not in answer.names
    trace = client.trace(answer)
    assert (trace["error_code"], trace["attempts"][0]["error_class"]) == (code, error_class)


def test_what_came_before_the_cut_is_paid_for(client: Client) -> None:
    answer = client.stream("native", "one", "Hello [mock words=200 cut=30]")
    trace = client.trace(answer)
    assert trace["usage_source"] == "estimated"
    assert 0 < trace["usage"]["output_tokens"] <= 4096
    assert 0 < trace["cost_nano_usd"] <= trace["held_nano_usd"]


@pytest.mark.parametrize("fault", FAULTS)
@EVERY_DOOR
def test_a_buffered_stream_is_said_whole_by_another(
    door: str, fault: str, client: Client, mock: Mock
) -> None:
    answer = client.stream(door, "buffered", f"Hello [mock words=9 only=first {fault}]")
    assert answer.headers["x-degraded"] == "fallback"
    assert answer.text == " ".join(f"word{n}" for n in range(1, 10))
    assert "error" not in answer.names
    assert any(mark in answer.raw for mark in SUCCESS_MARKS)
    trace = client.trace(answer)
    assert trace["status"] == "degraded"
    assert [made["error_class"] for made in trace["attempts"]] == [FAULTS[fault][0], None]
    assert called(mock) == ["first", "second"]


def test_a_buffered_stream_that_nobody_can_end_is_an_error_with_a_status(client: Client) -> None:
    answer = client.ask("native", "buffered", "Hello [mock cut=7]", stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "fallback_exhausted")


def test_a_long_buffered_stream_is_kept_alive_by_comments(client: Client) -> None:
    answer = client.stream("native", "buffered", "Hello [mock words=16 gap=350]")
    assert answer.raw.startswith(b": ")
    assert "word16" in answer.text


def test_once_it_was_kept_alive_its_failure_is_an_event(client: Client) -> None:
    answer = client.stream("native", "buffered-alone", "Hello [mock words=30 gap=350 cut=16]")
    assert answer.status_code == 200
    assert answer.raw.startswith(b": ")
    assert answer.names == ["error"]
    assert answer.last["error"]["code"] == "provider_error"
