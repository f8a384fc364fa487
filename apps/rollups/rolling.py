"""Summing traces up, quarter by quarter: `roll_up` finds what is due and does it.

A quarter is due when it ended ten minutes ago. Almost all of its traces are written by then; for
what is written later the ledger leaves a mark in the same transaction (`ledger.LateTrace`), and a
quarter with a mark is due again. The marks are taken away first and the traces read afterwards, so
whatever is committed in between leaves its mark for the next time.

A quarter's old sums go and its new ones come in one transaction, so that doing it twice changes
nothing, and whoever reads sees the one or the other.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from msgspec import Struct

from apps.ledger.ids import first_id_at
from apps.ledger.storage import storage
from apps.rollups.latencies import BOUNDS_MS
from apps.rollups.sql import CALLS, DUE, FORGET, LOOK_AGAIN, REQUESTS, SETTLED, SLOTS

SLOT = timedelta(minutes=15)
SETTLES_WITHIN = timedelta(minutes=10)
"""So long after its end a quarter is summed up for the first time."""
LATE_AFTER = timedelta(minutes=5)
"""What is written so long after its request began leaves a mark; as in `ledger_late_before`."""
_MOST = 4
"""Quarters in one transaction."""
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('rollups.rolling'))"


class Rolled(Struct, frozen=True):
    """What was done. `left` quarters are due still, because somebody else is at it."""

    slots: int = 0
    traces: int = 0
    left: int = 0


def roll_up(now: datetime, told: Callable[[int, int], None] = lambda *_: None) -> Rolled:
    """Sum up all that is due at `now`, the oldest first; `told` how many quarters of how many are
    done. Where another process does it already, this one leaves it at that."""
    slots = due(now)
    done = traces = 0
    for run in _runs(slots):
        found = _roll(run, now)
        if found is None:
            break
        done, traces = done + len(run), traces + found
        told(done, len(slots))
    return Rolled(done, traces, len(slots) - done)


def due(now: datetime) -> list[datetime]:
    """The beginnings of the quarters to sum up, in order."""
    held = storage()
    if held.oldest_ms is None:
        return []
    facts: dict[str, Any] = {
        "settled": now - SETTLES_WITHIN,
        "late_after": LATE_AFTER,
        "days": list(held.days),
        "slot": SLOT,
        "oldest_ms": held.oldest_ms,
    }
    with connection.cursor() as cursor:
        cursor.execute(LOOK_AGAIN)
        cursor.execute(SETTLED, facts)
        [facts["until"]] = cursor.fetchone()
        cursor.execute(DUE, facts)
        return [row[0] for row in cursor.fetchall()]


def _runs(slots: list[datetime]) -> Iterator[list[datetime]]:
    """`slots` in runs without a gap, each short enough for one transaction."""
    run: list[datetime] = []
    for slot in slots:
        if run and (len(run) == _MOST or slot != run[-1] + SLOT):
            yield run
            run = []
        run.append(slot)
    if run:
        yield run


def _roll(run: list[datetime], now: datetime) -> int | None:
    """Sum `run` up anew: how many traces it has; None when somebody else is at it."""
    facts: dict[str, Any] = {
        "slots": run,
        "ids": [_first_id(slot) for slot in run],
        "first_id": _first_id(run[0]),
        "end_id": _first_id(run[-1] + SLOT),
        "now": now,
        "bounds": list(BOUNDS_MS),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK)
        if cursor.fetchone() != (True,):
            return None
        for statement in FORGET:
            cursor.execute(statement, facts)
        for statement in (REQUESTS, CALLS):
            cursor.execute(statement, facts)
        cursor.execute(SLOTS, facts)
        return sum(int(row[0]) for row in cursor.fetchall())


def _first_id(moment: datetime) -> UUID:
    return first_id_at(round(moment.timestamp() * 1000))
