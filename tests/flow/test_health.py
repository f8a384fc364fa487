"""A provider that misbehaves is left alone and tried again, on a server as people run it."""

import time
from collections.abc import Iterator

import pytest

from tests.flow.client import Client, Json, called, code_of
from tests.flow.documents import deployment, document, provider, route
from tests.processes import Mock, Server, server_maker

NAMES = ("first", "second", "alone", "sour", "full")
CONFIGURATION = document(
    providers=[provider(name) for name in NAMES],
    deployments=[
        *(deployment(f"{name}/one") for name in NAMES),
        deployment("sour/two"),
    ],
    routes=[
        route("ladder", "first/one", "second/one"),
        route("single", "alone/one"),
        route("sour", "sour/one", "sour/two", "second/one"),
        route("full", "full/one", "second/one"),
    ],
)
DEAD = "Hello [mock only={} status=503 retry_after=9]"
"""Too long to be waited for, so that each request asks once."""


@pytest.fixture(scope="module")
def server(providers: Mock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_maker(providers, tmp_path_factory.mktemp("health")) as make:
        server = make()
        server.start()
        server.apply(CONFIGURATION)
        yield server


@pytest.fixture
def client(server: Server, mock: Mock) -> Iterator[Client]:
    with Client(server, server.create_key("--scopes", "generate,read")) as client:
        yield client


def health(client: Client, slug: str) -> Json:
    found: Json = client.http.get(f"/api/v1/deployments/{slug}/health").json()
    return found


def test_who_fails_is_left_alone_and_back_when_well(client: Client, mock: Mock) -> None:
    for _ in range(5):
        assert client.generate("ladder", DEAD.format("first")).status_code == 200
    assert called(mock) == ["first", "second"] * 5
    resting = health(client, "first/one")
    assert (resting["state"], resting["reason"]) == (
        "resting", "5 failures in a row; the last time it was overloaded.",
    )  # fmt: skip
    mock.forget()
    answer = client.generate("ladder", DEAD.format("first"))
    assert called(mock) == ["second"]
    first = client.trace(answer)["candidates"][0]
    assert first["reasons"][0]["code"] == "unhealthy"
    deadline = time.monotonic() + 10
    while called(mock)[-1] != "first":
        assert time.monotonic() < deadline
        time.sleep(0.1)
        assert client.generate("ladder").status_code == 200
    assert health(client, "first/one")["state"] == "available"


def test_where_there_is_nobody_else_a_failing_provider_is_spared(
    client: Client, mock: Mock
) -> None:
    began = time.monotonic()
    codes = [code_of(client.generate("single", DEAD.format("alone"))) for _ in range(40)]
    seconds = time.monotonic() - began
    assert codes[:5] == ["provider_error"] * 5
    assert set(codes[5:]) <= {"provider_error", "no_eligible_deployment"}
    assert len(called(mock)) <= 6 + seconds
    refused = client.generate("single", DEAD.format("alone"))
    while code_of(refused) != "no_eligible_deployment":
        refused = client.generate("single", DEAD.format("alone"))
    assert int(refused.headers["retry-after"]) >= 1
    deadline = time.monotonic() + 3
    while client.generate("single").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert client.generate("single").status_code == 200


def test_wrong_credentials_are_not_shown_twice(client: Client, mock: Mock) -> None:
    for _ in range(3):
        assert client.generate("sour", "Hello [mock only=sour status=401]").status_code == 200
    assert called(mock).count("sour") <= 2
    assert called(mock)[-1] == "second"
    assert health(client, "sour/two")["state"] == "resting"


def test_who_limits_his_callers_comes_last(client: Client, mock: Mock, server: Server) -> None:
    for _ in range(4):
        text = "Hello [mock only=full status=429 retry_after=30]"
        answer = client.generate("full", text)
        assert answer.status_code == 200
    assert called(mock) == ["full", *["second"] * 4]
    trace = client.trace(answer)
    assert "full/one limited calls just now" in server.manage("explain", trace["trace_id"])
    assert health(client, "full/one")["state"] == "limiting"
