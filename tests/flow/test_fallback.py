"""When a provider fails before its first token, the next candidate answers, and nobody hides it."""

import pytest

from tests.flow.client import Client, Json, called
from tests.flow.conftest import BOTH_WAYS, EVERY_DOOR
from tests.processes import Mock


def attempts(trace: Json) -> list[tuple[str, str | None]]:
    """What became of each attempt: the deployment, and the class of its error."""
    return [(made["deployment"], made["error_class"]) for made in trace["attempts"]]


FAULTS = {
    "status=503": "overloaded",
    "status=429 retry_after=7": "rate_limited",
    "status=429 code=insufficient_quota": "quota",
    "status=401": "auth",
    "status=404": "model_gone",
    "silent": "timeout",
}


@pytest.mark.parametrize("fault", FAULTS)
@BOTH_WAYS
def test_the_next_candidate_answers_and_says_so(fault: str, stream: bool, client: Client) -> None:
    ask = client.stream if stream else client.ask
    answer = ask("native", "impatient", f"Hello [mock only=first {fault}]")
    assert answer.status_code == 200
    assert answer.headers["x-degraded"] == "fallback"
    assert answer.last["status"] == "degraded"
    assert answer.last["degraded"]["reason"] == FAULTS[fault]
    trace = client.trace(answer)
    assert attempts(trace) == [("first/one", FAULTS[fault]), ("second/one", None)]
    assert [made["outcome"] for made in trace["attempts"]] == ["failed", "succeeded"]
    assert (trace["status"], trace["deployment"]) == ("degraded", "second/one")
    assert trace["degraded"]["action"] == "fallback"


@EVERY_DOOR
@BOTH_WAYS
def test_every_door_says_that_it_fell_back(door: str, stream: bool, client: Client) -> None:
    ask = client.stream if stream else client.ask
    answer = ask(door, "ladder", "Hello [mock only=first status=503]")
    assert answer.status_code == 200
    assert answer.headers["x-degraded"] == "fallback"


STREAM_FAULTS = {
    "cut=1": "truncated",
    "error_after=1 code=overloaded_error": "overloaded",
    "broken=1": "malformed",
    "stall=1": "timeout",
}


@pytest.mark.parametrize("fault", STREAM_FAULTS)
def test_a_stream_that_fails_before_its_first_token_is_begun_elsewhere(
    fault: str, client: Client
) -> None:
    answer = client.stream("native", "impatient", f"Hello [mock only=first {fault}]")
    assert answer.names[-1] == "done"
    assert "error" not in answer.names
    assert answer.last["status"] == "degraded"
    trace = client.trace(answer)
    assert attempts(trace) == [("first/one", STREAM_FAULTS[fault]), ("second/one", None)]


def test_a_failing_server_is_asked_once_more_before_the_next(client: Client) -> None:
    answer = client.generate("ladder", "Hello [mock only=first status=500]")
    assert attempts(client.trace(answer)) == [
        ("first/one", "server"), ("first/one", "server"), ("second/one", None),
    ]  # fmt: skip


def test_a_retry_of_the_same_candidate_is_no_degradation(client: Client) -> None:
    answer = client.generate("ladder", "Hello [mock only=first status=500 times=1]")
    assert "x-degraded" not in answer.headers
    assert answer.json()["status"] == "succeeded"
    trace = client.trace(answer)
    assert trace["status"] == "succeeded"
    assert attempts(trace) == [("first/one", "server"), ("first/one", None)]


def test_what_a_provider_calls_invalid_is_not_tried_again(client: Client, mock: Mock) -> None:
    answer = client.generate("ladder", "Hello [mock status=400]")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert answer.headers["x-should-retry"] == "false"
    assert called(mock) == ["first"]
    assert attempts(client.trace(answer)) == [("first/one", "invalid_request")]


def test_what_a_provider_will_not_say_is_not_asked_of_another(client: Client, mock: Mock) -> None:
    answer = client.generate("ladder", "Hello [mock status=400 code=content_policy_violation]")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "content_refused")
    assert called(mock) == ["first"]


REFUSED = "status=400 code=content_policy_violation"


@BOTH_WAYS
def test_where_the_route_says_so_another_provider_is_asked(
    stream: bool, client: Client, mock: Mock
) -> None:
    answer = client.ask("native", "refused", f"Hello [mock only=first {REFUSED}]", stream=stream)
    assert answer.status_code == 200
    assert answer.last["degraded"]["reason"] == "content_policy"
    assert called(mock) == ["first", "second"]


def test_what_nobody_will_say_is_a_refusal(client: Client, mock: Mock) -> None:
    answer = client.generate("refused", f"Hello [mock {REFUSED}]")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "content_refused")
    assert called(mock) == ["first", "second"]


def test_when_all_fail_every_attempt_stands_on_the_trace(client: Client, mock: Mock) -> None:
    answer = client.generate("ladder", "Hello [mock status=503]")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "fallback_exhausted")
    assert answer.json()["status"] == "failed"
    assert called(mock) == ["first", "second", "third"]
    trace = client.trace(answer)
    assert attempts(trace) == [(f"{name}/one", "overloaded") for name in called(mock)]
    assert (trace["status"], trace["error_code"]) == ("failed", "fallback_exhausted")
    assert trace["cost_nano_usd"] == 0


@pytest.mark.parametrize(("status", "tried"), [(503, ["first", "second"]), (500, ["first"] * 2)])
def test_no_more_is_tried_than_the_limit_allows(
    status: int, tried: list[str], client: Client, mock: Mock
) -> None:
    answer = client.generate("two-attempts", f"Hello [mock status={status}]")
    assert answer.status_code == 502
    assert called(mock) == tried


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("status=503", 502, "provider_error"),
        ("status=401", 502, "provider_auth"),
        ("status=429 retry_after=7", 429, "provider_rate_limited"),
        ("status=400 code=context_length_exceeded", 413, "context_too_long"),
    ],
)
@EVERY_DOOR
@BOTH_WAYS
def test_with_nobody_else_to_ask_the_error_says_what_happened(
    fault: str, status: int, code: str, door: str, stream: bool, client: Client
) -> None:
    answer = client.ask(door, "one", f"Hello [mock {fault}]", stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers.get("retry-after") == ("7" if "retry_after" in fault else None)
    assert client.trace(answer)["error_code"] == code


def test_embeddings_never_come_from_another_model(client: Client, mock: Mock) -> None:
    body = {"model": "feature:vectors", "input": "Hello"}
    assert client.http.post("/v1/embeddings", json=body).status_code == 200
    mock.forget()
    body = {"model": "feature:dead-vectors", "input": "Hello"}
    answer = client.http.post("/v1/embeddings", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_error")
    assert called(mock) == ["vectors", "vectors"]
    assert {call["model"].partition("~")[0] for call in mock.calls()} == {"dead"}
