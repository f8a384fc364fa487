"""A cap's page: how full it is now, its windows, who spends it, whom it turned away of late."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from apps.accounts.models import User
from apps.accounts.permissions import tenants_of
from apps.accounts.tenants import Tenants
from apps.dashboards import clock
from apps.dashboards.figures import counted, percent
from apps.dashboards.objects.cap_forecast import forecast_words
from apps.dashboards.objects.cap_windows import (
    Fullness,
    fullness,
    gauge,
    names_within,
    state_cell,
)
from apps.dashboards.objects.cap_words import amount, bare, key_words, resets, steps
from apps.dashboards.objects.kind import Cell, Gauge
from apps.ledger.spending import MOST_WINDOWS, Spending, windows_of
from apps.policies import editing
from apps.policies.difference import changes_between
from apps.policies.editing import Held
from apps.policies.specs import cap_spec
from apps.traces.filters import COLUMNS, TraceFilter
from apps.traces.under_caps import MOST_COUNTED, PARTS, Part, Spent, Turned, spent_in, turned_by
from routerctl.engine.specs import CapSpec

DAY_MS = 24 * 60 * 60 * 1000
MOST_SHOWN = 50
_MOST_PARTS = 8
_MOST_TURNED = 5
_DID = {
    "refused": "refused",
    "cheaper": "answered by a cheaper model",
    "shortened": "sent without their oldest turns",
    "limited": "answered shorter",
}


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A line of the table of windows. A past one has no `state`: its limit may have
    been another."""

    name: str
    settled: str
    held: str
    state: Cell | None
    ends: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The window of now, or the fullest of them, in words; `of` says which it is."""

    of: str
    settled: str
    held: str
    left: str
    limit: str
    used: str
    resets_time: str
    resets_day: str
    gauge: Gauge


def context(held: Held, person: User) -> dict[str, Any]:
    spec, tenants = cap_spec(held.entry), tenants_of(person)
    full = fullness([spec], person)[spec.slug]
    found: dict[str, Any] = {"full": full, "steps": list(steps(spec))}
    if full.standing is not None:
        names = names_within(spec, tenants)
        every = windows_of(spec.slug, unit=full.unit, period=spec.period, tenants=names)
        current = [one for one in every if one.starts_at == full.standing.fullest.starts_at]
        found["badge"] = state_cell(spec, full.standing.fullest.taken)
        found["figures"] = _figures(full)
        found["forecast"] = forecast_words(spec, full.unit, full.limit, full.standing.fullest)
        found["windows"] = [_window(full, one) for one in every[:MOST_SHOWN]]
        found["more_windows"] = len(every) > MOST_SHOWN
        found |= _spending(spec, full, current, tenants)
    return found | _turned(spec, tenants) | _waiting(held)


def _waiting(held: Held) -> dict[str, Any]:
    """The edit that waits for a second person, if one does."""
    asked = next(iter(editing.waiting("caps", [held.slug])), None)
    if asked is None:
        return {}
    return {
        "waiting": asked,
        "waiting_fields": changes_between(held.entry, asked.entry),
        "overtaken": asked.version != held.version,
    }


def _figures(full: Fullness) -> Figures:
    assert full.standing is not None
    one, unit, limit = full.standing.fullest, full.unit, full.limit
    key = key_words(one.key)
    many = f"{counted(full.standing.many, 'window')} open now; the fullest is {key}."
    day, _, at = resets(one.ends_at, full.spec.time_zone).rpartition(", ")
    none = "No window is open yet: one begins with the first request that it counts."
    return Figures(
        of="" if not full.spec.per else many if key else none,
        settled=bare(unit, one.settled),
        held=bare(unit, one.held),
        left=bare(unit, max(0, limit - one.taken)),
        limit=amount(unit, limit),
        used=f"{percent(one.taken, limit)} used" if limit else "nothing may pass",
        resets_time=at.capitalize() if not day else at,
        resets_day=day or "it counts for good",
        gauge=gauge(full.spec, one.settled, one.held),
    )


def _window(full: Fullness, one: Spending) -> WindowRow:
    assert full.standing is not None
    now = one.starts_at == full.standing.fullest.starts_at
    return WindowRow(
        name=key_words(one.key) or "All that it counts",
        settled=bare(full.unit, one.settled),
        held=bare(full.unit, one.held),
        state=state_cell(full.spec, one.taken) if now else None,
        ends=resets(one.ends_at, full.spec.time_zone),
    )


# --------------------------------------------------------------------------- who spends it


@dataclass(frozen=True, slots=True)
class PartRow:
    """One value of a part, and how much of what all took is its."""

    name: str
    requests: int
    taken: str
    share: str


def _spending(
    spec: CapSpec, full: Fullness, current: Sequence[Spending], tenants: Tenants
) -> dict[str, Any]:
    ids = [one.id for one in current if one.id is not None]
    if not ids:
        return {"spent": None}
    since = _since(int(current[0].starts_at.timestamp() * 1000), spec)
    spent = spent_in(ids, since, tenants=tenants)
    return {
        "spent": spent,
        "too_slow": spent is None,
        "most_counted": MOST_COUNTED,
        "parts": list(_parts(spent, full.unit)) if spent else [],
        "windows_counted": len(ids) if len(current) == MOST_WINDOWS else None,
    }


def _parts(spent: Spent, unit: str) -> Iterator[tuple[str, list[PartRow], int]]:
    """Each part with its greatest values, and how many others there are."""
    for part in PARTS:
        every = spent.parts.get(part, ())
        whole = sum(one.taken for one in every)
        yield (
            part,
            [_part(one, unit, whole) for one in every[:_MOST_PARTS]],
            len(every[_MOST_PARTS:]),
        )


def _part(one: Part, unit: str, whole: int) -> PartRow:
    share = percent(one.taken, whole) if whole else ""
    return PartRow(one.name, one.requests, bare(unit, one.taken), share)


def _since(moment_ms: int, spec: CapSpec) -> TraceFilter:
    return msgspec.structs.replace(TraceFilter(from_ms=moment_ms), **_scope(spec))


def _scope(spec: CapSpec) -> dict[str, str]:
    """What the list of traces can be asked for of a cap's scope."""
    return {
        name: value
        for name, value in spec.scope.items()
        if isinstance(value, str) and name in COLUMNS
    }


# --------------------------------------------------------------------------- whom it turned away


def _turned(spec: CapSpec, tenants: Tenants) -> dict[str, Any]:
    """Of the last 24 hours."""
    since = _since(clock.now_ms() - DAY_MS, spec)
    found = turned_by(spec.slug, since, tenants=tenants)
    return {
        "turned": found,
        "turned_newest": (found or ())[:_MOST_TURNED],
        "turned_words": _sums(found or ()),
        "met_query": urlencode({"cap": spec.slug, "from": "now-24h"}),
        "requests_query": _requests(spec),
    }


def _requests(spec: CapSpec) -> str:
    """The query for the requests that it looks at; empty when the list cannot be asked for them."""
    if _scope(spec).keys() != spec.scope.keys():
        return ""
    return urlencode({**_scope(spec), "from": "now-24h"})


def _sums(found: Sequence[Turned]) -> list[str]:
    """`12 refused`, `3 answered by a cheaper model`."""
    sums = Counter(one.did for one in found)
    return [f"{number:,} {_DID.get(did, did)}" for did, number in sums.most_common()]
