"""Geometry of the waterfall: when each attempt waited, received and fell silent, in percent.

Pure: attempts in, positions out. The template draws them as SVG, so it stays sharp at any
width without script.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.ledger.records import AttemptRecord

_MOST_INTERVALS = 6
_NARROWEST_PERCENT = 0.4
"""A bar thinner than this could not be seen."""


@dataclass(frozen=True, slots=True)
class Tick:
    x: str
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """`kind` is waiting, receiving or silent; `x` and `width` are SVG lengths."""

    kind: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """`lanes[i]` are the bars of attempt i; `kinds` are those that occur, in legend order."""

    ticks: tuple[Tick, ...]
    lanes: tuple[tuple[Bar, ...], ...]
    kinds: tuple[str, ...]


def waterfall(attempts: Sequence[AttemptRecord], latency_ms: int, stall_ms: int) -> Waterfall:
    """The attempts of one request on one axis that begins when the request came.

    `latency_ms` is the whole request's; `stall_ms` is how long a stream may be silent, which
    says where the silence of a stalled attempt began.
    """
    last_ms = max([latency_ms, 1, *(a.started_ms + a.duration_ms for a in attempts)])
    step_ms = _step(last_ms)
    end_ms = -(-last_ms // step_ms) * step_ms
    lanes = tuple(tuple(_bars(attempt, end_ms, stall_ms)) for attempt in attempts)
    drawn = {bar.kind for lane in lanes for bar in lane}
    kinds = tuple(kind for kind in ("waiting", "receiving", "silent") if kind in drawn)
    return Waterfall(_ticks(end_ms, step_ms), lanes, kinds)


def _step(last_ms: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, ... ms that parts the axis in few enough intervals."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power * _MOST_INTERVALS >= last_ms:
                return factor * power
        power *= 10


def _ticks(end_ms: int, step_ms: int) -> tuple[Tick, ...]:
    """Numbers, with the unit at both ends."""
    unit, size = ("s", 1000) if end_ms >= 1000 else ("ms", 1)
    labels = [f"{at / size:g}" for at in range(0, end_ms + 1, step_ms)]
    labels[0], labels[-1] = f"{labels[0]} {unit}", f"{labels[-1]} {unit}"
    return tuple(
        Tick(_percent(at, end_ms), label)
        for at, label in zip(range(0, end_ms + 1, step_ms), labels, strict=True)
    )


def _bars(attempt: AttemptRecord, end_ms: int, stall_ms: int) -> list[Bar]:
    begin, end = attempt.started_ms, attempt.started_ms + attempt.duration_ms
    first = end if attempt.first_token_ms is None else begin + attempt.first_token_ms
    first = min(first, end)
    silent = max(first, end - stall_ms) if attempt.error_class == "stalled" else end
    spans = [("waiting", begin, first), ("receiving", first, silent), ("silent", silent, end)]
    bars = [_bar(kind, a, b, end_ms) for kind, a, b in spans if b > a]
    return bars or [_bar("waiting", begin, end, end_ms)]


def _bar(kind: str, begin_ms: int, end_ms: int, axis_ms: int) -> Bar:
    width = max((end_ms - begin_ms) / axis_ms * 100, _NARROWEST_PERCENT)
    return Bar(kind, _percent(begin_ms, axis_ms), f"{width:.3f}%")


def _percent(at_ms: int, axis_ms: int) -> str:
    return f"{at_ms / axis_ms * 100:.3f}%"
