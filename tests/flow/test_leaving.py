"""Clients that hang up: nothing new is begun for them, what streams is stopped, and what was spent
is on the books."""

import json
import socket
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.flow.books import Books
from tests.flow.client import Client, Json, asked, called
from tests.flow.conftest import BOTH_WAYS, EVERY_DOOR
from tests.processes import Mock

PATIENCE_S = 3.0
"""Far less than any limit that would end an upstream call by itself."""


def left_behind(client: Client, began: datetime) -> Json:
    """The trace of the one request since `began`, once it is settled."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := client.http.get("/api/v1/traces", params={"from": began.isoformat()})
               .json()["results"]):  # fmt: skip
        assert time.monotonic() < deadline, "no trace of the request that was left"
        time.sleep(0.05)
    assert len(found) == 1
    return client.trace(found[0]["trace_id"])


def hung_up(mock: Mock) -> bool:
    """Whether the only call to a provider was hung up on, which may take a moment."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := [call["hung_up"] for call in mock.calls()])[0]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return len(found) == 1


@pytest.fixture
def began() -> datetime:
    return datetime.now(UTC)


@EVERY_DOOR
def test_leaving_a_stream_stops_it_and_settles_what_came(
    door: str, client: Client, mock: Mock, began: datetime
) -> None:
    with client.streaming(door, "one", "Hello [mock words=3000 gap=20]") as response:
        next(response.iter_raw())
    trace = left_behind(client, began)
    assert (trace["status"], trace["error_code"]) == ("failed", "client_disconnected")
    assert hung_up(mock)
    [attempt] = trace["attempts"]
    assert (attempt["outcome"], attempt["error_class"]) == ("cancelled", None)
    assert 0 < trace["cost_nano_usd"] <= trace["held_nano_usd"]
    assert Books(client.server.database_url).held() == 0


@pytest.mark.parametrize("script", ["silent", "first=60000", "latency=60000"])
@pytest.mark.parametrize("feature", ["one", "buffered"])
def test_leaving_before_the_first_token_hangs_up_at_once(
    script: str, feature: str, client: Client, mock: Mock, began: datetime
) -> None:
    body = asked("native", feature, f"Hello [mock {script}]", stream=True)
    with pytest.raises(httpx2.ReadTimeout):
        client.http.post("/v1/generate", json=body, timeout=0.3)
    assert left_behind(client, began)["error_code"] == "client_disconnected"
    assert hung_up(mock)


def test_leaving_a_buffered_stream_stops_it(client: Client, mock: Mock, began: datetime) -> None:
    body = asked("native", "buffered", "Hello [mock words=3000 gap=20]", stream=True)
    with pytest.raises(httpx2.ReadTimeout):
        client.http.post("/v1/generate", json=body, timeout=0.5)
    trace = left_behind(client, began)
    assert trace["error_code"] == "client_disconnected"
    assert [made["outcome"] for made in trace["attempts"]] == ["cancelled"]
    assert hung_up(mock)


def test_a_whole_answer_is_waited_for_because_it_is_billed(
    client: Client, mock: Mock, began: datetime
) -> None:
    with pytest.raises(httpx2.ReadTimeout):
        client.http.post(
            "/v1/generate", json=asked("native", "one", "Hi [mock latency=900]"), timeout=0.3
        )
    trace = left_behind(client, began)
    assert (trace["status"], trace["error_code"]) == ("failed", "client_disconnected")
    assert (trace["usage_source"], trace["attempts"][0]["outcome"]) == ("provider", "succeeded")
    assert trace["cost_nano_usd"] > 0
    assert not mock.calls()[0]["hung_up"]


def test_so_are_vectors(client: Client, began: datetime) -> None:
    body = {"model": "feature:slow-vectors", "input": "Hello"}
    with pytest.raises(httpx2.ReadTimeout):
        client.http.post("/v1/embeddings", json=body, timeout=0.3)
    trace = left_behind(client, began)
    assert (trace["error_code"], trace["usage_source"]) == ("client_disconnected", "provider")


@BOTH_WAYS
def test_nothing_new_is_begun_for_who_has_left(
    stream: bool, client: Client, mock: Mock, began: datetime
) -> None:
    body = asked("native", "ladder", "Hi [mock latency=900 status=503]", stream=stream)
    with pytest.raises(httpx2.ReadTimeout):
        client.http.post("/v1/generate", json=body, timeout=0.3)
    assert left_behind(client, began)["error_code"] == "client_disconnected"
    assert called(mock) == ["first"]


def test_who_stops_reading_and_leaves_is_settled_like_any_other(
    client: Client, began: datetime
) -> None:
    """The server is then blocked in a write, not waiting for the provider."""
    address = urlsplit(client.server.url)
    body = json.dumps(asked("native", "long", "Hi [mock words=80000]", stream=True)).encode()
    head = (
        "POST /v1/generate HTTP/1.1\r\n"
        f"host: {address.netloc}\r\n"
        f"authorization: {client.http.headers['authorization']}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((address.hostname, address.port))
        slow.sendall(head.encode() + body)
        time.sleep(1.5)
    trace = left_behind(client, began)
    assert trace["error_code"] == "client_disconnected"
    assert trace["attempts"][0]["outcome"] == "cancelled"
