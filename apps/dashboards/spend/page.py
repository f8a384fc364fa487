"""The page's context: totals, a chart over time, a row for each value of what it is by."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from apps.accounts.tenants import Tenants
from apps.dashboards import clock
from apps.dashboards.chart import Chart, Series, chart
from apps.dashboards.figures import dollars, percent
from apps.dashboards.overview.ranges import Range
from apps.dashboards.timeline import Timeline, timeline
from apps.traces.bounded import if_quick
from apps.traces.filters import CALLED, COLUMNS
from apps.traces.spend import OF_CALLS, Spend, Spending, spending

WITHIN_MS = 4_000
MOST_ROWS = 200

WORDS = {
    "feature": "Feature",
    "task": "Task",
    "plan": "Plan",
    "tenant": "Tenant",
    "app": "App",
    "app_version": "App version",
    "route": "Route",
    "key": "Key",
    "deployment": "Deployment",
    "provider": "Provider",
    "model": "Model",
}


@dataclass(frozen=True, slots=True)
class Row:
    """`href` leads to its requests, empty where the list cannot be asked for them."""

    name: str
    href: str
    spend: Spend
    share: str
    cost: str
    wasted: str
    each: str
    before: str
    change: str


def found(asked: Range, by: str, tenants: Tenants) -> tuple[Timeline, Spending | None]:
    """What was spent; None where adding it up takes too long."""
    axis = timeline(asked.from_ms, asked.to_ms)

    def add_up() -> Spending:
        return spending(
            asked.from_ms,
            asked.to_ms,
            axis.starts_ms,
            by=by,
            earlier_by_ms=asked.earlier_by_ms,
            tenants=tenants,
        )

    return axis, if_quick(add_up, within_ms=WITHIN_MS)


def spend_page(asked: Range, by: str, *, tenants: Tenants) -> dict[str, Any]:
    """The template's context."""
    axis, told = found(asked, by, tenants)
    context: dict[str, Any] = {"range": asked, "by": by, "word": WORDS[by], "words": WORDS}
    if told is None:
        return context | {"too_much": True}
    rows = [_row(one, told, asked) for one in told.rows[:MOST_ROWS]]
    return context | {
        "told": told,
        "rows": rows,
        "more": max(0, len(told.rows) - MOST_ROWS),
        "whole": _row(told.whole, told, asked),
        "chart": _chart(axis, told),
        "sentence": _sentence(told, asked),
        "calls": by in OF_CALLS,
    }


def _row(one: Spend, told: Spending, asked: Range) -> Row:
    whole = told.whole
    each = one.for_each_answer
    return Row(
        name=one.name or "(none)",
        href=_requests(told.by, one.name, asked),
        spend=one,
        share=percent(one.cost_nano_usd, whole.cost_nano_usd) if whole.cost_nano_usd else "",
        cost=dollars(one.cost_nano_usd),
        wasted=dollars(one.wasted_nano_usd) if one.wasted_nano_usd else "",
        each="" if each is None else _small(each),
        before=dollars(one.before_nano_usd),
        change=_change(one.cost_nano_usd, one.before_nano_usd),
    )


def _small(nano_usd: int) -> str:
    """An amount of which cents say too little: `$0.00042`."""
    if nano_usd >= 1_000_000_000:
        return dollars(nano_usd)
    if 0 < nano_usd < 10_000:
        return "<$0.00001"
    return f"${nano_usd / 1e9:.5f}" if nano_usd else "$0"


def _change(now: int, before: int) -> str:
    """`+12 %`, `-3 %`; empty where there is nothing to compare with."""
    return f"{(now - before) / before:+.0%}".replace("%", " %") if before else ""


def _requests(by: str, name: str, asked: Range) -> str:
    if not name or by not in (*COLUMNS, *CALLED):
        return ""
    return f"{reverse('traces')}?{urlencode({by: name})}&{asked.query}"


def _chart(axis: Timeline, told: Spending) -> Chart:
    series = [
        Series(_name(name), "fill7" if name is None else f"hue{place}", costs)
        for place, (name, costs) in enumerate(told.parts.items(), start=1)
    ]

    def narrowed(start_ms: int, end_ms: int) -> str:
        said = {"by": told.by, "from": clock.written(start_ms), "to": clock.written(end_ms)}
        return f"{reverse('spend')}?{urlencode(said)}"

    return chart(axis, series or [Series("Nothing", "fill1", (0,) * len(axis.starts_ms))], narrowed,
                 lines=4, says=dollars)  # fmt: skip


def _name(name: str | None) -> str:
    return "All others" if name is None else name or "(none)"


def _sentence(told: Spending, asked: Range) -> str:
    """`$156.84, +4 % on the 7 days before; $3.20 of it brought no answer.`"""
    whole = told.whole
    change = _change(whole.cost_nano_usd, whole.before_nano_usd)
    compared = f", {change} {asked.compared}" if change else ""
    waste = f"; {dollars(whole.wasted_nano_usd)} of it brought no answer" * bool(
        whole.wasted_nano_usd
    )
    return f"{dollars(whole.cost_nano_usd)}{compared}{waste}."


CSV_NAMES = (
    "requests", "answered", "cost_nano_usd", "wasted_nano_usd", "nano_usd_for_each_answer",
    "input_tokens", "cached_input_tokens", "output_tokens", "before_nano_usd",
)  # fmt: skip


def csv_rows(told: Spending) -> Iterator[tuple[str | int | None, ...]]:
    """The head, then every row; the last is their sum."""
    yield told.by, *CSV_NAMES
    for one in told.rows:
        yield one.name, *_cells(one)
    yield "(all)", *_cells(told.whole)


def _cells(one: Spend) -> tuple[int | None, ...]:
    return (
        *(one.requests, one.answered, one.cost_nano_usd, one.wasted_nano_usd),
        *(one.for_each_answer, one.input_tokens, one.cached_input_tokens),
        *(one.output_tokens, one.before_nano_usd),
    )
