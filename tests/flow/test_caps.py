"""Caps on the whole way, with several processes: nobody passes them, and nobody is told lies."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.flow.books import Books
from tests.flow.client import Answer, Client, code_of
from tests.flow.documents import deployment, document, provider, route
from tests.processes import Mock, Server, server_maker, start_mock

PROCESSES = 8
AT_ONCE = 24
FREE = [{"from": "2026-01-01", "input_usd_per_mtok": "0", "output_usd_per_mtok": "0"}]
DEAR = [{"from": "2026-01-01", "input_usd_per_mtok": "10", "output_usd_per_mtok": "40"}]
SHORT = {"max_output_tokens": 100}


def cap(slug: str, **facts: Any) -> dict[str, Any]:
    return {"slug": slug, "scope": {"feature": slug}, "period": "day"} | facts


CONFIGURATION = document(
    [provider("acme"), provider("basement", local=True)],
    [
        deployment("acme/cheap"),
        deployment("acme/dear", prices=DEAR),
        deployment("acme/unpriced", prices=[]),
        deployment("basement/mini", prices=FREE),
    ],
    [
        route("one-only", "acme/cheap"),
        route("one-dollar", "acme/cheap", limits=SHORT),
        route("free-plan", "acme/dear", "basement/mini"),
        route("strong-once", "acme/dear", "acme/cheap"),
        route("used-up", "acme/cheap"),
        route("unpriced", "acme/unpriced"),
        route("dearer", "acme/cheap", "acme/dear"),
        route("warned", "acme/cheap"),
        route("raised", "acme/cheap"),
        route("unused", "acme/cheap"),
        route("by-tenant", "acme/cheap"),
    ],
    caps=[
        cap("one-only", limit_requests=1, period="total"),
        cap("one-dollar", limit_usd="0.02"),
        cap("free-plan", scope={"feature": "free-plan", "plan": "free"}, limit_usd="0.000001"),
        cap(
            "strong-once",
            scope={"feature": "strong-once", "deployment": "acme/dear"},
            per=["metadata.ticket"],
            missing="skip",
            period="total",
            limit_requests=1,
            actions=[{"at_percent": 100, "do": "cheaper"}],
        ),
        cap("used-up", limit_usd="0.000001"),
        cap("unpriced", limit_usd="1"),
        cap("dearer", limit_usd="0.01"),
        cap("warned", limit_requests=3, actions=[{"at_percent": 30, "do": "warn"}]),
        cap("raised", limit_requests=1),
        cap("unused", limit_tokens=1000000000),
        cap("by-tenant", per=["tenant"], limit_requests=1),
    ],
)


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with start_mock() as running:
        yield running


@pytest.fixture(scope="module")
def server(mock: Mock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_maker(mock, tmp_path_factory.mktemp("caps")) as make:
        made = make()
        made.start("--workers", str(PROCESSES))
        made.apply(CONFIGURATION)
        yield made


@pytest.fixture
def client(server: Server, mock: Mock) -> Iterator[Client]:
    mock.forget()
    key = server.create_key("--scopes", "generate,read", "--disclose", "deployment")
    with Client(server, key) as client:
        yield client


@pytest.fixture
def books(server: Server) -> Books:
    return Books(server.database_url)


def all_at_once(client: Client, count: int, feature: str, **fields: Any) -> list[Answer]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asking = [pool.submit(client.generate, feature, **fields) for _ in range(count)]
        return [asked.result() for asked in asking]


def window(client: Client, slug: str) -> dict[str, Any]:
    [found] = client.http.get(f"/api/v1/caps/{slug}").json()["windows"]
    return dict(found)


# --------------------------------------------------------------------------- nobody passes


def test_of_two_hundred_requests_to_eight_processes_one_is_admitted(client: Client) -> None:
    answers = all_at_once(client, 200, "one-only")
    assert Counter(answer.status_code for answer in answers) == {200: 1, 429: 199}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert code_of(refused) == "cap_reached"
    assert refused.headers["x-should-retry"] == "false"


def test_what_is_settled_and_held_never_exceeds_the_limit_and_the_limit_can_be_used_up(
    client: Client, books: Books
) -> None:
    limit, done = 20_000_000, threading.Event()
    over: list[int] = []
    query = "SELECT settled + held AS taken FROM ledger_capwindow WHERE cap = 'one-dollar'"

    def watch() -> None:
        while not done.is_set():
            over.extend(row["taken"] for row in books.rows(query) if row["taken"] > limit)
            time.sleep(0.005)

    watching = threading.Thread(target=watch)
    watching.start()
    asked = 0
    while asked < 40 and not any(
        answer.status_code == 429 for answer in all_at_once(client, AT_ONCE, "one-dollar")
    ):
        asked += 1
    books.nothing_held_after_s(10)
    while client.generate("one-dollar").status_code == 200:
        pass
    books.nothing_held_after_s(10)
    done.set()
    watching.join()
    assert over == []
    [row] = books.rows("SELECT settled FROM ledger_capwindow WHERE cap = 'one-dollar'")
    assert row["settled"] >= limit * 0.95


def test_a_dearer_fallback_does_not_pass_a_cap(client: Client) -> None:
    answer = client.generate("dearer", "Hello [mock only=acme status=503]")
    assert answer.status_code == 429
    assert code_of(answer) == "cap_reached"
    trace = client.trace(answer)
    assert [made["deployment"] for made in trace["attempts"]] == ["acme/cheap"]


def test_without_a_price_nobody_is_asked_under_a_cap_of_money(client: Client, mock: Mock) -> None:
    answer = client.generate("unpriced")
    assert code_of(answer) == "no_eligible_deployment"
    [candidate] = client.trace(answer)["candidates"]
    assert [reason["code"] for reason in candidate["reasons"]] == ["unpriced"]
    assert mock.calls() == []


# --------------------------------------------------------------------------- who goes on


def test_a_refusal_says_which_cap_and_until_when(client: Client) -> None:
    answer = client.generate("used-up")
    error = answer.json()["error"]
    assert error["details"]["cap"] == "used-up"
    assert error["details"]["scope"] == {"feature": "used-up"}
    assert error["details"]["resets_at"].endswith("T00:00:00Z")
    assert 0 < int(answer.headers["retry-after"]) <= 24 * 60 * 60
    assert "used-up" in error["message"]


def test_free_users_go_on_with_what_costs_nothing_and_are_told(client: Client) -> None:
    paid, free = (client.generate("free-plan", plan=plan) for plan in ("pro", "free"))
    assert (paid.json()["model"], paid.json()["status"]) == ("acme/dear", "succeeded")
    assert (free.json()["model"], free.json()["status"]) == ("basement/mini", "degraded")
    assert free.headers["x-degraded"] == "cheaper"
    assert free.json()["degraded"]["reason"] == "cap_reached"
    assert "free-plan" in free.json()["degraded"]["message"]
    assert client.trace(free)["degraded"]["action"] == "cheaper"


def test_a_ticket_gets_one_strong_answer(client: Client) -> None:
    def ask(ticket: str) -> str:
        answer = client.generate("strong-once", metadata={"ticket": ticket} if ticket else {})
        model: str = answer.json()["model"]
        return model

    assert [ask("T-1"), ask("T-1"), ask("T-2"), ask("T-1")] == [
        "acme/dear",
        "acme/cheap",
        "acme/dear",
        "acme/cheap",
    ]
    assert [ask(""), ask("")] == ["acme/dear", "acme/dear"]


def test_each_tenant_has_a_window_of_its_own(client: Client) -> None:
    statuses = [
        client.generate("by-tenant", tenant=tenant).status_code
        for tenant in ("one", "one", "other", "other")
    ]
    assert statuses == [200, 429, 200, 429]
    windows = client.http.get("/api/v1/caps/by-tenant").json()["windows"]
    assert {window["key"]["tenant"]: window["settled"] for window in windows} == {
        "one": 1,
        "other": 1,
    }


def test_a_call_that_failed_and_cost_nothing_is_not_counted(client: Client) -> None:
    answer = client.generate(
        "strong-once", "Hello [mock status=503]", metadata={"ticket": "T-failed"}
    )
    assert answer.status_code == 502
    again = client.generate("strong-once", metadata={"ticket": "T-failed"})
    assert again.json()["model"] == "acme/dear"


def test_a_stream_that_its_client_leaves_is_counted_and_holds_nothing(
    client: Client, books: Books
) -> None:
    with client.streaming("native", "warned", "Hello [mock words=3000 gap=20]") as response:
        next(response.iter_raw())
        trace_id = response.headers["x-trace-id"]
    books.nothing_held_after_s(10)
    trace = client.trace(trace_id)
    assert window(client, "warned")["settled"] == 1, trace


def test_a_warning_stands_in_the_answer_and_changes_nothing(client: Client) -> None:
    client.generate("warned")
    deadline = time.monotonic() + 10
    while True:
        answer = client.generate("warned").json()
        if "cap_warning:warned" in answer.get("safety_flags", ()):
            break
        assert answer["status"] in ("succeeded", "failed"), answer
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert answer["degraded"] is None


# --------------------------------------------------------------------------- edits and reading


def test_raising_a_cap_keeps_what_was_spent_and_lets_requests_through(
    client: Client, server: Server
) -> None:
    assert [client.generate("raised").status_code for _ in range(2)] == [200, 429]
    raised = CONFIGURATION.replace(
        '"scope": {"feature": "raised"}, "period": "day", "limit_requests": 1',
        '"scope": {"feature": "raised"}, "period": "day", "limit_requests": 2',
    )
    assert raised != CONFIGURATION
    server.apply(raised)
    assert [client.generate("raised").status_code for _ in range(2)] == [200, 429]
    assert window(client, "raised")["settled"] == 2


def test_a_cap_without_use_shows_its_window_with_zeros(client: Client) -> None:
    found = window(client, "unused")
    assert (found["settled"], found["held"], found["key"]) == (0, 0, {})
    assert (found["unit"], found["limit"]) == ("tokens", 1_000_000_000)
