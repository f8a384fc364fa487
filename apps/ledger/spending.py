"""Reading caps' windows: what was settled and is held, for pages and the API."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now
from msgspec import Struct

from apps.ledger.models import CapWindow
from apps.ledger.windows import key_hash
from routerctl.engine.caps import CapIndex

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


class Balances(Mapping[str, int]):
    """How full the windows of `caps` are now, in permille, by `caps.balance_of`; each is looked up
    when it is asked for. For what is decided off the path of requests."""

    def __init__(self, caps: CapIndex) -> None:
        self._caps = caps

    def __getitem__(self, name: str) -> int:
        slug, *key = name.split("\0")
        cap = self._caps.named[slug]
        open_now = Q(ends_at=None) | Q(ends_at__gt=Now())
        taken = (
            CapWindow.objects.filter(
                open_now, cap=slug, unit=cap.unit, period=cap.spec.period, key_hash=key_hash(key)
            )
            .order_by("-starts_at")
            .values_list(F("settled") + F("held"), flat=True)
            .first()
        )
        if taken is None:
            raise KeyError(name)
        return int(taken * 1000 // cap.limit) if cap.limit else 1000

    def __iter__(self) -> Iterator[str]:
        return iter(self._caps.named)

    def __len__(self) -> int:
        return len(self._caps.named)
