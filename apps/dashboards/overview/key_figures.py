"""The five figures of a range: each with what it was before, and its course in a small line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apps.dashboards.figures import dollars, duration, percent
from apps.traces.traffic import Sums, Traffic

_WIDTH, _HEIGHT, _MARGIN = 100.0, 28.0, 2.0


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is empty where it is not known, and `note` then says why. `delta` is the change
    with its arrow's icon and its tone; `line` and `area` are SVG paths."""

    name: str
    title: str
    value: str
    unit: str
    delta: str
    icon: str
    tone: str
    note: str
    line: str
    area: str


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    title: str
    of: Callable[[Sums], float | None]
    shown: Callable[[Sums], str]
    more_is: str
    unit: str = ""
    counted: Callable[[Sums], str] = lambda _: ""


def _share(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


_KINDS = (
    _Kind("requests", "Requests", lambda s: s.requests, lambda s: f"{s.requests:,}", ""),
    _Kind(
        "failed", "Failed", lambda s: _share(s.failed, s.requests),
        lambda s: percent(s.failed, s.requests), "error", "points",
        lambda s: f"{s.failed:,} of {s.requests:,}",
    ),
    _Kind(
        "fallbacks", "Fallbacks", lambda s: _share(s.fallbacks, s.requests),
        lambda s: percent(s.fallbacks, s.requests), "warn", "points",
        lambda s: f"{s.fallbacks:,} of {s.requests:,}",
    ),
    _Kind(
        "latency", "Latency p95", lambda s: s.p95_ms, lambda s: duration(s.p95_ms or 0), "warn"
    ),
    _Kind("spend", "Spend", lambda s: s.cost_nano_usd, lambda s: dollars(s.cost_nano_usd), ""),
)  # fmt: skip


def key_figures(told: Traffic, whole: slice) -> list[Figure]:
    """The figures of the range, in the order in which they are shown. Their lines are drawn through
    the `whole` parts: one that has only begun would look like a fall."""
    return [_figure(kind, told, told.parts[whole]) for kind in _KINDS]


def spark(values: Sequence[float]) -> tuple[str, str]:
    """A course as two SVG paths, the line and the area below it, 100 wide and 28 high. The line
    begins at nought, so that a small change looks small."""
    if len(values) < 2:
        return "", ""
    top = max(values) or 1
    step = _WIDTH / (len(values) - 1)
    points = " ".join(
        f"{n * step:.1f} {_HEIGHT - _MARGIN - value / top * (_HEIGHT - 2 * _MARGIN):.1f}"
        for n, value in enumerate(values)
    )
    return f"M{points}", f"M{points} {_WIDTH:.0f} {_HEIGHT:.0f}H0Z"


def _figure(kind: _Kind, told: Traffic, parts: Sequence[Sums]) -> Figure:
    now = kind.of(told.now)
    delta, icon, tone = _delta(kind, now, kind.of(told.before) if told.before.requests else None)
    line, area = spark([kind.of(part) or 0 for part in parts])
    value, _, unit = kind.shown(told.now).rpartition(" ") if now is not None else ("", "", "")
    return Figure(
        name=kind.name,
        title=kind.title,
        value=value or unit,
        unit=unit if value else ("est." if kind.name == "spend" else ""),
        delta=delta,
        icon=icon,
        tone=tone,
        note=kind.counted(told.now) if now is not None else "No request in this range",
        line=line,
        area=area,
    )


def _delta(kind: _Kind, now: float | None, before: float | None) -> tuple[str, str, str]:
    """The change as text, its arrow, and its tone: worse has the tone of what it is."""
    if now is None or before is None:
        return "", "", ""
    change = now - before
    if kind.unit == "points":
        text = f"{abs(change):.2f} points"
    elif before == 0:
        return "", "", ""
    else:
        text = f"{abs(change) / before * 100:.1f} %"
    if text.startswith(("0.0 ", "0.00")):
        return "as before", "minus", ""
    return text, "arrow-up" if change > 0 else "arrow-down", kind.more_is if change > 0 else ""
