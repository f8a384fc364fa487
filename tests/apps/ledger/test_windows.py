"""Periods of caps: they begin and end at local midnight, through both nights when clocks change."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.ledger.records import Claim, Hold
from apps.ledger.windows import Windows
from routerctl.engine.caps import CapIndex, compile_caps
from routerctl.engine.errors import RouterError
from routerctl.engine.specs import CapSpec
from tests.apps.ledger import made
from tests.apps.ledger.conftest import MakeLedger
from tests.apps.ledger.stored import Stored

NIGHTS = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "America/Havana": ("2026-03-08", "2026-11-01"),  # clocks change at midnight itself
    "Asia/Beirut": ("2026-03-29", "2026-10-25"),  # at midnight too
    "Australia/Sydney": ("2026-10-04", "2026-04-05"),
    "Asia/Kathmandu": ("2026-03-29", "2026-10-25"),  # never; three quarters of an hour off
    "UTC": ("2026-03-29", "2026-10-25"),
}
CASES = [(zone, night) for zone, nights in NIGHTS.items() for night in nights]


def period(stored: Stored, name: str, zone: str, at: datetime) -> tuple[datetime, datetime]:
    [row] = stored.all("SELECT * FROM ledger_period(%s, %s, %s)", name, zone, at)
    return row["starts_at"], row["ends_at"]


def midnight(day: str, zone: str, later: int = 0) -> datetime:
    """The first moment of a day, as clocks in `zone` show it."""
    local = datetime.fromisoformat(day) + timedelta(days=later)
    return local.replace(tzinfo=ZoneInfo(zone), fold=0)


@pytest.mark.parametrize(("zone", "night"), CASES)
def test_a_day_is_the_day_of_its_zone_on_both_nights_when_clocks_change(
    stored: Stored, zone: str, night: str
) -> None:
    starts, ends = midnight(night, zone), midnight(night, zone, later=1)
    for at in (starts, starts + timedelta(minutes=90), ends - timedelta(seconds=1)):
        found_start, found_end = period(stored, "day", zone, at)
        assert found_start.timestamp() == starts.timestamp()
        assert found_end.timestamp() == ends.timestamp()
    after, _ = period(stored, "day", zone, ends)
    assert after.timestamp() == ends.timestamp()


@pytest.mark.parametrize(("zone", "night"), CASES)
def test_hours_follow_each_other_without_gap_on_those_nights(
    stored: Stored, zone: str, night: str
) -> None:
    at = midnight(night, zone) - timedelta(hours=3)
    starts, ends = period(stored, "hour", zone, at)
    for _ in range(8):
        assert ends - starts == timedelta(hours=1)
        following, following_end = period(stored, "hour", zone, ends)
        assert following == ends
        starts, ends = following, following_end


def test_weeks_begin_on_monday_and_months_on_the_first(stored: Stored) -> None:
    at = datetime.fromisoformat("2026-11-25T12:00:00+00:00")
    week, month = period(stored, "week", "UTC", at), period(stored, "month", "UTC", at)
    assert [f"{moment:%m-%d}" for moment in (*week, *month)] == ["11-23", "11-30", "11-01", "12-01"]


def test_a_total_never_ends(stored: Stored) -> None:
    _, ends = period(stored, "total", "UTC", datetime.fromisoformat("2026-11-25T12:00:00+00:00"))
    assert ends is None


# --------------------------------------------------------------------------- of one process


def cap(slug: str = "daily", **facts: Any) -> CapIndex:
    usual: dict[str, Any] = {"limit_requests": 2}
    return compile_caps([CapSpec(slug, **usual | facts)])


@pytest.fixture
def windows(dsn: str, stored: Stored) -> Windows:
    return Windows(dsn, lambda: {"daily": 2})


async def test_a_window_is_opened_once_for_all_who_ask(windows: Windows, stored: Stored) -> None:
    caps = [cap().named["daily"]]
    found = await asyncio.gather(*(windows.find(caps, [()]) for _ in range(50)))
    assert len({tuple(ids) for ids in found}) == 1
    assert len(stored.all("SELECT id FROM ledger_capwindow")) == 1
    windows.close()


async def test_each_key_has_its_own(windows: Windows, stored: Stored) -> None:
    caps = [cap(per=("tenant",)).named["daily"]]
    ids = {(await windows.find(caps, [(tenant,)]))[0] for tenant in ("one", "other", "one")}
    assert len(ids) == 2
    keys = stored.all("SELECT key FROM ledger_capwindow ORDER BY id")
    assert [row["key"] for row in keys] == [{"tenant": "one"}, {"tenant": "other"}]
    windows.close()


async def test_a_window_that_ended_is_not_used_again(windows: Windows, stored: Stored) -> None:
    caps = [cap().named["daily"]]
    [first] = await windows.find(caps, [()])
    window = windows.of(first)
    assert window is not None
    window.ends_s = 0.0
    stored.do("UPDATE ledger_capwindow SET starts_at = starts_at - interval '1 day'")
    [second] = await windows.find(caps, [()])
    assert second != first
    windows.close()


async def test_a_ledger_fills_windows_up_and_tells_who_finds_no_room(
    make_ledger: MakeLedger, stored: Stored
) -> None:
    ledger = await make_ledger()
    stored.do(
        "INSERT INTO policies_cap (slug, position, scope, per, missing, period, time_zone, mode,"
        " actions, limit_requests) VALUES ('daily', 1, '{}', '[]', 'share', 'day', 'UTC',"
        " 'closed', '[]', 2)"
    )
    [window] = await ledger.windows([cap().named["daily"]], [()])

    def hold(*claims: Claim) -> Hold:
        usual = made.hold(made.head())
        return Hold(trace_id=usual.trace_id, n=1, claims=claims, head=usual.head)

    counted, free = Claim(10, (window,), (1,)), Claim(0)
    assert (await ledger.reserve(hold(counted, free))).claim == 0
    assert (await ledger.reserve(hold(counted))).claim == 0
    later = await ledger.reserve(hold(counted, free))
    assert (later.claim, later.full) == (1, window)
    with pytest.raises(RouterError) as refused:
        await ledger.reserve(hold(counted))
    assert refused.value.code == "cap_reached"
    assert refused.value.details == {"window": window, "room": 0}
