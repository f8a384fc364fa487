"""Where a window will end: what is taken of it so far, and for the rest of it what the windows
before it took in as much time. Nothing is fitted, so that finance can check it with a pencil.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from apps.ledger.models import CapWindow
from apps.ledger.spending import Spending
from apps.ledger.windows import key_hash
from routerctl.engine.specs import CapSpec

LOOKS_BACK = 7
"""So many periods before the window count; one in which nothing was taken counts as nothing."""
ENOUGH = 3
"""With fewer there is no forecast."""

_PERIOD = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30.44),
}


class Forecast(Struct, frozen=True):
    """`expected` is what will be taken by the end of a window, in the cap's unit, by the average of
    `periods` before it; `least` and `most` by the slowest and the quickest of them. `runs_out_at`
    is when the limit is reached if it goes on as expected; None: not in this window."""

    expected: int
    least: int
    most: int
    periods: int
    runs_out_at: datetime | None


class TooEarly(Struct, frozen=True):
    """There is no forecast yet: only so many `periods` went before."""

    periods: int


def key_of(window: Spending, per: Sequence[str]) -> str:
    """What tells a window from others of its cap, which is `per` these."""
    return key_hash([window.key.get(name, "") for name in per])


def before(cap: CapSpec, unit: str, windows: Collection[Spending]) -> dict[str, list[Spending]]:
    """What went before `windows`, which are of now, by `key_of`; the newest first. One query."""
    found: dict[str, list[Spending]] = {key_of(window, cap.per): [] for window in windows}
    if cap.period not in _PERIOD or not windows:
        return found
    now = min(window.starts_at for window in windows)
    rows = CapWindow.objects.filter(
        cap=cap.slug, unit=unit, period=cap.period, key_hash__in=list(found),
        starts_at__gte=now - (LOOKS_BACK + 0.5) * _PERIOD[cap.period], starts_at__lt=now,
    )  # fmt: skip
    for row in rows.order_by("-starts_at"):
        found[row.key_hash].append(
            Spending(row.key, row.starts_at, row.ends_at, row.settled, row.held, row.id)
        )
    return found


def forecast(
    window: Spending, earlier: Sequence[Spending], period: str, limit: int, now: datetime
) -> Forecast | TooEarly | None:
    """Of an open `window` whose predecessors are `earlier`, the newest first. None where there is
    nothing to forecast: a total never ends."""
    if window.ends_at is None or period not in _PERIOD:
        return None
    periods = round((window.starts_at - earlier[-1].starts_at) / _PERIOD[period]) if earlier else 0
    if periods < ENOUGH:
        return TooEarly(periods)
    left = max(timedelta(0), window.ends_at - now)
    rest = [_in_as_much_time(one, left) for one in earlier]
    rest += [0] * (periods - len(rest))
    more = sum(rest) // len(rest)
    room = limit - window.taken
    runs_out_at = None
    if room <= 0:
        runs_out_at = now
    elif more > room:
        runs_out_at = now + left * (room / more)
    return Forecast(
        expected=window.taken + more,
        least=window.taken + min(rest),
        most=window.taken + max(rest),
        periods=periods,
        runs_out_at=runs_out_at,
    )


def _in_as_much_time(window: Spending, left: timedelta) -> int:
    """What a window that is over took in so long, on average."""
    assert window.ends_at is not None
    second = timedelta(seconds=1)
    return window.taken * (left // second) // ((window.ends_at - window.starts_at) // second)
