"""How full caps are, as far as somebody may know: their windows of now, and how they are drawn."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.accounts.models import User
from apps.accounts.permissions import tenants_of
from apps.accounts.tenants import Tenants
from apps.dashboards import clock
from apps.dashboards.objects.kind import Cell, Gauge
from apps.ledger.spending import Standing, Wanted, standings
from apps.traces.bounded import if_quick
from routerctl.engine.caps import limit_at, limit_of
from routerctl.engine.specs import CapSpec

_WITHIN_MS = 1_500
_HUNDRED = 100
NOT_YOURS = "It counts other tenants, too"
NO_WINDOW = "It looks at each request alone"
TOO_SLOW = "It has so many windows that looking took too long"


@dataclass(frozen=True, slots=True)
class Fullness:
    """What is known of a cap now; without a `standing`, `why_unknown` says why."""

    spec: CapSpec
    standing: Standing | None
    why_unknown: str = ""

    @property
    def unit(self) -> str:
        return limit_of(self.spec)[0]

    @property
    def limit(self) -> int:
        return limit_at(self.spec, clock.now_ms())[1]


def fullness(specs: Iterable[CapSpec], person: User) -> dict[str, Fullness]:
    """Of each cap by its slug, in one query."""
    tenants = tenants_of(person)
    known: dict[str, Fullness] = {}
    wanted = []
    for spec in specs:
        why = why_hidden(spec, tenants)
        known[spec.slug] = Fullness(spec, None, why or TOO_SLOW)
        if not why:
            own = names_within(spec, tenants)
            wanted.append(Wanted(spec.slug, limit_of(spec)[0], spec.period, spec.time_zone, own))
    found = if_quick(lambda: standings(wanted), within_ms=_WITHIN_MS) if wanted else {}
    for slug, standing in (found or {}).items():
        known[slug] = Fullness(known[slug].spec, standing)
    return known


def why_hidden(spec: CapSpec, tenants: Tenants) -> str:
    """Why there are no windows to show to somebody of `tenants`; empty when there are."""
    if spec.period == "request":
        return NO_WINDOW
    if tenants.every or "tenant" in spec.per or _counts_only(spec, tenants):
        return ""
    return NOT_YOURS


def names_within(spec: CapSpec, tenants: Tenants) -> tuple[str, ...] | None:
    """The tenants whose windows are to be shown, None for all."""
    if tenants.every or _counts_only(spec, tenants):
        return None
    return tuple(tenants.listed())


def _counts_only(spec: CapSpec, tenants: Tenants) -> bool:
    named = spec.scope.get("tenant")
    if named is None:
        return False
    return all(tenants.cover(one) for one in ((named,) if isinstance(named, str) else named))


def state_cell(spec: CapSpec, taken: int) -> Cell:
    """How a window stands of which `taken` is spent or held. Less than a thousandth of money or
    tokens has room for no request, so that counts as the limit."""
    unit, limit = limit_at(spec, clock.now_ms())
    spare = 0 if unit == "requests" else limit // 1000
    if limit - taken <= spare:
        return Cell("At the limit", tone="error", icon="octagon-x")
    passed = [at for at in thresholds(spec) if taken * _HUNDRED >= at * limit]
    if passed:
        return Cell(f"Past {max(passed)} %", tone="warn", icon="triangle-alert")
    return Cell("On track", tone="ok", icon="circle-check")


def thresholds(spec: CapSpec) -> list[int]:
    """The percentages below the limit at which it does something, the lowest first."""
    ats = {int(action["at_percent"]) for action in spec.actions}
    return sorted(at for at in ats if at < _HUNDRED)


def gauge(spec: CapSpec, settled: int, held: int) -> Gauge:
    """Settled and held as shares of the limit, which may have been lowered below them."""
    _, limit = limit_at(spec, clock.now_ms())
    spent = _share(settled, limit)
    both = _share(settled + held, limit)
    first = next(iter(thresholds(spec)), None)
    tone = state_cell(spec, settled + held).tone
    return Gauge(spent, round(both - spent, 2), first, tone, f"{spec.slug}: {both:.0f} percent")


def _share(part: int, limit: int) -> float:
    return min(100.0, round(100 * part / limit, 2)) if limit else 100.0
