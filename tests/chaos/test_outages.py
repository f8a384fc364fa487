"""PostgreSQL is away for half a minute under load, and Valkey for good: caps hold, whoever is
refused is told at once, and afterwards nothing is missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flow.books import Books
from tests.flow.crowd import feature_of
from tests.flow.documents import deployment, document, provider, route
from tests.flow.load import Asked, Load
from tests.flow.outages import BACK_WITHIN_S, SLOW, Outage, outage_of
from tests.own_valkey import own_valkey
from tests.processes import Server

pytestmark = pytest.mark.chaos

AWAY_S = 30
REFUSED_WITHIN_S = 1
ROOM = 400
"""Requests that the cap lets through, half of them with Valkey there."""
PER_REQUEST = document(
    [provider("acme")],
    [deployment("acme/steady", model="steady~latency=20")],
    [route("answers", "acme/steady")],
    caps=[{"slug": "so-many", "period": "total", "limit_requests": ROOM}],
)


def endings(asked: list[Asked]) -> set[tuple[int, str]]:
    return {(one.status, one.code) for one in asked}


def test_half_a_minute_without_postgresql_costs_refusals_and_nothing_else(
    tmp_path: Path, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    with outage_of(AWAY_S, tmp_path, tmp_path / "postgres") as outage:
        outage.books.nothing_held_after_s(30)
        wrong = outage.books.wrong(outage.asked, outage.server.mock)
        capped = [one for one in outage.sent_within() if feature_of(one.marker) == "whole"]
        others = [one for one in outage.sent_within() if feature_of(one.marker) != "whole"]
        with capsys.disabled():
            for line in _report(outage, capped, others, wrong):
                pytestconfig.get_terminal_writer().line(line)

        assert wrong == []
        assert len(outage.slow) >= SLOW
        assert endings(outage.slow) == {(200, "")}
        assert len(capped) > AWAY_S
        assert endings(capped) == {(503, "budget_unavailable")}
        assert max(one.took_s for one in capped) < REFUSED_WITHIN_S
        assert len(others) > AWAY_S
        assert endings(others) == {(200, "")}
        assert endings(outage.asked) == {(200, ""), (503, "budget_unavailable")}
        assert outage.back_after_s < BACK_WITHIN_S


def test_caps_do_not_notice_that_valkey_is_away(
    make_server: Callable[..., Server],
    tmp_path: Path,
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with own_valkey(tmp_path / "valkey") as valkey:
        server = make_server(REDIS_URL=valkey.url)
        server.start("--workers", "2")
        server.apply(PER_REQUEST)
        with Load(server.url, server.create_key(), lambda _: {"feature": "answers"}) as load:
            _until(lambda: len(load.answered()) >= ROOM / 2)
            valkey.stop()
            stopped_at = time.time()
            _until(lambda: len(load.failed()) >= 50)
        without = [one for one in load.asked if one.sent_at > stopped_at]
        answered = [one for one in without if one.status == 200]
        refused = len(without) - len(answered)
        with capsys.disabled():
            pytestconfig.get_terminal_writer().line(
                f"\nWithout Valkey: {len(answered)} answered, {refused} refused;"
                f" in all {len(load.answered())} of {ROOM}"
            )
        assert endings(load.asked) == {(200, ""), (429, "cap_reached")}
        assert len(load.answered()) == ROOM
        assert len(answered) > ROOM / 4
        books = Books(server.database_url)
        books.nothing_held_after_s(5)
        assert books.wrong(load.answered(), server.mock) == []


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _report(
    outage: Outage, capped: list[Asked], others: list[Asked], wrong: list[str]
) -> list[str]:
    slowest = max((one.took_s for one in capped), default=0.0)
    return [
        "",
        f"Away for {outage.ended_at - outage.began_at:.1f} s; asked in all {len(outage.asked)}",
        f"Under the closed cap: {len(capped)} refused, the slowest after {slowest:.2f} s",
        f"Under an open cap or none: {len(others)}, which ended as {endings(others)}",
        f"In flight when it began: {len(outage.slow)}, which ended as {endings(outage.slow)}",
        f"Answered under the closed cap again after {outage.back_after_s:.1f} s",
        f"Wrong: {len(wrong)}",
        *wrong[:20],
    ]
