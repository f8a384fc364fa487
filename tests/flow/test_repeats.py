"""Requests that come again with their Idempotency-Key: one call, one answer, whoever asks."""

import threading
import time
from uuid import uuid4

import httpx2
import pytest

from tests.flow.books import Books
from tests.flow.client import DOORS, Client, Json, asked, code_of, plain_http
from tests.flow.conftest import BOTH_WAYS, EVERY_DOOR
from tests.processes import Mock


@pytest.fixture
def named() -> dict[str, str]:
    """A key nobody used before."""
    return {"idempotency-key": f"order-{uuid4()}"}


def _repeat_of(client: Client, answer: httpx2.Response) -> Json:
    """The trace of a request that was given an answer again."""
    return client.trace(answer.headers["x-request-id"])


@EVERY_DOOR
@BOTH_WAYS
def test_a_request_that_comes_again_is_given_its_answer_and_nobody_is_called(
    door: str, stream: bool, client: Client, mock: Mock, named: dict[str, str]
) -> None:
    body = asked(door, "one", "Hello", stream=stream)
    first = client.http.post(DOORS[door], json=body, headers=named)
    assert first.status_code == 200

    again = client.http.post(DOORS[door], json=body, headers=named)

    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["x-trace-id"] == first.headers["x-trace-id"]
    assert again.headers["idempotent-replayed"] == "true"
    assert len(mock.calls()) == 1
    repeat = _repeat_of(client, again)
    assert repeat["trace_id"] != first.headers["x-trace-id"]
    assert (repeat["status"], repeat["cost_nano_usd"]) == ("succeeded", 0)
    assert repeat["marks"] == [f"repeats:{first.headers['x-trace-id']}"]


@EVERY_DOOR
def test_a_failure_is_an_answer_too(
    door: str, client: Client, mock: Mock, named: dict[str, str]
) -> None:
    body = asked(door, "one", "Hello [mock status=400]")
    first = client.http.post(DOORS[door], json=body, headers=named)
    again = client.http.post(DOORS[door], json=body, headers=named)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["x-should-retry"] == "false"
    assert len(mock.calls()) == 1
    repeat = _repeat_of(client, again)
    assert (repeat["status"], repeat["error_code"]) == ("failed", code_of(first))


@EVERY_DOOR
def test_another_request_under_a_used_key_is_a_conflict(
    door: str, client: Client, mock: Mock, named: dict[str, str]
) -> None:
    client.http.post(DOORS[door], json=asked(door, "one", "Hello"), headers=named)
    other = client.http.post(DOORS[door], json=asked(door, "one", "Bye"), headers=named)
    assert (other.status_code, code_of(other)) == (409, "idempotency_conflict")
    assert other.headers["x-should-retry"] == "false"
    assert len(mock.calls()) == 1


def test_what_headers_say_is_part_of_the_request(
    client: Client, mock: Mock, named: dict[str, str]
) -> None:
    body, path = asked("openai", "one", "Hello"), DOORS["openai"]
    client.http.post(path, json=body, headers=named)
    other = client.http.post(path, json=body, headers=named | {"x-user": "somebody-else"})
    assert (other.status_code, code_of(other)) == (409, "idempotency_conflict")


def test_an_answer_that_names_models_is_not_given_to_a_key_which_may_not_know_them(
    client: Client, mock: Mock, named: dict[str, str]
) -> None:
    body = asked("native", "one", "Hello", tenant="acme")
    make = client.server.create_key
    told, untold = make("--disclose", "deployment"), make("--disclose", "none")
    with plain_http(client.server, authorization=f"Bearer {told}") as http:
        assert http.post("/v1/generate", json=body, headers=named).json()["model"]
    with plain_http(client.server, authorization=f"Bearer {untold}") as http:
        other = http.post("/v1/generate", json=body, headers=named)
    assert (other.status_code, code_of(other)) == (409, "idempotency_conflict")


def test_of_many_at_once_one_is_sent_and_all_are_answered(
    client: Client, mock: Mock, named: dict[str, str]
) -> None:
    body = asked("native", "one", "Hello [mock latency=300]")
    answers: list[httpx2.Response] = []

    def ask() -> None:
        answers.append(client.http.post("/v1/generate", json=body, headers=named))

    asking = [threading.Thread(target=ask) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (200, answers[0].content)
    }
    assert len(mock.calls()) == 1


def test_who_left_comes_back_for_the_answer(
    client: Client, mock: Mock, named: dict[str, str]
) -> None:
    body = asked("native", "one", "Hello [mock latency=600]")
    with (
        plain_http(client.server, **dict(client.http.headers)) as http,
        pytest.raises(httpx2.TimeoutException),
    ):
        http.post("/v1/generate", json=body, headers=named, timeout=0.3)
    again = client.http.post("/v1/generate", json=body, headers=named)
    assert again.json()["status"] == "succeeded"
    assert len(mock.calls()) == 1


def test_a_stream_that_its_caller_left_has_no_answer_and_is_not_called_again(
    client: Client, mock: Mock, named: dict[str, str]
) -> None:
    body = asked("native", "one", "Hello [mock words=3000 gap=20]", stream=True)
    with client.http.stream("POST", "/v1/generate", json=body, headers=named) as response:
        first = response.headers["x-trace-id"]
        next(response.iter_raw())
    again = client.http.post("/v1/generate", json=body, headers=named)
    assert (again.status_code, code_of(again)) == (409, "answer_expired")
    assert again.json()["error"]["details"] == {"earlier_trace_id": first}
    assert len(mock.calls()) == 1


def test_the_same_key_of_another_tenant_is_another(
    client: Client, mock: Mock, named: dict[str, str]
) -> None:
    for tenant in ("acme", "globex"):
        body = asked("native", "one", "Hello", tenant=tenant)
        assert client.http.post("/v1/generate", json=body, headers=named).status_code == 200
    assert len(mock.calls()) == 2


def test_what_is_kept_cannot_be_read_in_the_database(
    client: Client, mock: Mock, named: dict[str, str]
) -> None:
    body = asked("native", "one", "Hello")
    said = client.http.post("/v1/generate", json=body, headers=named).json()["output_text"]
    books = Books(client.server.database_url)
    deadline = time.monotonic() + 5
    while not (kept := books.rows("SELECT answer FROM ledger_idempotencyrecord WHERE answer > ''")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert said
    assert all(said not in row["answer"] for row in kept)


@pytest.mark.parametrize("named_so", ["", "k" * 256], ids=["none", "long"])
def test_an_idempotency_key_has_a_length(named_so: str, client: Client, mock: Mock) -> None:
    body = asked("native", "one", "Hello")
    answer = client.http.post("/v1/generate", json=body, headers={"idempotency-key": named_so})
    assert (answer.status_code, code_of(answer)) == (400, "invalid_request")
    assert not mock.calls()
