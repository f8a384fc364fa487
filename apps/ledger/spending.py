"""Reading caps' windows: what was settled and is held, for pages and the API."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

import msgspec
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now
from msgspec import Struct

from apps.ledger.ids import epoch_ms
from apps.ledger.models import CapWindow
from apps.ledger.windows import key_hash
from routerctl.engine.caps import CapIndex

MOST_WINDOWS = 200


class Spending(Struct, frozen=True):
    """One window: `settled` and `held` in the cap's unit, of the requests with the values of
    `key`. `ends_at` is None for a total, `id` for one that nothing was taken from yet."""

    key: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    settled: int
    held: int
    id: int | None = None

    @property
    def taken(self) -> int:
        return self.settled + self.held


def windows_of(
    cap: str, *, unit: str, period: str, tenants: Collection[str] | None = None
) -> list[Spending]:
    """The windows of a cap, the current ones first and of those the fullest, at most
    `MOST_WINDOWS`; with `tenants` those whose key names one of them."""
    found = CapWindow.objects.filter(cap=cap, unit=unit, period=period)
    if tenants is not None:
        found = found.filter(key__tenant__in=list(tenants))
    fullest = (F("settled") + F("held")).desc()
    return [
        Spending(row.key, row.starts_at, row.ends_at, row.settled, row.held, row.id)
        for row in found.order_by("-starts_at", fullest, "id")[:MOST_WINDOWS]
    ]


class Wanted(Struct, frozen=True):
    """A cap whose windows of now are asked for; None `tenants` means all of them."""

    cap: str
    unit: str
    period: str
    time_zone: str
    tenants: tuple[str, ...] | None = None


class Standing(Struct, frozen=True):
    """The period of now, how `many` windows a cap has in it, and the `fullest`; without any it is
    one from which nothing was taken."""

    fullest: Spending
    many: int


_STANDINGS = """
SELECT c.cap, p.starts_at, p.ends_at, w.id, w.key, w.settled, w.held, w.many
FROM jsonb_to_recordset(%s)
        AS c(cap text, unit text, period text, time_zone text, tenants jsonb)
    CROSS JOIN ledger_period(c.period, c.time_zone, clock_timestamp()) AS p
    LEFT JOIN LATERAL (
        SELECT o.id, o.key, o.settled, o.held, count(*) OVER () AS many FROM ledger_capwindow o
        WHERE o.cap = c.cap AND o.unit = c.unit AND o.period = c.period
            AND o.starts_at = p.starts_at
            AND (c.tenants IS NULL OR c.tenants ? (o.key ->> 'tenant'))
        ORDER BY o.settled + o.held DESC, o.id LIMIT 1
    ) AS w ON true
"""


def standings(wanted: Collection[Wanted]) -> dict[str, Standing]:
    """How full the caps are now, by their slugs, in one query. Not for caps per request."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDINGS, [msgspec.json.encode(list(wanted)).decode()])
        return {cap: _standing(*row) for cap, *row in cursor.fetchall()}


def _standing(
    starts_at: datetime,
    ends_at: datetime | None,
    id_: int | None,
    key: str | None,
    settled: int | None,
    held: int | None,
    many: int | None,
) -> Standing:
    values = {} if key is None else msgspec.json.decode(key, type=dict[str, str])
    return Standing(Spending(values, starts_at, ends_at, settled or 0, held or 0, id_), many or 0)


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
        limit = cap.limit_at(epoch_ms())
        return int(taken * 1000 // limit) if limit else 1000

    def __iter__(self) -> Iterator[str]:
        return iter(self._caps.named)

    def __len__(self) -> int:
        return len(self._caps.named)
