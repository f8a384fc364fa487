"""Providers that misbehave for a minute under load: what their callers notice, and how often the
providers are asked meanwhile."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.flow.books import Books
from tests.flow.documents import deployment, document, provider, route
from tests.flow.load import Json, Load
from tests.processes import Mock, Server

pytestmark = pytest.mark.chaos

MINUTE_S = 60
OPEN_WITHIN_S = 10
BACK_WITHIN_S = 30
PROBES = 6
"""In fifty seconds, with rests of five, ten, twenty and half a minute."""

Tell = Callable[..., None]

TWO = document(
    providers=[provider("first"), provider("second")],
    deployments=[deployment("first/one"), deployment("second/one")],
    routes=[route("ladder", "first/one", "second/one")],
)


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Iterator[Server]:
    server = make_server()
    server.start()
    server.apply(TWO)
    server.mock.forget()
    yield server
    server.mock.forget()


@pytest.fixture
def tell(pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]) -> Tell:
    """Says what was seen, whoever captures the rest."""

    def tell(*lines: str) -> None:
        with capsys.disabled():
            for line in ("", *lines):
                pytestconfig.get_terminal_writer().line(line)

    return tell


def asked_of(mock: Mock) -> Counter[str]:
    return Counter(call["provider"] for call in mock.calls())


def test_a_provider_that_is_down_for_a_minute_costs_its_callers_nothing(
    server: Server, tell: Tell
) -> None:
    down = False

    def ask(number: int) -> Json:
        fault = "only=first status=503" if down else ""
        return {"feature": "ladder", "input": f"Hello {number} [mock latency=100 {fault}]"}

    with Load(server.url, server.create_key(), ask, keep_alive=True) as load:
        time.sleep(5)
        assert asked_of(server.mock)["second"] == 0
        down = True
        time.sleep(OPEN_WITHIN_S)
        opened = asked_of(server.mock)["first"]
        time.sleep(MINUTE_S - OPEN_WITHIN_S)
        probed = asked_of(server.mock)["first"] - opened
        down = False
        well_at, known = time.monotonic(), opened + probed
        while asked_of(server.mock)["first"] < known + 20:
            assert time.monotonic() < well_at + BACK_WITHIN_S, "it was not used again"
            time.sleep(0.2)
        back_s = time.monotonic() - well_at
    tell(
        f"Requests: {len(load.asked)}, of which failed: {len(load.failed())}",
        f"Asked within {OPEN_WITHIN_S} s: {opened}; in the 50 s after: {probed}",
        f"Used again {back_s:.1f} s after it was well",
    )
    assert load.failed() == []
    assert 1 <= probed <= PROBES


@pytest.mark.parametrize("fault", ["status=503", "status=429"])
def test_who_fails_persistently_is_not_asked_more_because_of_it(fault: str, server: Server) -> None:
    def ask(number: int) -> Json:
        return {"feature": "ladder", "input": f"Hello {number} [mock latency=50 {fault}]"}

    with Load(server.url, server.create_key(), ask, keep_alive=True) as load:
        time.sleep(MINUTE_S)
    asked = asked_of(server.mock)
    offered = len(load.asked)
    books = Books(server.database_url)
    [most] = books.rows(
        "SELECT max(calls) AS calls FROM (SELECT count(*) AS calls FROM ledger_attempt"
        " GROUP BY trace_id) AS each"
    )
    tell(f"{fault}: {offered} requests, calls {dict(asked)}, at most {most['calls']} for one")
    assert most["calls"] <= 2
    assert all(calls <= 1.2 * offered for calls in asked.values())
