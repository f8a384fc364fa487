"""A range cut into equal parts, as the axis of a chart: on whole minutes, hours or days of the
page's zone, so that the parts of a day add up to the day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.dashboards import clock

MOST_PARTS = 48

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

_STEPS = (
    (_MINUTE, "per minute"),
    (5 * _MINUTE, "per 5 minutes"),
    (10 * _MINUTE, "per 10 minutes"),
    (30 * _MINUTE, "per half hour"),
    (_HOUR, "per hour"),
    (2 * _HOUR, "per 2 hours"),
    (6 * _HOUR, "per 6 hours"),
    (_DAY, "per day"),
    (7 * _DAY, "per 7 days"),
    (30 * _DAY, "per 30 days"),
    (365 * _DAY, "per year"),
)
_MOST_LABELS = 8


@dataclass(frozen=True, slots=True)
class Timeline:
    """`edges_ms` are the parts' beginnings and the end of the last, since the epoch; `unit` says
    how long a part is. The first may begin before the range and the last end after it."""

    edges_ms: tuple[int, ...]
    unit: str
    step_ms: int

    @property
    def starts_ms(self) -> tuple[int, ...]:
        return self.edges_ms[:-1]

    def whole(self, from_ms: int, to_ms: int) -> slice:
        """The parts that lie in the range from their beginning to their end."""
        first = int(self.edges_ms[0] < from_ms)
        return slice(first, len(self.starts_ms) - int(self.edges_ms[-1] > to_ms))

    def share(self, moment_ms: int) -> float:
        """Where on the axis a moment is, 0 to 1; beyond it, at its end."""
        first, last = self.edges_ms[0], self.edges_ms[-1]
        return min(1.0, max(0.0, (moment_ms - first) / (last - first)))

    def label(self, moment_ms: int) -> str:
        """`14:30`, or `18 Nov` where a part is a day or more; both where the axis is longer than
        a day."""
        moment = clock.local(moment_ms)
        day = f"{moment.day} {moment:%b}"
        if self.step_ms >= _DAY:
            return day
        return f"{day}, {moment:%H:%M}" if self._is_long else f"{moment:%H:%M}"

    def ticks(self) -> list[tuple[int, str]]:
        """What is written below the axis, and where: few beginnings, equally far from each other;
        days on an axis that is longer than one."""
        starts = list(self.starts_ms)
        if self._is_long and self.step_ms < _DAY:
            starts = [at for at in starts if f"{clock.local(at):%H%M}" == "0000"]
        every = -(-len(starts) // _MOST_LABELS) or 1
        return [(at, self._tick(at)) for at in starts[::every]]

    @property
    def _is_long(self) -> bool:
        return self.edges_ms[-1] - self.edges_ms[0] > _DAY

    def _tick(self, moment_ms: int) -> str:
        moment = clock.local(moment_ms)
        return f"{moment.day} {moment:%b}" if self._is_long else f"{moment:%H:%M}"


def timeline(from_ms: int, to_ms: int) -> Timeline:
    """The finest axis from `from_ms` to `to_ms` with no more than `MOST_PARTS` parts."""
    length = max(to_ms - from_ms, 1)
    step, unit = next((one for one in _STEPS if length <= one[0] * (MOST_PARTS - 1)), _STEPS[-1])
    edges = [_floor(from_ms, step)]
    while edges[-1] < to_ms or len(edges) < 2:
        edges.append(_next(edges[-1], step))
    return Timeline(tuple(edges), unit, step)


def _floor(moment_ms: int, step: int) -> int:
    moment = clock.local(moment_ms)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if step >= _DAY:
        return _ms(midnight)
    since = moment_ms - _ms(midnight)
    return moment_ms - since % step


def _next(edge_ms: int, step: int) -> int:
    """The edge after this one. Days are counted by the calendar: one may have 23 hours."""
    if step < _DAY:
        return edge_ms + step
    noon = clock.local(edge_ms).replace(hour=12) + timedelta(days=step // _DAY)
    return _ms(noon.replace(hour=0))


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
