"""PostgreSQL crashes under load and comes back: what a closed cap counts is refused, the rest goes
on, nothing is lost, and nobody has to help. tests/chaos has the long form."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from apps.gateway.live import SILENT_S
from tests.flow.crowd import feature_of
from tests.flow.outages import BACK_WITHIN_S, SLOW, Outage, outage_of
from tests.processes import Server

AWAY_S = 4
REFUSED_WITHIN_S = 2.5


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outage]:
    own = tmp_path_factory.mktemp
    with outage_of(AWAY_S, own("outage"), own("postgres")) as seen:
        yield seen


def test_who_asks_under_a_closed_cap_is_told_so_within_about_a_second(outage: Outage) -> None:
    refused = [one for one in outage.sent_within() if feature_of(one.marker) == "whole"]
    assert len(refused) > 5
    assert {(one.status, one.code) for one in refused} == {(503, "budget_unavailable")}
    assert max(one.took_s for one in refused) < REFUSED_WITHIN_S


def test_who_has_no_cap_or_an_open_one_is_answered_all_the_same(outage: Outage) -> None:
    answered = [one for one in outage.sent_within() if feature_of(one.marker) != "whole"]
    assert len(answered) > 5
    assert {(one.status, one.code) for one in answered} == {(200, "")}
    ids = [one.trace_id for one in answered]
    rows = outage.books.rows(
        "SELECT held_nano_usd, marks, windows <> '{}' AS counted, feature FROM ledger_trace"
        " WHERE trace_id = ANY (%s::uuid[])",
        ids,
    )
    assert len(rows) == len(ids)
    unheld = [row for row in rows if "unheld" in row["marks"]]
    assert len(unheld) > 5
    assert all(row["held_nano_usd"] == 0 for row in unheld)
    assert {(row["feature"], row["counted"]) for row in unheld} <= {
        ("stream", False), ("flaky", True),
    }  # fmt: skip


def test_who_was_being_answered_when_it_crashed_gets_the_answer_or_a_clear_refusal(
    outage: Outage,
) -> None:
    endings = {(one.status, one.code) for one in outage.asked}
    assert endings == {(200, ""), (503, "budget_unavailable")}


def test_a_stream_that_was_in_flight_comes_to_its_end(outage: Outage) -> None:
    assert len(outage.slow) >= SLOW
    assert {(one.status, one.code) for one in outage.slow} == {(200, "")}
    assert all(one.sent_at < outage.began_at < one.sent_at + one.took_s for one in outage.slow)


def test_requests_are_still_read_and_decided_by_the_last_good_revision(outage: Outage) -> None:
    assert outage.ready_within["revision"] == outage.ready_before["revision"]
    assert {one.revision for one in outage.asked} == {outage.ready_before["revision"]}
    assert outage.unknown_feature_within == 400


def test_readyz_says_that_the_database_is_away_and_stays_ready(outage: Outage) -> None:
    assert outage.ready_before["database"] == "ok"
    assert (outage.readyz_within, outage.ready_within["database"]) == (200, "unreachable")


def test_the_server_recovers_by_itself(outage: Outage) -> None:
    assert outage.back_after_s < BACK_WITHIN_S
    assert outage.server.ready()["database"] == "ok"
    afterwards = [one for one in outage.asked if one.sent_at > outage.ended_at + BACK_WITHIN_S]
    assert all(one.status == 200 for one in afterwards)


def test_all_is_settled_afterwards_and_every_call_has_one_trace(outage: Outage) -> None:
    outage.books.nothing_held_after_s(5)
    assert outage.books.wrong(outage.asked, outage.server.mock) == []


def test_every_refusal_has_a_trace_or_is_counted(outage: Outage) -> None:
    told = [one for one in outage.asked if one.code == "budget_unavailable"]
    traced = [t for t in outage.books.traces() if t["error_code"] == "budget_unavailable"]
    [row] = outage.books.rows(
        "SELECT coalesce(sum(refusals), 0)::int AS n FROM ledger_refusalcount"
    )
    assert len(told) <= len(traced) + row["n"]
    assert traced


def test_a_database_that_stays_silent_is_told_of_as_well(outage: Outage) -> None:
    with psycopg.connect(outage.server.database_url) as other:
        other.execute("LOCK TABLE policies_revision")
        _until_told(outage.server, "unreachable")
        assert outage.server.status("/readyz") == 200
    _until_told(outage.server, "ok")


def _until_told(server: Server, database: str) -> None:
    deadline = time.monotonic() + 2 * SILENT_S
    while server.ready()["database"] != database:
        assert time.monotonic() < deadline
        time.sleep(0.1)
