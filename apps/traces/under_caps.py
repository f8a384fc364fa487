"""Which traces a cap counted, and which it turned away: read for the page of one cap.

Both read no more than the newest of them, and give up when that is not quick: no page counts over
everything.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from apps.accounts.tenants import Tenants
from apps.ledger.models import Trace
from apps.traces.bounded import if_quick
from apps.traces.filters import TraceFilter, matching

MOST_COUNTED = 5_000
WITHIN_MS = 1_500
PARTS = ("feature", "tenant", "deployment")
"""By which what was spent is told; the deployment is the one that answered."""


class Part(Struct, frozen=True):
    """What requests with the value `name` took, in the cap's unit. "" is for those without one."""

    name: str
    requests: int
    taken: int


class Spent(Struct, frozen=True):
    """Who took how much, most first, by each of `PARTS`; `partial` when only the newest
    `MOST_COUNTED` requests were read."""

    requests: int
    partial: bool
    parts: Mapping[str, tuple[Part, ...]]


class Turned(Struct, frozen=True):
    """A request to which a cap did something: `did` is `refused` or the action of its notice."""

    trace_id: str
    at: datetime
    did: str
    tenant: str | None
    feature: str | None
    message: str


def spent_in(windows: Collection[int], wanted: TraceFilter, *, tenants: Tenants) -> Spent | None:
    """Who took what of `windows`, of the traces that are `wanted`; None when it takes too long."""
    found = (
        matching(wanted, tenants)
        .filter(windows__overlap=list(windows))
        .order_by("-trace_id")
        .values_list(*PARTS, "windows", "spent")
    )
    rows = if_quick(lambda: list(found[: MOST_COUNTED + 1]), within_ms=WITHIN_MS)
    return None if rows is None else _spent(rows, frozenset(windows))


def _spent(rows: list[tuple[Any, ...]], windows: frozenset[int]) -> Spent:
    requests: dict[str, Counter[str]] = defaultdict(Counter)
    taken: dict[str, Counter[str]] = defaultdict(Counter)
    counted = rows[:MOST_COUNTED]
    for *names, its_windows, its_spent in counted:
        took = sum(
            amount
            for window, amount in zip(its_windows or (), its_spent or (), strict=True)
            if window in windows
        )
        for part, name in zip(PARTS, names, strict=True):
            requests[part][name or ""] += 1
            taken[part][name or ""] += took
    parts = {
        part: tuple(Part(name, requests[part][name], took) for name, took in sums.most_common())
        for part, sums in taken.items()
    }
    return Spent(len(counted), len(rows) > MOST_COUNTED, parts)


def turned_by(cap: str, wanted: TraceFilter, *, tenants: Tenants) -> list[Turned] | None:
    """The newest requests, at most `MOST_COUNTED`, that were refused or lessened with
    `cap_reached` and whose words name `cap`; None when that takes too long."""
    found = matching(msgspec.structs.replace(wanted, cap=cap), tenants).only(
        "trace_id", "started_at", "tenant", "feature", "error_code", "error_message",
        "degraded_action", "degraded_message",
    )  # fmt: skip
    rows = if_quick(lambda: list(found.order_by("-trace_id")[:MOST_COUNTED]), within_ms=WITHIN_MS)
    return None if rows is None else [_turned(row) for row in rows]


def _turned(row: Trace) -> Turned:
    refused = row.error_code == "cap_reached"
    return Turned(
        trace_id=str(row.trace_id),
        at=row.started_at,
        did="refused" if refused else row.degraded_action or "lessened",
        tenant=row.tenant,
        feature=row.feature,
        message=row.error_message if refused else row.degraded_message,
    )
