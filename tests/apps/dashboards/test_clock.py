from datetime import UTC, datetime

import pytest
from django.template import Context, Template
from django.utils import timezone

from apps.dashboards import clock


def ms(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOW = ms("2026-11-18T13:32:00")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-11-18T13:31:30", "just now"),
        ("2026-11-18T13:31:00", "1 minute ago"),
        ("2026-11-18T13:18:00", "14 minutes ago"),
        ("2026-11-18T11:00:00", "2 hours ago"),
        ("2026-11-15T13:00:00", "3 days ago"),
        ("2026-11-18T13:40:00", "just now"),
    ],
)
def test_how_long_ago_is_told_in_one_unit(moment, text):
    assert clock.ago(ms(moment), NOW) == text


def test_a_row_of_today_needs_no_day_and_others_do():
    assert clock.of_day(ms("2026-11-18T00:00:01"), NOW) == "00:00:01"
    assert clock.of_day(ms("2026-11-17T23:59:59"), NOW) == "17 Nov 23:59:59"
    assert clock.of_day(ms("2025-11-17T23:59:59"), NOW) == "17 Nov 2025"


def test_a_moment_is_shown_in_the_reporting_zone_and_copied_in_utc():
    page = Template('{% load figures %}{% moment at "full" %}')
    with timezone.override("Europe/Berlin"):
        shown = page.render(Context({"at": ms("2026-11-18T13:17:53")}))
    iso = "2026-11-18T13:17:53.000Z"
    assert shown == f'<time datetime="{iso}" title="{iso}">14:17:53 CET, Wed 18 Nov 2026</time>'


def test_the_zone_of_the_page_is_named():
    assert clock.zone() == "UTC"
