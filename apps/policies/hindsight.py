"""What a cap, as it is drafted, would have done to the requests of the last 30 days.

Windows are filled with what each request really cost, in the order in which they came; what would
then have happened is asked of the engine, for one request of each route and deployment: it decides
again under the draft, at the balance which the window then had. So a cheaper answer that the draft
brings about does not make its window last longer here: it would have done so.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection
from msgspec import Struct

from apps.accounts.tenants import Tenants
from apps.policies.assumed import as_if_full
from apps.policies.compiled import current_revision
from apps.traces.bounded import if_quick
from apps.traces.ids import first_id_at
from apps.traces.selectors import find_trace
from apps.traces.values import StoredTrace
from routerctl.engine.caps import PERMILLE, balance_of, compile_caps, key_of, limit_of
from routerctl.engine.classify import classify
from routerctl.engine.decide import decide
from routerctl.engine.revision import Revision
from routerctl.engine.specs import CapSpec
from routerctl.engine.types import Decision, Facts

DAYS = (30, 7, 1)
"""So far back is looked, or less where that takes too long."""
WITHIN_MS = 1_500
MOST_GROUPS = 12
"""Routes with deployments for which the engine is asked, the greatest first."""

_SCOPES = ("feature", "plan", "tenant", "task", "route", "deployment", "key", "app")
_KEYS = ("tenant", "user", "key", "session")
_AMOUNTS = {
    "nano_usd": "t.cost_nano_usd",
    "tokens": "t.input_tokens + t.output_tokens",
    "requests": "1",
}


class Would(Struct, frozen=True):
    """`requests` to which the same would have happened: `did` is moved (another `deployment` would
    have answered), refused, shortened, limited, warned or unknown (nobody asked the engine)."""

    did: str
    requests: int
    deployment: str = ""


class Hindsight(Struct, frozen=True):
    """Of the last `days`: the `requests` that the cap would have counted and what they took, in
    its unit; how many of its `windows` there were and how many would have been `full`, and what
    would have been different."""

    days: int
    requests: int
    taken: int
    unit: str
    windows: int
    full: int
    would: tuple[Would, ...]


def hindsight(spec: CapSpec, *, tenants: Tenants, now: datetime | None = None) -> Hindsight | None:
    """What `spec` would have done to the requests of `tenants`; None when even a day of them
    cannot be read in time."""
    now = now or datetime.now(UTC)
    for days in DAYS:
        asked = partial(_groups, spec, tenants, now, days)
        groups = if_quick(asked, within_ms=WITHIN_MS)
        if groups is not None:
            return _told(spec, days, groups)
    return None


# --------------------------------------------------------------------------- how full it would be


class _Group(Struct, frozen=True):
    """Requests alike: `at_permille` is the greatest threshold that their window had passed, 1000
    when they would not have fitted. `sample` is the newest of them."""

    at_permille: int
    route: str | None
    deployment: str | None
    requests: int
    taken: int
    sample: str
    windows: int
    full: int


_SQL = """
WITH counted AS (
    SELECT t.trace_id, t.route, t.deployment, {window} AS w, {key} AS k, {amount} AS amount
    FROM ledger_trace t
    WHERE t.trace_id >= %(first)s AND t.trace_id < %(last)s AND t.deployment IS NOT NULL {scope}
), filled AS (
    SELECT c.*, sum(c.amount) OVER (PARTITION BY c.w, c.k ORDER BY c.trace_id) - c.amount AS before
    FROM counted c
), told AS (
    SELECT f.*, CASE
        WHEN f.before + f.amount > %(limit)s THEN 1000
        ELSE coalesce((
            SELECT max(a) FROM unnest(%(thresholds)s::bigint[]) AS a
            WHERE f.before * 1000 >= a * %(limit)s), 0)
    END AS at FROM filled f
), periods AS (
    SELECT count(*) AS windows, count(*) FILTER (WHERE taken > %(limit)s) AS full
    FROM (SELECT sum(amount) AS taken FROM counted GROUP BY w, k) AS one
)
SELECT told.at, told.route, told.deployment, count(*), sum(told.amount), max(told.trace_id::text),
    max(p.windows), max(p.full)
FROM told, periods p GROUP BY 1, 2, 3 ORDER BY 4 DESC
"""


def _groups(spec: CapSpec, tenants: Tenants, now: datetime, days: int) -> list[_Group]:
    unit, limit = limit_of(spec)
    values: dict[str, Any] = {
        "first": first_id_at(_ms(now - timedelta(days=days))),
        "last": first_id_at(_ms(now)),
        "limit": limit,
        "zone": spec.time_zone,
        "period": spec.period,
        "thresholds": _thresholds(spec),
    }
    sql = _SQL.format(
        window=_window(spec),
        key=f"ARRAY[{', '.join(_keys(spec, values))}]::text[]",
        amount=_AMOUNTS[unit],
        scope=_scope(spec, tenants, values),
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [_Group(*map(_plain, row)) for row in cursor.fetchall()]


def _plain(value: Any) -> Any:
    """Sums of bigint come as decimals."""
    return value if value is None or isinstance(value, str) else int(value)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _thresholds(spec: CapSpec) -> list[int]:
    return [int(action["at_percent"]) * 10 for action in spec.actions]


def _window(spec: CapSpec) -> str:
    if spec.period == "request":
        return "t.trace_id::text"
    if spec.period == "total":
        return "''"
    return "date_trunc(%(period)s, t.started_at AT TIME ZONE %(zone)s)::text"


def _keys(spec: CapSpec, values: dict[str, Any]) -> Iterator[str]:
    """What tells windows apart; a request without a value shares the window of those without."""
    for number, per in enumerate(spec.per):
        if per in _KEYS:
            yield f"coalesce(t.\"{per}\", '')"
        else:
            values[f"per{number}"] = per.removeprefix("metadata.")
            yield f"coalesce(t.head->'request'->'metadata'->>%(per{number})s, '')"


def _scope(spec: CapSpec, tenants: Tenants, values: dict[str, Any]) -> str:
    said = []
    for name, value in spec.scope.items():
        assert name in _SCOPES
        values[f"scope_{name}"] = [value] if isinstance(value, str) else list(value)
        said.append(f'AND t."{name}" = ANY (%(scope_{name})s)')
    if not tenants.every:
        values["tenants"] = list(tenants.names)
        said.append("AND t.tenant = ANY (%(tenants)s)")
    if spec.missing == "skip":
        said += [f"AND {one} <> ''" for one in _keys(spec, values)]
    return " ".join(said)


# --------------------------------------------------------------------------- what would have been


def _told(spec: CapSpec, days: int, groups: list[_Group]) -> Hindsight:
    unit, _ = limit_of(spec)
    would: Counter[tuple[str, str]] = Counter()
    drafts = _Drafts(spec)
    for place, group in enumerate(one for one in groups if one.at_permille):
        for did in drafts.happened(group) if place < MOST_GROUPS else [("unknown", "")]:
            would[did] += group.requests
    return Hindsight(
        days=days,
        requests=sum(group.requests for group in groups),
        taken=sum(group.taken for group in groups),
        unit=unit,
        windows=groups[0].windows if groups else 0,
        full=groups[0].full if groups else 0,
        would=tuple(Would(did, n, deployment) for (did, deployment), n in would.most_common()),
    )


class _Drafts:
    """The revision in force without caps, and with the draft as the only one: as it is, and as if
    it were full."""

    def __init__(self, spec: CapSpec) -> None:
        self._without, self._filling, self._full = (
            dataclasses.replace(current_revision(), caps=compile_caps(caps))
            for caps in ([], [spec], [as_if_full(spec)])
        )

    def happened(self, group: _Group) -> Iterator[tuple[str, str]]:
        """What the engine would have done to a request of `group`; nothing when the same."""
        stored = find_trace(group.sample, tenants=_EVERY)
        before = self._decided(stored, self._without, 0) if stored else None
        if stored is None or before is None or not before.steps:
            yield "unknown", ""
            return
        full = group.at_permille == PERMILLE
        after = self._decided(stored, self._full if full else self._filling, group.at_permille)
        if not after.steps:
            yield "refused", ""
        elif after.steps[0].deployment != before.steps[0].deployment:
            yield "moved", after.steps[0].deployment
        yield from ((one.action, "") for one in after.lessened if one.action != "cheaper")
        if any("warn" in use.did for use in after.caps):
            yield "warned", ""

    def _decided(self, stored: StoredTrace, revision: Revision, permille: int) -> Decision:
        head = stored.head
        case = classify(head.request, head.reading, revision, head.started_at_ms)
        balances = {
            balance_of(cap.slug, key_of(cap, case) or ()): permille
            for cap in revision.caps.named.values()
        }
        facts = Facts(head.started_at_ms, {}, balances)
        return decide(head.request, head.reading, revision, facts)


_EVERY = Tenants.of(["*"])
"""A sample is of a group that may be seen."""
