"""Two weeks at Larkfield: when who asks for what, and how the vendors do.

On the last whole Friday, in the middle of a sale, Gemini slows down at 14:19 (Berlin) and then
fails until 17:05. Fallbacks answer, some requests fail; `turns.py` says what people did about it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from routerctl.demo.callers import FEATURES, Post, shop_for
from routerctl.demo.vendors import Weather

ZONE = ZoneInfo("Europe/Berlin")
DAYS = 14
_FRIDAY = 4

# Shares of a feature's requests by the hour of the day, from midnight.
_SHOPPERS = (2, 1, 1, 1, 1, 2, 4, 8, 14, 20, 24, 25, 24, 24, 26, 25, 24, 24, 26, 30, 30, 24, 14, 6)
_OFFICE = (0, 0, 0, 0, 0, 0, 1, 6, 22, 34, 36, 30, 18, 28, 34, 32, 24, 12, 5, 2, 1, 1, 0, 0)
_NIGHT = (8, 30, 34, 26, 14, 6, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 2, 4)
_RHYTHMS = {
    "product-copy": _OFFICE,
    "order-summary": _NIGHT,
    "review-triage": _NIGHT,
    "returns-desk": _OFFICE,
    "theme-code": _OFFICE,
}
_WORKDAY = {
    "support-chat": 27,
    "search-answers": 27,
    "product-search": 11,
    "product-copy": 8,
    "order-summary": 8,
    "review-triage": 8,
    "returns-desk": 4,
    "theme-code": 3,
    "old app": 2,
    "mistake": 2,
}
_BUSY = (1.0, 0.97, 1.0, 1.04, 1.18, 0.72, 0.62)
"""A day's requests beside a Monday's."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request and when it comes, in milliseconds since the epoch."""

    at_ms: int
    post: Post


class Fortnight:
    """Two weeks until `until`, of about `count` requests. Equal arguments make equal weeks."""

    def __init__(self, until: datetime, count: int, seed: str = "larkfield") -> None:
        self.until = until
        self.count = count
        self.last_day = until.astimezone(ZONE).date()
        self.first_day = self.last_day - timedelta(days=DAYS)
        self.days = [self.first_day + timedelta(days=number) for number in range(DAYS + 1)]
        self.begins = self.at(self.first_day, 0, 0)
        ago = (self.last_day.weekday() - _FRIDAY) % 7 or 7
        self.friday = self.last_day - timedelta(days=ago)
        self._seed = seed

    @staticmethod
    def at(day: date, hour: int, minute: int) -> datetime:
        return datetime.combine(day, time(hour, minute), ZONE)

    def random(self, purpose: str) -> Random:
        """Chance for one purpose, so that a change in one leaves the others as they were."""
        return Random(f"{self._seed} {self.first_day} {purpose}")  # noqa: S311  # variety

    # ------------------------------------------------------------------ requests

    def requests(self) -> Iterator[Sent]:
        """All of them, in their order."""
        share = self.count / sum(_BUSY[day.weekday()] for day in self.days[:DAYS])
        for day in self.days:
            random = self.random(f"requests of {day}")
            moments = self._moments(day, round(share * _BUSY[day.weekday()]), random)
            for at, asked in moments:
                if at < self.until:
                    post = FEATURES[asked](random, shop_for(random, asked))
                    yield Sent(int(at.timestamp() * 1000), post)

    def _moments(self, day: date, count: int, random: Random) -> list[tuple[datetime, str]]:
        weights = self._weights(day)
        asked = random.choices(list(weights), list(weights.values()), k=count)
        moments = []
        for name in asked:
            hour = random.choices(range(24), _RHYTHMS.get(name, _SHOPPERS))[0]
            within = timedelta(seconds=random.random() * 3600)
            moments.append((self.at(day, hour, 0) + within, name))
        if day == self.friday:
            moments += self._rush(day, count, random)
        return sorted(moments)

    def _weights(self, day: date) -> dict[str, int]:
        """What is asked for; offices are closed at weekends."""
        closed = day.weekday() > _FRIDAY
        return {
            name: share // 4 if closed and _RHYTHMS.get(name) is _OFFICE else share
            for name, share in _WORKDAY.items()
        }

    def _rush(self, day: date, count: int, random: Random) -> list[tuple[datetime, str]]:
        """A sale, on that afternoon of all afternoons."""
        begins = self.at(day, 13, 30)
        return [
            (begins + timedelta(minutes=random.triangular(0, 210, 60)), name)
            for name in random.choices(("search-answers", "support-chat"), (3, 2), k=count // 4)
        ]

    # ------------------------------------------------------------------ weather

    def weather(self, provider: str, at_ms: int) -> Weather:
        """How a provider does at a moment. The names are those of its URL's path."""
        at = datetime.fromtimestamp(at_ms / 1000, ZONE)
        if at.date() == self.friday:
            clock = at.time()
            if provider == "gemini" and time(14, 19) <= clock < time(17, 5):
                return _GEMINI_SLOWS if clock < time(14, 33) else _GEMINI_FAILS
            if provider in ("openai", "anthropic") and time(14, 40) <= clock < time(16, 20):
                return _CROWDED
        if provider == "anthropic" and at.weekday() == 1 and 10 <= at.hour < 12:
            return _ANTHROPIC_TIRED
        if provider == "basement" and at.weekday() == 6 and at.hour == 2:
            return _BASEMENT_REBOOTS
        return _FAIR.get(provider, Weather())


_FAIR = {
    "openai": Weather(faults=((0.003, "503"), (0.003, "429"))),
    "anthropic": Weather(faults=((0.006, "529"), (0.001, "cut"))),
    "gemini": Weather(faults=((0.004, "503"), (0.001, "stall"))),
    "basement": Weather(faults=((0.002, "connect"),)),
}
_GEMINI_SLOWS = Weather(7, ((0.25, "stall"), (0.10, "503"), (0.10, "silent")))
_GEMINI_FAILS = Weather(4, ((0.45, "503"), (0.25, "silent"), (0.15, "stall")))
_CROWDED = Weather(1.8, ((0.16, "429"), (0.04, "503")))
_ANTHROPIC_TIRED = Weather(1.8, ((0.04, "529"),))
_BASEMENT_REBOOTS = Weather(1, ((0.8, "connect"),))
