"""`kill -9`: whoever dies, every call that a provider saw has one trace, and nothing stays held."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.flow.books import Books, Row
from tests.flow.crowd import DEPLOYMENTS, PROVIDERS, ROUTES, ask
from tests.flow.deaf import deaf_origin
from tests.flow.documents import deployment, document, provider, route
from tests.flow.load import Asked, Load
from tests.processes import Server, server_maker, start_mock

KILLS = 10
STUCK = 3
NOTHING_HELD_AFTER_S = 30


@dataclass
class Aftermath:
    """What ten kills left behind, when nothing was held any more. `stuck` are the requests that
    were admitted, and waited for a connection to their provider until the last kill."""

    server: Server
    asked: list[Asked]
    stuck: list[Asked]
    held_for_s: float

    def __post_init__(self) -> None:
        self.books = Books(self.server.database_url)
        self.traces = self.books.traces()

    def of(self, asked: list[Asked]) -> list[Row]:
        """The traces of `asked`."""
        markers = {one.marker for one in asked}
        return [trace for trace in self.traces if trace["marker"] in markers]


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """Ten kills under load: the whole server and one of its two workers by turns."""
    directory = tmp_path_factory.mktemp("crash")
    with (
        deaf_origin() as origin,
        start_mock() as mock,
        server_maker(mock, directory) as make_server,
    ):
        server = make_server()
        server.start("--workers", "2")
        server.apply(_with_a_provider_at(origin))
        yield _kill(server, server.create_key())


def _with_a_provider_at(origin: str) -> str:
    nowhere = provider("nowhere") | {"base_url": f"{origin}/v1"}
    patient = {"connect_ms": 60000, "total_ms": 60000}
    return document(
        [*PROVIDERS, nowhere],
        [*DEPLOYMENTS, deployment("nowhere/silent", limits=patient)],
        [*ROUTES, route("stuck", "nowhere/silent")],
    )


def _kill(server: Server, key: str) -> Aftermath:
    with Load(server.url, key, ask) as load:
        for turn in range(KILLS - 1):
            time.sleep(0.7)
            if turn % 2:
                os.kill(server.workers()[turn // 2 % 2], signal.SIGKILL)
            else:
                _kill_all(server)
        stuck = Load(server.url, key, lambda _: {"feature": "stuck"}, clients=STUCK, name="stuck")
        with stuck:
            time.sleep(1)
            stuck.stop_soon()
            load.stop_soon()
            _kill_all(server)
    held_for_s = Books(server.database_url).nothing_held_after_s(NOTHING_HELD_AFTER_S)
    return Aftermath(server, load.asked, stuck.asked, held_for_s)


def _kill_all(server: Server) -> None:
    port = server.url.rpartition(":")[2]
    server.kill()
    server.start("--workers", "2", "--port", port)


def test_every_call_that_a_provider_saw_has_exactly_one_trace(aftermath: Aftermath) -> None:
    answered = [one for one in aftermath.asked if one.status == 200]
    assert len(answered) > 10 * KILLS
    assert aftermath.books.wrong([*aftermath.asked, *aftermath.stuck], aftermath.server.mock) == []


def test_what_the_dead_were_doing_is_told_as_abandoned(aftermath: Aftermath) -> None:
    abandoned = [trace for trace in aftermath.traces if trace["error_code"] == "abandoned"]
    assert len(abandoned) >= KILLS
    assert {trace["status"] for trace in abandoned} == {"failed"}
    assert all(trace["cost_nano_usd"] > 0 for trace in abandoned)


def test_what_was_admitted_and_never_sent_has_an_abandoned_trace(aftermath: Aftermath) -> None:
    assert len(aftermath.stuck) == STUCK
    assert [
        (trace["status"], trace["error_code"], trace["attempts"])
        for trace in aftermath.of(aftermath.stuck)
    ] == [("failed", "abandoned", 0)] * STUCK


def test_nobody_but_the_killed_fails(aftermath: Aftermath) -> None:
    told = [one for one in aftermath.asked if one.status not in (0, 200)]
    assert told == []


def test_what_the_dead_held_is_settled_by_who_comes_after(aftermath: Aftermath) -> None:
    assert aftermath.held_for_s < NOTHING_HELD_AFTER_S
    assert aftermath.books.held() == 0
