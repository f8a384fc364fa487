"""A trace is stored in the partition of its id's own day, and so only once."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from apps.ledger.batcher import Ledger
from apps.ledger.ids import day_of, moment_of, trace_id
from tests.apps.ledger import made
from tests.apps.ledger.stored import Stored

DAY_MS = 86_400_000


def _id_at(moment_ms: int) -> str:
    """An id of another time."""
    return f"{moment_ms >> 16:08x}-{moment_ms & 0xFFFF:04x}" + trace_id()[13:]


async def test_rows_are_in_the_partition_of_the_id_s_day(ledger: Ledger, stored: Stored) -> None:
    midnight = moment_of(trace_id()) // DAY_MS * DAY_MS
    for moment_ms in (midnight - 1, midnight, midnight + DAY_MS - 1, midnight + DAY_MS):
        known = made.head(_id_at(moment_ms))
        await ledger.reserve(made.hold(known))
        ledger.settle(made.settlement(known, made.attempt()))
    await ledger.drain(5)

    for table in ("ledger_trace", "ledger_attempt"):
        rows = stored.all(f"SELECT trace_id, tableoid::regclass::text AS partition FROM {table}")
        assert len(rows) == 4
        for row in rows:
            day = day_of(str(row["trace_id"]))
            assert row["partition"] == f"{table}_{day:%Y%m%d}"


async def test_a_day_without_partitions_gets_them_from_its_first_trace(
    ledger: Ledger, stored: Stored
) -> None:
    long_ago = made.head(_id_at(1_500_000_000_000))
    today = made.head()
    for known in (long_ago, today):
        await ledger.reserve(made.hold(known))
        ledger.settle(made.settlement(known, made.attempt()))

    assert await ledger.drain(5)

    assert stored.traces() == {long_ago.trace_id, today.trace_id}
    stored.do("DROP TABLE ledger_trace_20170714, ledger_attempt_20170714")


def test_partitions_stand_for_the_coming_two_weeks(stored: Stored) -> None:
    rows = stored.all(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
        " WHERE inhparent = 'ledger_trace'::regclass"
    )
    today = datetime.now(UTC).date()

    expected = {today + timedelta(days=days) for days in range(-1, 14)}

    assert {f"ledger_trace_{day:%Y%m%d}" for day in expected} <= {row["name"] for row in rows}


def test_ensuring_days_again_makes_none(stored: Stored) -> None:
    first, last = date(2019, 2, 27), date(2019, 3, 2)
    query = "SELECT ensure_partitions(%s, %s) AS made"
    try:
        assert stored.all(query, first, last) == [{"made": 4}]
        assert stored.all(query, first, last) == [{"made": 0}]
    finally:
        for day in ("20190227", "20190228", "20190301", "20190302"):
            stored.do(f"DROP TABLE ledger_trace_{day}, ledger_attempt_{day}")


async def test_an_id_cannot_be_stored_twice(ledger: Ledger, stored: Stored) -> None:
    known = made.head()
    await ledger.reserve(made.hold(known))
    ledger.settle(made.settlement(known))
    await ledger.drain(5)

    with pytest.raises(psycopg.errors.UniqueViolation):
        stored.do("INSERT INTO ledger_trace SELECT * FROM ledger_trace")
