"""Bodies that are no request, or too large for one, and methods and paths that lead nowhere."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.flow.client import Client, asked, code_of
from tests.flow.conftest import EVERY_DOOR, EVERY_PATH
from tests.processes import Mock

LARGEST = 20 * 1024 * 1024


# --------------------------------------------------------------------------- what is no request

NO_JSON = {
    "nothing": b"",
    "no JSON": b"{input: hi}",
    "no object": b'["input"]',
    "twice": b'{"input":"hi","input":"ho"}',
    "twice, escaped": b'{"input":"hi","\\u0069nput":"ho"}',
    "not a number": b'{"input":"hi","max_output_tokens":NaN}',
    "infinite": b'{"input":"hi","max_output_tokens":Infinity}',
    "half a character": b'{"input":"\\ud800"}',
    "bad UTF-8": b'{"input":"\xff"}',
    "deep": b'{"metadata":' + b"[" * 33 + b"]" * 33 + b"}",
    "bottomless": b'{"metadata":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "cut": b'{"input":"hi"',
    "more": b'{"input":"hi"} {}',
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=list(NO_JSON))
@EVERY_PATH
def test_json_that_could_be_read_in_two_ways_is_not_read(
    body: bytes, path: str, careless: Client, mock: Mock
) -> None:
    answer = careless.http.post(path, content=body)
    assert (answer.status_code, code_of(answer)) == (400, "invalid_request")
    assert not mock.calls()


@EVERY_DOOR
def test_an_unknown_word_is_named_with_its_path(door: str, client: Client) -> None:
    answer = client.ask(door, "nobody-knows-it")
    assert (answer.status_code, code_of(answer)) == (400, "invalid_request")
    assert "feature" in answer.json()["error"]["message"]
    assert client.trace(answer)["status"] == "failed"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@EVERY_PATH
def test_another_method_is_405_and_says_which_is_served(
    method: str, path: str, client: Client
) -> None:
    answer = client.http.request(method, path)
    assert (answer.status_code, code_of(answer)) == (405, "invalid_request")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "path", ["/v1/", "/v1/nothing", "/v1/generate/", "/v1/chat", "/v1/models/x"]
)
def test_an_unknown_path_is_404(path: str, client: Client) -> None:
    assert client.http.get(path).status_code == 404
    assert client.http.post(path, json={}).status_code == 404


# --------------------------------------------------------------------------- how large it may be


@EVERY_PATH
def test_a_body_above_the_limit_is_refused_in_the_doors_own_shape(
    path: str, client: Client, mock: Mock
) -> None:
    answer = client.http.post(path, content=b" " * (LARGEST + 1))
    assert (answer.status_code, code_of(answer)) == (413, "body_too_large")
    assert client.trace(answer)["error_code"] == "body_too_large"
    assert not mock.calls()


@pytest.mark.parametrize("chunked", [False, True], ids=["counted", "chunked"])
@pytest.mark.parametrize("known", [True, False], ids=["with a key", "without"])
def test_a_client_that_writes_all_before_it_reads_can_read_the_answer(
    chunked: bool, known: bool, client: Client
) -> None:
    """Most clients do: an answer that comes with a hang-up while they write is lost on them."""
    key = client.http.headers["authorization"] if known else "Bearer nobody"
    size = LARGEST + 8 * 1024 * 1024
    address = urlsplit(client.server.url)
    coding = "transfer-encoding: chunked" if chunked else f"content-length: {size}"
    head = (
        f"POST /v1/generate HTTP/1.1\r\nhost: {address.netloc}\r\nauthorization: {key}\r\n"
        f"{coding}\r\nconnection: close\r\n\r\n"
    )
    piece = b" " * 1024 * 1024
    with socket.create_connection((address.hostname, address.port), timeout=30) as writer:
        writer.sendall(head.encode())
        for _ in range(size // len(piece)):
            writer.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            writer.sendall(b"0\r\n\r\n")
        answer = b"".join(iter(lambda: writer.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 413 " if known else b"HTTP/1.1 401 ")
    assert b'"body_too_large"' in answer or not known


def test_the_decision_door_has_the_same_limit(client: Client) -> None:
    answer = client.http.post("/api/v1/route", content=b" " * (LARGEST + 1))
    assert (answer.status_code, code_of(answer)) == (413, "body_too_large")


def test_the_largest_body_is_served(client: Client) -> None:
    body = json.dumps(asked("native", "one", "Hello")).encode()
    answer = client.http.post("/v1/generate", content=body.ljust(LARGEST))
    assert code_of(answer) == "no_eligible_deployment", "it is read; its tokens fit nowhere"
