"""Minutes of load under kills, freezes and crashes of the database. Afterwards the books must be
right to the last request; what they say is printed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.flow.books import Books, called
from tests.flow.crowd import CROWDED, ask
from tests.flow.load import Load
from tests.own_postgres import OwnPostgres, own_postgres
from tests.processes import Server, server_maker, start_mock

pytestmark = pytest.mark.chaos

WORKERS = 2
CLIENTS = 16
SEED = 7
PAUSES_S = (0.2, 3.0)
FROZEN_S = 20
"""Longer than a lease: the others settle what the sleeper holds, and it wakes up all the same."""
NOTHING_HELD_AFTER_S = 30
CONNECTIONS_OF_A_WORKER = 6


class Scene:
    """A loaded server and what can happen to it."""

    def __init__(self, server: Server, postgres: OwnPostgres) -> None:
        self.server = server
        self.happened: Counter[str] = Counter()
        self._postgres = postgres
        self._random = random.Random(SEED)

    def program(self) -> list[str]:
        """30 kills, 3 crashes, a restart and a freeze of the database, in any order."""
        kills = ["kill_a_worker"] * 18 + ["kill_the_server"] * 10 + ["kill_the_parent"] * 2
        others = ["crash_the_database"] * 2 + ["crash_it_for_long", "restart_the_database"]
        program = [*kills, *others, "freeze_a_worker"]
        self._random.shuffle(program)
        return program

    def play(self) -> None:
        for accident in self.program():
            time.sleep(self._random.uniform(*PAUSES_S))
            getattr(self, accident)()
            self.happened[accident] += 1

    def kill_a_worker(self) -> None:
        os.kill(self._random.choice(self.server.workers()), signal.SIGKILL)

    def kill_the_server(self) -> None:
        self.server.kill()
        self._start()

    def kill_the_parent(self) -> None:
        """The workers notice, drain and end by themselves."""
        orphans = self.server.workers()
        os.kill(self.server.pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{pid}").exists() for pid in orphans):
            assert time.monotonic() < deadline, "workers outlive their parent"
            time.sleep(0.1)
        self._start()

    def freeze_a_worker(self) -> None:
        worker = self._random.choice(self.server.workers())
        os.kill(worker, signal.SIGSTOP)
        time.sleep(FROZEN_S)
        os.kill(worker, signal.SIGCONT)

    def crash_the_database(self, away_s: float = 3) -> None:
        """And kill a worker while it is away: the new one begins without a configuration."""
        self._postgres.stop("immediate")
        time.sleep(away_s / 2)
        self.kill_a_worker()
        time.sleep(away_s / 2)
        self._postgres.start()

    def crash_it_for_long(self) -> None:
        self.crash_the_database(away_s=30)

    def restart_the_database(self) -> None:
        self._postgres.stop("fast")
        self._postgres.start()

    def _start(self) -> None:
        port = self.server.url.rpartition(":")[2]
        self.server.start("--workers", str(WORKERS), "--port", port)


def test_after_thirty_kills_and_four_losses_of_the_database_the_books_are_right(
    tmp_path: Path, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        own_postgres(tmp_path / "postgres") as postgres,
        start_mock() as mock,
        server_maker(mock, tmp_path) as make_server,
    ):
        server = make_server(DATABASE_URL=postgres.url)
        server.start("--workers", str(WORKERS))
        server.apply(CROWDED)
        scene, books = Scene(server, postgres), Books(server.database_url)
        with Load(server.url, server.create_key(), ask, clients=CLIENTS) as load:
            scene.play()
            time.sleep(5)
            last = load.asked[-1]
        books.nothing_held_after_s(NOTHING_HELD_AFTER_S)
        wrong = books.wrong(load.asked, mock)
        with capsys.disabled():
            for line in _report(scene, load, books, wrong):
                pytestconfig.get_terminal_writer().line(line)

        assert wrong == []
        assert last.status == 200
        unclear = {"budget_unavailable", "overloaded"}
        assert {one.code for one in load.failed() if one.status} <= unclear
        assert len(_connections(books)) <= WORKERS * CONNECTIONS_OF_A_WORKER


def _connections(books: Books) -> list[str]:
    rows = books.rows(
        "SELECT application_name FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return [row["application_name"] for row in rows]


def _report(scene: Scene, load: Load, books: Books, wrong: list[str]) -> list[str]:
    traces, calls = books.traces(), called(scene.server.mock)
    endings = Counter(one.code or str(one.status) for one in load.asked)
    abandoned = sum(trace["error_code"] == "abandoned" for trace in traces)
    return [
        "",
        f"Accidents: {dict(scene.happened)}",
        f"Requests: {len(load.asked)}, which ended as {dict(endings.most_common())}",
        f"Calls of providers: {calls.total()}, for {len(calls)} requests",
        f"Traces: {len(traces)}, of which abandoned: {abandoned}",
        f"Connections to the database: {len(_connections(books))}",
        f"Wrong: {len(wrong)}",
        *wrong[:20],
    ]
