"""All that the first page shows, for somebody of a role, of a range."""

from typing import Any

from apps.accounts.models import Role
from apps.accounts.tenants import Tenants
from apps.dashboards import clock
from apps.dashboards.chart import Chart, Series, chart
from apps.dashboards.figures import percent
from apps.dashboards.marks import changes_of, marks
from apps.dashboards.overview.attention import needs_attention
from apps.dashboards.overview.key_figures import key_figures
from apps.dashboards.overview.ranges import Range
from apps.dashboards.overview.tables import deployment_rows, feature_rows
from apps.dashboards.timeline import Timeline, timeline
from apps.traces.bounded import if_quick
from apps.traces.calls import calls_by_deployment
from apps.traces.selectors import oldest_ms
from apps.traces.traffic import Traffic, traffic

_WITHIN_MS = 4000
_ORDER: dict[str, tuple[str, ...]] = {
    Role.SUPPORT: ("find", "attention", "figures", "features", "deployments", "course"),
    Role.FINANCE: ("figures", "features", "deployments", "course", "attention"),
    Role.PRODUCT: ("attention", "features", "figures", "course", "deployments"),
    Role.ENGINEER: ("attention", "deployments", "figures", "course", "features"),
    Role.AUDITOR: ("course", "attention", "figures", "features", "deployments"),
    Role.ADMIN: ("attention", "figures", "course", "features", "deployments"),
}
"""The page's parts by what a role came for. `course` is the chart with the changes beside it."""


def overview_page(role: str, asked: Range, *, tenants: Tenants) -> dict[str, Any]:
    """The template's context."""
    context: dict[str, Any] = {
        "range": asked,
        "parts": [f"overview/parts/{part}.html" for part in _ORDER[role]],
        "findings": needs_attention(role, clock.now_ms(), tenants=tenants),
        "nothing_yet": oldest_ms(tenants=tenants) is None,
    }
    if context["nothing_yet"]:
        return context
    axis = timeline(asked.from_ms, asked.to_ms)
    drawn = if_quick(lambda: _course(role, asked, axis, tenants), within_ms=_WITHIN_MS)
    lines, changes = marks(axis, changes_of(axis))
    return context | {"marks": lines, "changes": changes} | (drawn or {"too_much": True})


def _course(role: str, asked: Range, axis: Timeline, tenants: Tenants) -> dict[str, Any]:
    told = traffic(
        asked.from_ms,
        asked.to_ms,
        axis.starts_ms,
        earlier_by_ms=asked.earlier_by_ms,
        tenants=tenants,
    )
    calls = calls_by_deployment(asked.from_ms, asked.to_ms, tenants=tenants)
    drawn = _chart(axis, told)
    return {
        "told": told,
        "figures": key_figures(told, axis.whole(asked.from_ms, asked.to_ms)),
        "chart": drawn,
        "sentence": _sentence(drawn, told),
        "features": feature_rows(told, asked.query, role),
        "deployments": deployment_rows(calls, role),
    }


def _chart(axis: Timeline, told: Traffic) -> Chart:
    parts = told.parts
    first = tuple(one.requests - one.fallbacks - one.failed - one.blocked for one in parts)
    series = (
        Series("First choice", "fill1", first),
        Series("Fallback", "fill2", tuple(one.fallbacks for one in parts)),
        Series("Failed", "fill3", tuple(one.failed for one in parts)),
        Series("Blocked", "fill7", tuple(one.blocked for one in parts)),
    )

    def listed(start_ms: int, end_ms: int) -> str:
        return f"/traces?from={clock.written(start_ms)}&to={clock.written(end_ms)}"

    return chart(axis, series, listed, lines=4)


def _sentence(drawn: Chart, told: Traffic) -> str:
    """`Most at 11:00, with 3,782. 2.8 % fell back, 0.77 % failed.`"""
    now = told.now
    if drawn.peak is None:
        return "No request in this range."
    return (
        f"Most at {drawn.peak.label}, with {drawn.peak.total:,}."
        f" {percent(now.fallbacks, now.requests)} fell back, "
        f"{percent(now.failed, now.requests)} failed."
    )
