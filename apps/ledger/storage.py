"""How the traces lie in the database: a partition for each day, and about how many there are."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from apps.ledger.ids import moment_of
from apps.ledger.models import Trace


@dataclass(frozen=True, slots=True)
class Storage:
    """`days` have a partition. `traces` is the database's own estimate, None while it has made
    none; moments are milliseconds since the epoch, None without a trace."""

    days: tuple[date, ...]
    traces: int | None
    oldest_ms: int | None
    newest_ms: int | None

    def covers(self, day: date) -> bool:
        return day in self.days


def storage() -> Storage:
    partitions = _partitions()
    counted = [rows for rows in partitions.values() if rows >= 0]
    return Storage(
        days=tuple(sorted(partitions)),
        traces=sum(counted) if counted else None,
        oldest_ms=_moment("trace_id"),
        newest_ms=_moment("-trace_id"),
    )


def _partitions() -> dict[date, int]:
    """Each day's partition with its estimated rows, below 0 for one that was never counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT right(c.relname, 8), c.reltuples::bigint"
            " FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'ledger_trace'::regclass"
        )
        return {
            datetime.strptime(day, "%Y%m%d").date(): rows  # noqa: DTZ007  # a day has no zone
            for day, rows in cursor.fetchall()
        }


def _moment(order: str) -> int | None:
    newest = Trace.objects.order_by(order).values_list("trace_id", flat=True).first()
    return None if newest is None else moment_of(str(newest))
