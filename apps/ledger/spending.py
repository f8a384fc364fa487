"""Reading caps' windows: what was settled and is held, for pages and the API."""

from datetime import datetime

from django.db import connection
from msgspec import Struct

from apps.ledger.models import CapWindow

MOST_WINDOWS = 200


class Spending(Struct, frozen=True):
    """One window: `settled` and `held` in the cap's unit, of the requests with the values of
    `key`. `ends_at` is None for a total."""

    key: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    settled: int
    held: int


def windows_of(
    cap: str, *, unit: str, period: str, key: dict[str, str] | None = None
) -> list[Spending]:
    """The windows of a cap, the current ones first, at most `MOST_WINDOWS`; with `key` those
    whose values are these."""
    found = CapWindow.objects.filter(cap=cap, unit=unit, period=period)
    if key is not None:
        found = found.filter(key__contains=key)
    return [
        Spending(row.key, row.starts_at, row.ends_at, row.settled, row.held)
        for row in found.order_by("-starts_at", "id")[:MOST_WINDOWS]
    ]


def current_period(period: str, time_zone: str) -> tuple[datetime, datetime | None]:
    """When the period of this moment begins and ends, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT starts_at, ends_at FROM ledger_period(%s, %s, clock_timestamp())",
            [period, time_zone],
        )
        starts_at, ends_at = cursor.fetchone()
    return starts_at, ends_at
