"""Where a cap's window will end, in words."""

from datetime import datetime

from apps.dashboards import clock
from apps.dashboards.figures import counted
from apps.dashboards.objects.cap_words import amount, resets
from apps.ledger.forecast import ENOUGH, TooEarly, before, forecast, key_of
from apps.ledger.spending import Spending
from routerctl.engine.specs import CapSpec


def forecast_words(spec: CapSpec, unit: str, limit: int, window: Spending) -> list[str]:
    """The forecast of `window`, which is of now, a sentence at a time; empty for a total."""
    now = datetime.fromtimestamp(clock.now_ms() / 1000, window.starts_at.tzinfo)
    earlier = before(spec, unit, [window])[key_of(window, spec.per)]
    found = forecast(window, earlier, spec.period, limit, now)
    if found is None:
        return []
    if isinstance(found, TooEarly):
        so_far = counted(found.periods, spec.period) if found.periods else "none"
        return [
            f"No forecast yet: it needs {ENOUGH} {spec.period}s before this one; {so_far} so far."
        ]
    expected = (
        f"{amount(unit, found.expected)} expected by the reset: the rest of the {spec.period}"
        f" as the {found.periods} {spec.period}s before had it, which would be"
        f" {amount(unit, found.least)} to {amount(unit, found.most)}."
    )
    if found.runs_out_at is None or window.taken >= limit:
        return [expected]
    out = resets(found.runs_out_at, spec.time_zone)
    return [expected, f"It then runs out at about {out}."]
