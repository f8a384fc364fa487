"""Rate limits on the whole way, with two processes: one count, headers, a trace that explains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.flow.client import Client, code_of
from tests.flow.documents import deployment, document, provider, route
from tests.processes import Mock, Server, server_maker, start_mock


def limit(slug: str, **facts: Any) -> dict[str, Any]:
    return {
        "slug": slug,
        "scope": {"feature": slug},
        "limit_requests": 100,
        "period": "hour",
    } | facts


CONFIGURATION = document(
    [provider("acme")],
    [deployment("acme/one")],
    [route(slug, "acme/one") for slug in ("ten", "kept", "by-tenant", "again", "free")],
    rate_limits=[
        limit("ten", burst=10),
        limit("kept", burst=4, reserved={"plan": ["pro"], "percent": 50}),
        limit("by-tenant", per=["tenant"], burst=1),
        limit("again"),
    ],
)


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with start_mock() as running:
        yield running


@pytest.fixture(scope="module")
def server(mock: Mock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_maker(mock, tmp_path_factory.mktemp("rates")) as make:
        made = make()
        made.start("--workers", "2")
        made.apply(CONFIGURATION)
        yield made


@pytest.fixture
def client(server: Server, mock: Mock) -> Iterator[Client]:
    mock.forget()
    with Client(server, server.create_key("--scopes", "generate,read")) as client:
        yield client


def test_two_processes_let_ten_through_together_and_ask_nobody_for_the_rest(
    client: Client, mock: Mock
) -> None:
    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(client.generate, "ten") for _ in range(40)]
        answers = [asked.result() for asked in asking]
    assert Counter(answer.status_code for answer in answers) == {200: 10, 429: 30}
    assert len(mock.calls()) == 10
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert code_of(refused) == "rate_limited"
    assert 0 < int(refused.headers["retry-after"]) <= 36
    assert refused.headers["ratelimit-limit"] == "10"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert "x-should-retry" not in refused.headers
    passed = next(answer for answer in answers if answer.status_code == 200)
    assert passed.headers["ratelimit-limit"] == "10"
    trace = client.trace(refused)
    assert trace["error_code"] == "rate_limited"
    assert trace["attempts"] == []


def test_the_reserved_part_is_left_to_those_who_pay(client: Client) -> None:
    told = [client.generate("kept", plan="free").status_code for _ in range(3)]
    assert told == [200, 200, 429]
    told = [client.generate("kept", plan="pro").status_code for _ in range(3)]
    assert told == [200, 200, 429]


def test_one_tenant_does_not_slow_down_another(client: Client) -> None:
    told = [client.generate("by-tenant", tenant=t).status_code for t in ("a", "a", "b")]
    assert told == [200, 429, 200]


def test_an_answer_that_is_given_again_tells_what_is_left_now(client: Client, mock: Mock) -> None:
    said, named = {"feature": "again", "input": "Hello"}, {"idempotency-key": "again-1"}
    first, again = (client.http.post("/v1/generate", json=said, headers=named) for _ in range(2))
    assert again.headers["idempotent-replayed"] == "true"
    assert len(mock.calls()) == 1
    left = [answer.headers.get_list("ratelimit-remaining") for answer in (first, again)]
    assert left == [["99"], ["98"]]


def test_what_no_limit_counts_carries_no_such_headers(client: Client) -> None:
    answer = client.generate("free")
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.lower().startswith("ratelimit")]
