"""Traffic by feature and by deployment, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from apps.accounts.models import Role
from apps.traces.calls import Calls
from apps.traces.traffic import Sums, Traffic

_MOST_ROWS = 12


@dataclass(frozen=True, slots=True)
class Row:
    """A feature; `query` lists its traces, and is empty for what has none of its own."""

    name: str
    sums: Sums
    query: str = ""


def feature_rows(told: Traffic, range_query: str, role: str) -> list[Row]:
    """The features of the range, what `role` looks for first; the smallest are one row."""
    order = {Role.FINANCE: _by_cost, Role.SUPPORT: _by_failures}.get(Role(role), _by_requests)
    rows = [
        Row(name, sums, f"{range_query}&{urlencode({'feature': name})}")
        if name is not None
        else Row("Without a feature", sums)
        for name, sums in told.features.items()
    ]
    rows.sort(key=lambda row: (order(row.sums), row.sums.requests), reverse=True)
    if len(rows) <= _MOST_ROWS:
        return rows
    rest = rows[_MOST_ROWS - 1 :]
    return [*rows[: _MOST_ROWS - 1], Row(f"{len(rest)} others", _together([r.sums for r in rest]))]


def deployment_rows(calls: Sequence[Calls], role: str) -> list[Calls]:
    """The deployments that were called, what `role` looks for first."""
    if role == Role.FINANCE:
        return sorted(calls, key=lambda one: one.cost_nano_usd, reverse=True)
    if role == Role.ENGINEER:
        return sorted(calls, key=lambda one: one.failed, reverse=True)
    return list(calls)


def _by_cost(sums: Sums) -> int:
    return sums.cost_nano_usd


def _by_failures(sums: Sums) -> int:
    return sums.failed


def _by_requests(sums: Sums) -> int:
    return sums.requests


def _together(every: Sequence[Sums]) -> Sums:
    """A percentile of several is not known from theirs."""
    return Sums(
        requests=sum(one.requests for one in every),
        failed=sum(one.failed for one in every),
        blocked=sum(one.blocked for one in every),
        fallbacks=sum(one.fallbacks for one in every),
        cost_nano_usd=sum(one.cost_nano_usd for one in every),
    )
