"""A page of the change log: days, and in each its changes, newest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from apps.dashboards import clock
from apps.dashboards.objects.registry import KINDS
from apps.policies.log import KINDS_OF_FILE, READS
from apps.policies.trail import Change

_ICONS = {"created": "plus", "changed": "pencil", "deleted": "trash-2"}
_OF_KIND = {"flag": "flag", "key": "key-round", "cap": "wallet", "price": "coins"}
_VERBS = {"created": "added", "changed": "changed", "deleted": "deleted"}


@dataclass(frozen=True, slots=True)
class Line:
    """One change. `url` leads to what was changed, if that has a page."""

    change: Change
    at_ms: int
    icon: str
    tone: str
    verb: str
    kind: str
    url: str


@dataclass(frozen=True, slots=True)
class Day:
    """`name` is `Today, Wed 18 November`, in the page's zone."""

    name: str
    lines: tuple[Line, ...]


def days(changes: Iterable[Change]) -> list[Day]:
    lines = map(_line, changes)
    return [
        Day(_name(day), tuple(of_day))
        for day, of_day in groupby(lines, lambda line: clock.local(line.at_ms).date())
    ]


def _line(change: Change) -> Line:
    kind = READS[change.kind][0]
    icon = _ICONS[change.what] if change.what != "changed" else _OF_KIND.get(kind, "pencil")
    return Line(
        change,
        at_ms=int(change.at.timestamp() * 1000),
        icon="arrow-up-down" if change.moved and not change.fields else icon,
        tone="error" if change.what == "deleted" else "",
        verb="moved" if change.moved and not change.fields else _VERBS[change.what],
        kind=kind,
        url=_url(change),
    )


def _url(change: Change) -> str:
    """Of the thing's own page; a deleted one still has its history there."""
    name = KINDS_OF_FILE.get(change.kind, "")
    return f"{KINDS[name].url(change.object)}?tab=history" if name in KINDS else ""


def _name(day: date) -> str:
    today = clock.local(clock.now_ms()).date()
    words = f"{day:%a} {day.day} {day:%B}" + ("" if day.year == today.year else f" {day.year}")
    return f"Today, {words}" if day == today else words
