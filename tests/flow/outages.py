"""One loss of PostgreSQL under load, seen from outside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.flow.books import Books
from tests.flow.crowd import CROWDED, ask, feature_of
from tests.flow.load import Asked, Load
from tests.own_postgres import own_postgres
from tests.processes import Server, server_maker, start_mock

BACK_WITHIN_S = 5
SLOW = 10
"""Streams of about ten seconds under the closed cap that are in flight when it begins."""


@dataclass
class Outage:
    """What was seen of one outage. Moments are seconds since the epoch. `slow` are those streams,
    which are among `asked` too."""

    server: Server
    asked: list[Asked]
    slow: list[Asked]
    began_at: float
    ended_at: float
    ready_before: dict[str, Any]
    ready_within: dict[str, Any]
    readyz_within: int
    unknown_feature_within: int
    back_after_s: float

    @property
    def books(self) -> Books:
        return Books(self.server.database_url)

    def sent_within(self) -> list[Asked]:
        """What was asked while the database was certainly away."""
        return [one for one in self.asked if self.began_at < one.sent_at < self.ended_at - 1]


@contextmanager
def outage_of(away_s: float, directory: Path, postgres_directory: Path) -> Iterator[Outage]:
    """A server under load that loses its database, in a crash, for `away_s` seconds."""
    with (
        own_postgres(postgres_directory) as postgres,
        start_mock() as mock,
        server_maker(mock, directory) as make_server,
    ):
        server = make_server(DATABASE_URL=postgres.url)
        server.start("--workers", "2")
        server.apply(CROWDED)
        key = server.create_key()
        ready_before = server.ready()
        slow = Load(server.url, key, _slowly, clients=SLOW, name="slow")
        with Load(server.url, key, ask) as load, slow:
            time.sleep(2)
            slow.stop_soon()
            postgres.stop("immediate")
            began_at = time.time()
            time.sleep(away_s)
            ready_within, readyz_within = server.ready(), server.status("/readyz")
            unknown = _ask_for_what_nobody_serves(server, key)
            postgres.start()
            ended_at = time.time()
            back_after_s = _until_answered(load, ended_at)
            time.sleep(2)
        yield Outage(
            server,
            load.asked + slow.asked,
            slow.asked,
            began_at,
            ended_at,
            ready_before,
            ready_within,
            readyz_within,
            unknown,
            back_after_s,
        )


def _slowly(number: int) -> dict[str, Any]:
    text = f"Hello {number} [mock gap=400 words=24]"
    return {"feature": "whole", "stream": True, "input": text, "max_output_tokens": 200}


def _ask_for_what_nobody_serves(server: Server, key: str) -> int:
    return httpx2.post(
        f"{server.url}/v1/generate",
        json={"feature": "nobodys", "input": "Hi"},
        headers={"authorization": f"Bearer {key}"},
    ).status_code


def _until_answered(load: Load, since: float) -> float:
    while not any(
        one.sent_at > since and feature_of(one.marker) == "whole" for one in load.answered()
    ):
        assert time.time() < since + 4 * BACK_WITHIN_S, load.asked[-1]
        time.sleep(0.05)
    return time.time() - since
