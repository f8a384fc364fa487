"""All that the list of traces shows: a page of them, and above it all that match, over time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.accounts.tenants import Tenants
from apps.dashboards import clock
from apps.dashboards.chart import Chart, Mark, Series, chart
from apps.dashboards.figures import counted, percent
from apps.dashboards.forms import TraceFilters
from apps.dashboards.marks import Marked, changes_of, marks
from apps.dashboards.timeline import Timeline, timeline
from apps.traces.aggregates import histogram
from apps.traces.bounded import if_quick
from apps.traces.filters import TraceFilter
from apps.traces.selectors import Page, count_up_to, list_newer, list_traces, oldest_ms

PAGE_SIZE = 50
COUNTED = 2000
"""How far traces are counted where there are too many to draw."""

_CHART_WITHIN_MS = 2000
_SERIES = (
    ("succeeded", "Succeeded", "fill1"),
    ("degraded", "Degraded", "fill2"),
    ("failed", "Failed", "fill3"),
    ("blocked", "Blocked", "fill7"),
)


@dataclass(frozen=True, slots=True)
class Overtime:
    """The chart above the list; `sentence` says what it shows."""

    chart: Chart
    sentence: str
    marks: list[Mark]
    changes: list[Marked]
    total: int


def trace_list(form: TraceFilters, *, tenants: Tenants) -> dict[str, Any]:
    """The template's context; `form` is valid."""
    wanted = form.trace_filter()
    oldest = oldest_ms(tenants=tenants)
    columns = form.columns()
    context: dict[str, Any] = {"nothing_yet": oldest is None}
    context |= {"shown": list(columns), "columns": list(columns.values())}
    context["found"] = found = _page(form, wanted, tenants)
    if not found.traces or oldest is None:
        return context
    axis = timeline(*_range(wanted, oldest))
    drawn = if_quick(
        lambda: histogram(wanted, axis.starts_ms, tenants=tenants), within_ms=_CHART_WITHIN_MS
    )
    if drawn is None:
        number = count_up_to(COUNTED, wanted, tenants=tenants)
        return context | {"matching": f"{COUNTED:,}+" if number > COUNTED else f"{number:,}"}
    overtime = _overtime(form, axis, drawn)
    return context | {"overtime": overtime, "matching": f"{overtime.total:,}"}


def _page(form: TraceFilters, wanted: TraceFilter, tenants: Tenants) -> Page:
    said = form.cleaned_data
    if said["newer"]:
        return list_newer(wanted, tenants=tenants, than=said["newer"], limit=PAGE_SIZE)
    return list_traces(wanted, tenants=tenants, cursor=said["cursor"], limit=PAGE_SIZE)


def _range(wanted: TraceFilter, oldest: int) -> tuple[int, int]:
    """The range that the chart shows: as asked for, where traces can be."""
    now_ms = clock.now_ms()
    end = now_ms if wanted.to_ms is None else min(wanted.to_ms, now_ms)
    begin = oldest if wanted.from_ms is None else wanted.from_ms
    return min(begin, end), end


def _overtime(
    form: TraceFilters, axis: Timeline, counts: Mapping[str, tuple[int, ...]]
) -> Overtime:
    def narrowed(start_ms: int, end_ms: int) -> str:
        part = {"from": clock.written(start_ms), "to": clock.written(end_ms)}
        return f"?{form.address(**part)}"

    series = [Series(word, fill, counts[status]) for status, word, fill in _SERIES]
    drawn = chart(axis, series, narrowed)
    lines, changes = marks(axis, changes_of(axis))
    total = sum(one.total for one in series)
    return Overtime(drawn, _sentence(drawn, total), lines, changes, total)


def _sentence(drawn: Chart, total: int) -> str:
    """`2,115 traces match, 19.5 % failed. Most at 11:00, with 378.`"""
    match = f"{counted(total, 'trace')} {'matches' if total == 1 else 'match'}"
    failed = sum(one.total for one in drawn.series if one.word == "Failed")
    if 0 < failed < total:
        match += f", {percent(failed, total)} failed"
    if drawn.peak is None or drawn.peak.total < 2:
        return f"{match}."
    return f"{match}. Most at {drawn.peak.label}, with {drawn.peak.total:,}."
