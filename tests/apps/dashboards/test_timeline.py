from datetime import UTC, datetime

import pytest
from django.utils import timezone

from apps.dashboards.timeline import MOST_PARTS, timeline

HOUR_MS = 3_600_000


def ms(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def clock_of(axis):
    return [datetime.fromtimestamp(at / 1000, UTC).isoformat()[5:16] for at in axis.edges_ms]


def test_a_range_is_cut_on_whole_hours_and_wholly_covered():
    axis = timeline(ms("2026-11-18T00:20"), ms("2026-11-19T14:32"))
    assert axis.unit == "per hour"
    assert clock_of(axis)[0] == "11-18T00:00"
    assert clock_of(axis)[-1] == "11-19T15:00"


@pytest.mark.parametrize("hours", [0, 1, 6, 14, 24, 24 * 7, 24 * 31, 24 * 400, 24 * 365 * 30])
def test_no_range_has_more_parts_than_can_be_seen(hours):
    begin = ms("2026-11-18T10:07")
    axis = timeline(begin, begin + hours * HOUR_MS)
    assert 1 <= len(axis.starts_ms) <= MOST_PARTS
    assert axis.edges_ms[0] <= begin
    assert axis.edges_ms[-1] >= begin + hours * HOUR_MS


def test_days_begin_at_midnight_of_the_pages_zone_also_when_the_clocks_change():
    with timezone.override("Europe/Berlin"):
        axis = timeline(ms("2026-10-01T12:00"), ms("2026-11-05T12:00"))
    assert axis.unit == "per day"
    assert "10-24T22:00" in clock_of(axis)  # 00:00 in summer
    assert "10-25T23:00" in clock_of(axis)  # 00:00 in winter, 25 hours later


def test_a_long_axis_is_labelled_by_its_days():
    axis = timeline(ms("2026-11-12T10:00"), ms("2026-11-18T10:00"))
    assert [label for _, label in axis.ticks()][:2] == ["13 Nov", "14 Nov"]
    assert axis.label(axis.starts_ms[1]) == "12 Nov, 12:00"
