"""The ledger's arithmetic without a database: caps in zones of their own, their periods as Python's
calendar has them, and what each request should hold, have used and cost.

A window is known by its id. `Amounts` are what is taken of caps, `Taken` of windows.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

Amounts = dict[str, int]
Taken = dict[int, int]


@dataclass(frozen=True)
class Cap:
    """`unit` is nano_usd, tokens or requests; `limit` is in it, before anybody changes it."""

    unit: str
    limit: int
    period: str
    zone: str

    def used(self, cost: int) -> int:
        """What an attempt takes that costs `cost` nano-USD; it has as many tokens here."""
        return min(cost, 1) if self.unit == "requests" else cost


CAPS = {
    "daily": Cap("nano_usd", 1500, "day", "Europe/Berlin"),
    "monthly": Cap("nano_usd", 4000, "month", "America/New_York"),
    "weekly": Cap("tokens", 3000, "week", "Australia/Sydney"),
    "hourly": Cap("tokens", 1200, "hour", "Asia/Kathmandu"),
    "strong": Cap("requests", 2, "day", "America/Havana"),  # clocks change at midnight itself
}

NIGHTS = tuple(
    datetime.fromisoformat(change).replace(tzinfo=UTC)
    for change in (
        "2026-03-29T01:00",  # Berlin, to summer time
        "2026-10-25T01:00",  # and back
        "2026-03-08T05:00",  # Havana; New York two hours later
        "2026-11-01T05:00",
        "2026-10-03T16:00",  # Sydney
        "2026-04-04T16:00",
    )
)
"""Moments at which clocks change."""


def period(cap: Cap, at: datetime) -> tuple[datetime, datetime]:
    """The first moment of the cap's period around `at`, and of the one after it."""
    zone = ZoneInfo(cap.zone)
    local = at.astimezone(zone)
    if cap.period == "hour":
        starts = at - timedelta(minutes=local.minute, seconds=local.second)
        return starts, starts + timedelta(hours=1)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if cap.period == "week":
        day -= timedelta(days=day.weekday())
    if cap.period == "month":
        day = day.replace(day=1)
    days = {"day": 1, "week": 7, "month": 32}[cap.period]
    after = day + timedelta(days=days)
    after = after.replace(day=1) if cap.period == "month" else after
    return _first_moment(day, zone), _first_moment(after, zone)


def _first_moment(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


@dataclass
class Request:
    """One admitted request, as it should be."""

    worker: str
    n: int = 1
    held: int = 0
    holds: Taken = field(default_factory=dict)
    """By the attempt in flight."""
    used: list[Taken] = field(default_factory=list)
    """By the attempts before it; and by the last one, once the request has ended."""
    attempts: set[int] = field(default_factory=set)
    spent: int = 0
    error_code: str | None = ""
    cost: int | None = None
    """What its trace says; None while it is open."""

    @property
    def last_held(self) -> Taken:
        """What the last attempt held; of a request that was reaped, what it held then."""
        return self.holds if self.cost is None else self.used[-1]


class Model:
    """All requests and all windows, as they should be."""

    def __init__(self) -> None:
        self.requests: dict[str, Request] = {}
        self.limits = {name: cap.limit for name, cap in CAPS.items()}
        self.raised: dict[str, int] = {}
        """The limits that hold for a while in place of their own."""
        self.cap_of: dict[int, str] = {}
        """Every window that was ever opened."""
        self.excused: set[int] = set()
        """Windows that may stand above their limit: it was lowered or a bound exceeded."""

    def settled(self, window: int) -> int:
        return sum(
            used.get(window, 0) for request in self.requests.values() for used in request.used
        )

    def held(self, window: int) -> int:
        return sum(request.holds.get(window, 0) for request in self.requests.values())

    def taken(self, window: int) -> int:
        return self.settled(window) + self.held(window)

    def limit(self, window: int) -> int:
        return self.in_force(self.cap_of[window])

    def in_force(self, cap: str) -> int:
        return self.raised.get(cap, self.limits[cap])

    def fitting(self, steps: list[Taken]) -> int | None:
        """The first of `steps` for which every window has room."""
        for place, step in enumerate(steps):
            if all(self.taken(w) + amount <= self.limit(w) for w, amount in step.items()):
                return place
        return None

    def used(self, held: Taken, cost: int) -> Taken:
        """What an attempt that cost so much takes of the windows that it held."""
        return {window: CAPS[self.cap_of[window]].used(cost) for window in held}

    def excuse(self, used: Taken, held: Taken) -> None:
        self.excused |= {window for window, amount in used.items() if amount > held[window]}

    def change(self, cap: str, limit: int) -> None:
        before = self.in_force(cap)
        self.limits[cap] = limit
        self._is_lowered(cap, before)

    def raise_for_a_while(self, cap: str, limit: int) -> None:
        before = self.in_force(cap)
        self.raised[cap] = limit
        self._is_lowered(cap, before)

    def end_raise(self, cap: str) -> None:
        before = self.in_force(cap)
        self.raised.pop(cap, None)
        self._is_lowered(cap, before)

    def _is_lowered(self, cap: str, before: int) -> None:
        """Then the windows that are there are excused, and none that is opened later."""
        if self.in_force(cap) < before:
            self.excused |= {window for window, name in self.cap_of.items() if name == cap}

    def money(self, step: Taken) -> int:
        """What is held in nano-USD for a step."""
        return max(
            (n for window, n in step.items() if CAPS[self.cap_of[window]].unit == "nano_usd"),
            default=0,
        )
