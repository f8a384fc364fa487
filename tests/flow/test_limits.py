"""Nobody waits longer than the limits say, whichever way a provider keeps silent."""

import time

from tests.flow.client import Client, called
from tests.flow.conftest import BOTH_WAYS
from tests.processes import Mock


@BOTH_WAYS
def test_a_provider_that_does_not_accept_the_connection_is_given_up(
    stream: bool, client: Client
) -> None:
    ask = client.stream if stream else client.ask
    answer = ask("native", "deaf", "Hello")
    assert answer.status_code == 200
    trace = client.trace(answer)
    classes = [(made["deployment"], made["error_class"]) for made in trace["attempts"]]
    assert classes == [("deaf/one", "connect"), ("deaf/one", "connect"), ("second/one", None)]
    assert all(250 <= made["duration_ms"] < 3000 for made in trace["attempts"][:2])


def test_a_stated_first_token_limit_also_bounds_an_answer_that_is_not_streamed(
    client: Client,
) -> None:
    trace = client.trace(client.generate("impatient", "Hello [mock only=first silent]"))
    first, second = trace["attempts"]
    assert (first["error_class"], second["error_class"]) == ("timeout", None)
    assert 390 <= first["duration_ms"] < 60_000  # its clock starts a moment after the limit's


@BOTH_WAYS
def test_the_total_limit_ends_a_request_that_nobody_has_answered(
    stream: bool, client: Client, mock: Mock
) -> None:
    began = time.monotonic()
    answer = client.ask("native", "hurried", "Hello [mock silent]", stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "provider_timeout")
    assert time.monotonic() - began < 60
    assert called(mock) == ["first"], "there was no time left for a second"


def test_the_total_limit_ends_a_stream_that_never_stops(client: Client) -> None:
    answer = client.stream("native", "hurried", "Hello [mock words=2000 gap=20]")
    assert answer.names[-1] == "error"
    assert answer.last["error"]["code"] == "provider_timeout"
    trace = client.trace(answer)
    assert 750 <= trace["latency_ms"] < 60_000


def test_slow_is_not_silent(client: Client) -> None:
    """Forty gaps of 40 ms are more than the stall limit together, and less each."""
    answer = client.stream("native", "restless", "Hello [mock words=40 gap=40]")
    assert answer.last["status"] == "succeeded"
    assert client.trace(answer)["latency_ms"] > 1200
