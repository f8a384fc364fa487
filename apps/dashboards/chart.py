"""Geometry of a chart of stacked bars over time, in percent.

Pure: counts in, positions out. The template draws them as SVG, sharp at any width and without
script; everything that the picture says also stands in its sentence and its table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apps.dashboards.figures import thousands
from apps.dashboards.timeline import Timeline

_GAP_PERCENT = 22
"""How much of a part stays empty between two bars."""


@dataclass(frozen=True, slots=True)
class Series:
    """One layer of every bar: its word in the legend, its class in the stylesheet, a count for
    each part of the timeline."""

    word: str
    fill: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Layer:
    fill: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Bar:
    """`href` narrows the range to the bar; `left` and `span` are the part's, `x` and `width` the
    bar's."""

    label: str
    href: str
    left: str
    span: str
    x: str
    width: str
    layers: tuple[Layer, ...]
    counts: tuple[int, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Tick:
    x: str
    label: str


@dataclass(frozen=True, slots=True)
class Grid:
    y: str
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line, with a letter that the list below the chart explains."""

    x: str
    letter: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`series` are those with anything to show, the lowest layer first. `says` puts a count into
    words."""

    series: tuple[Series, ...]
    bars: tuple[Bar, ...]
    grid: tuple[Grid, ...]
    ticks: tuple[Tick, ...]
    unit: str
    peak: Bar | None
    says: Callable[[int], str]


def chart(
    axis: Timeline,
    series: Sequence[Series],
    href: Callable[[int, int], str],
    lines: int = 2,
    says: Callable[[int], str] = thousands,
) -> Chart:
    """The chart of `series` over `axis`; `href` is the address of a part by its two moments, and
    `lines` how many lines part the height."""
    shown = tuple(one for one in series if one.total) or tuple(series[:1])
    totals = [sum(counts) for counts in zip(*(one.counts for one in shown), strict=True)]
    top = _top(max(totals, default=0), lines)
    bars = tuple(
        _bar(axis, n, [(one.fill, one.counts[n]) for one in shown], top, href)
        for n in range(len(totals))
    )
    return Chart(
        series=shown,
        bars=bars,
        grid=tuple(
            Grid(_percent(n / lines), says(top - top * n // lines)) for n in range(lines + 1)
        ),
        ticks=tuple(Tick(_percent(axis.share(at)), label) for at, label in axis.ticks()),
        unit=axis.unit,
        peak=max(bars, key=lambda bar: bar.total) if any(totals) else None,
        says=says,
    )


def _bar(
    axis: Timeline,
    n: int,
    counts: list[tuple[str, int]],
    top: int,
    href: Callable[[int, int], str],
) -> Bar:
    start, end = axis.edges_ms[n], axis.edges_ms[n + 1]
    left, right = axis.share(start), axis.share(end)
    gap = (right - left) * _GAP_PERCENT / 200
    layers, below = [], 0
    for fill, count in counts:
        below += count
        if count:
            layers.append(Layer(fill, _percent(1 - below / top), _percent(count / top)))
    return Bar(
        label=axis.label(start),
        href=href(start, end),
        left=_percent(left),
        span=_percent(right - left),
        x=_percent(left + gap),
        width=_percent(right - left - 2 * gap),
        layers=tuple(layers),
        counts=tuple(count for _, count in counts),
        total=below,
    )


def _top(most: int, lines: int) -> int:
    """The smallest round number from `most` on that `lines` lines part evenly."""
    power = 1
    while True:
        for factor in (1, 2, 3, 4, 5, 8):
            if factor * power >= max(most, lines) and factor * power % lines == 0:
                return factor * power
        power *= 10


def _percent(share: float) -> str:
    return f"{share * 100:.3f}".rstrip("0").rstrip(".") + "%"
