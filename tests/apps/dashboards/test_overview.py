"""The first page: what needs attention, the figures, and what each role sees first."""

import re
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.audit import dated
from apps.accounts.models import Role
from apps.dashboards.overview.key_figures import spark
from apps.policies.apply import apply
from apps.policies.models import Revision, Route
from routerctl.engine.types import RoutingRequest
from tests.apps.traces.stored import attempt, decision, keep, stored
from tests.browser.gallery import at
from tests.walk.world import POLICY

MINUTE_MS = 60_000
TEN_MINUTES = timedelta(minutes=10)


def asked(minutes_ago, feature="support-chat", tenant="acme", **facts):
    now_ms = time.time_ns() // 1_000_000
    request = RoutingRequest(tenant=tenant, feature=feature)
    moment = now_ms - int(minutes_ago * MINUTE_MS)
    return at(stored(*facts.pop("attempts", ()), request=request, **facts), moment)


def shown(client, query=""):
    answer = client.get(f"/{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def attention(page):
    return re.search(r'aria-labelledby="attention">(.*?)</section>', page, re.DOTALL)[1]


@pytest.fixture
def viewer(client, person):
    client.force_login(person("admin"))
    return client


@pytest.fixture
def policy(db):
    apply(POLICY.read_bytes(), reason="for a test")
    return Revision.objects.get().hash


# ------------------------------------------------------------------------- attention


def test_a_deployment_that_fails_now_is_named_with_its_number_and_since_when(viewer, db):
    bad = [attempt(deployment="gemini/fast", error_class="stalled")]
    keep(*(asked(10 - n, attempts=bad) for n in range(3)))
    keep(asked(2, attempts=[attempt(deployment="gemini/fast")]))
    said = attention(shown(viewer))
    assert "gemini/fast is failing." in said
    assert "3 of 4 calls failed in the last 15 minutes, most of them as “stalled”." in said
    assert "10 minutes ago" in said
    assert 'href="/traces?deployment=gemini%2Ffast&amp;from=now-15m"' in said


def test_one_bad_call_among_many_is_not_worth_attention(viewer, db):
    keep(asked(1, attempts=[attempt(deployment="gemini/fast", error_class="stalled")]))
    keep(*(asked(2 + n / 10, attempts=[attempt()]) for n in range(40)))
    assert "gemini/fast" not in attention(shown(viewer))


def test_failures_of_long_ago_are_not_news(viewer, db):
    bad = [attempt(deployment="gemini/fast", error_class="stalled")]
    keep(*(asked(16 + n, attempts=bad) for n in range(5)))
    assert "gemini/fast" not in attention(shown(viewer))


def test_a_feature_that_fails_more_than_at_this_hour_of_the_days_before_is_named(viewer, db):
    keep(*(asked(5 + n, error_code="provider_error") for n in range(5)))
    keep(*(asked(20 + n) for n in range(15)))
    keep(*(asked(20 + n + 24 * 60) for n in range(20)))
    said = attention(shown(viewer))
    assert "support-chat fails more than usual." in said
    assert "5 of 20 requests in the last hour, 25.0 %; 0.0 % at this hour of the 7 days" in said
    assert 'href="/traces?feature=support-chat&amp;status=failed&amp;from=now-1h"' in said


def test_a_feature_that_always_fails_so_much_is_no_news(viewer, db):
    for days in (0, 1, 2):
        keep(*(asked(5 + n + days * 24 * 60, error_code="provider_error") for n in range(5)))
        keep(*(asked(20 + n + days * 24 * 60) for n in range(15)))
    assert "more than usual" not in attention(shown(viewer))


def test_a_feature_that_falls_back_more_than_usual_is_named(viewer, db):
    fell = {"status": "degraded", "degraded_action": "fallback"}
    keep(*(asked(5 + n, **fell) for n in range(5)))
    keep(*(asked(20 + n) for n in range(15)))
    said = attention(shown(viewer))
    assert "support-chat falls back more than usual." in said
    assert "degraded_action=fallback" in said


def test_a_route_that_is_off_is_named_with_who_said_why(viewer, policy):
    text = POLICY.read_text()
    line = next(line for line in text.splitlines() if "slug: refunds" in line)
    off = line.replace("{slug: refunds", "{slug: refunds, enabled: false")
    apply(text.replace(line, off).encode(), reason="Refunds went to the wrong model")
    assert not Route.objects.get(slug="refunds").enabled
    said = attention(shown(viewer))
    assert "The route refunds is switched off." in said
    assert "The reason given: Refunds went to the wrong model" in said
    assert "just now" in said


def test_a_deployment_without_a_price_is_named(viewer, policy):
    assert "has no price" not in attention(shown(viewer))
    text = re.sub(
        r"\n    prices: \[\{from: 2024-01-01, input_usd_per_mtok: \"3.00\"[^\n]*",
        "",
        POLICY.read_text(),
    )
    apply(text.encode(), reason="for a test")
    assert "anthropic/strong has no price." in attention(shown(viewer))


def test_a_secret_that_is_missing_or_refused_is_named_and_never_shown(viewer, policy, monkeypatch):
    monkeypatch.delenv("CANARY_PROVIDER_SECRET", raising=False)
    said = attention(shown(viewer))
    assert "The secret of openai cannot be used." in said
    assert "CANARY_PROVIDER_SECRET is not set in the environment." in said
    assert "anthropic has no secret." in said
    monkeypatch.setenv("CANARY_PROVIDER_SECRET", "sk-very-secret-indeed")
    page = shown(viewer)
    assert "The secret of openai" not in page
    assert "sk-very" not in page


def test_a_process_with_an_older_revision_is_told_by_its_traffic(viewer, db):
    with dated(timezone.now() - TEN_MINUTES):
        apply(POLICY.read_bytes(), reason="for a test")
    newest = Revision.objects.get()
    keep(asked(2, decided=decision(revision=newest.hash)))
    assert "older revision" not in attention(shown(viewer))
    keep(asked(3, decided=decision(revision="c0ffee")))
    said = attention(shown(viewer))
    assert f"A process still decides by an older revision than {newest.pk}." in said
    assert "1 request in the last 15 minutes" in said


def test_a_new_installation_is_told_what_to_do(viewer, db):
    page = shown(viewer)
    assert "No configuration is in force." in attention(page)
    assert "No traffic yet" in page
    assert "curl http://testserver/v1/generate" in page


def test_a_quiet_day_says_so(viewer, db, policy, monkeypatch):
    monkeypatch.setenv("CANARY_PROVIDER_SECRET", "sk-very-secret-indeed")
    set_secret_of_anthropic()
    policy = Revision.objects.first().hash
    keep(asked(1, decided=decision(revision=policy), attempts=[attempt()]))
    assert "Nothing needs you now." in attention(shown(viewer))


def set_secret_of_anthropic():
    text = POLICY.read_text().replace(
        "base_url: https://anthropic.example",
        "base_url: https://anthropic.example\n    secret: env:CANARY_PROVIDER_SECRET",
    )
    apply(text.encode(), reason="for a test")


# ------------------------------------------------------------------------- figures


def figures(page):
    panel = re.search(r'aria-label="Key figures[^"]*">(.*?)</section>', page, re.DOTALL)[1]
    found = re.findall(r"<dt>(.*?)</dt> <dd>(.*?)</dd>", panel)
    return {title: re.sub("<.*?>", "", value).strip() for title, value in found}


def test_the_figures_are_those_of_the_range(viewer, db):
    keep(
        asked(5, latency_ms=100, cost_nano_usd=1_500_000_000),
        asked(6, latency_ms=2500, error_code="provider_error", cost_nano_usd=0),
        asked(90, cost_nano_usd=9_000_000_000),
    )
    found = figures(shown(viewer, "?from=now-1h"))
    latency = found.pop("Latency p95")
    assert re.sub(" +", " ", str(found)) == str(
        {
            "Requests": "2",
            "Failed": "50.0 %",
            "Fallbacks": "0.0 %",
            "Spend": "$1.50 est.",
        }
    )
    # Told from a histogram, to five percent.
    assert float(latency.removesuffix(" s")) == pytest.approx(2.5, rel=0.05)


def test_a_range_without_requests_has_dashes_and_no_noughts(viewer, db):
    keep(asked(3 * 24 * 60))
    page = shown(viewer, "?from=now-1h")
    found = figures(page)
    assert found["Requests"] == "0"
    assert "No request in this range" in found["Failed"]
    assert "0" not in found["Latency p95"]


def test_figures_are_compared_with_the_same_hours_of_the_day_before(viewer, db):
    keep(*(asked(5 + n) for n in range(3)))
    keep(*(asked(5 + n + 24 * 60) for n in range(2)))
    page = shown(viewer, "?from=now-1h")
    assert "50.0 %</span> on the day before" in page


def test_the_parts_of_the_chart_and_the_features_add_up_to_the_requests(viewer, db):
    keep(*(asked(n * 3 + 1, feature=f"f{n % 4}") for n in range(15)))
    page = shown(viewer, "?from=now-1h")
    table = re.search(r'<details class="as-table">(.*?)</details>', page, re.DOTALL)[1]
    parts = re.findall(r'<td class="n">(\d+)</td> </tr>', table)
    assert sum(map(int, parts)) == 15
    features = re.search(r'aria-labelledby="features">(.*?)</section>', page, re.DOTALL)[1]
    rows = re.findall(r'</th> <td class="n">(\d+)</td>', features)
    assert sum(map(int, rows[:-1])) == int(rows[-1]) == 15


def test_drilling_down_keeps_the_range(viewer, db):
    keep(asked(5), asked(6, error_code="provider_error"))
    page = shown(viewer, "?from=now-6h")
    assert 'href="/traces?from=now-6h&amp;feature=support-chat"' in page
    assert 'href="/traces?from=now-6h&amp;feature=support-chat&amp;status=failed"' in page


def test_what_a_deployment_cost_without_a_price_is_a_dash(viewer, db):
    keep(asked(5, attempts=[attempt(deployment="mistral/medium", price_id=None)]))
    page = shown(viewer, "?from=now-1h")
    row = re.search(r"mistral/medium</a> </th>(.*?)</tr>", page)[1]
    assert "It had no price" in row
    assert "$0.00" not in row


def test_another_tenants_traffic_is_in_no_figure(client, person, db):
    keep(asked(5, tenant="acme"), asked(6, tenant="globex", feature="theirs", attempts=[attempt()]))
    client.force_login(person("admin", tenants=["acme"]))
    page = shown(client, "?from=now-1h")
    assert figures(page)["Requests"] == "1"
    assert "theirs" not in page
    assert "openai/small" not in page


def test_changes_are_marked_on_the_chart_and_told_beside_it(viewer, policy):
    keep(asked(5))
    page = shown(viewer, "?from=now-1h")
    assert 'class="mark-box"' in page
    told = re.search(r'aria-labelledby="changes">(.*?)</section>', page, re.DOTALL)
    assert "for a test" in told[1]


@pytest.mark.parametrize("query", ["?from=last+tuesday", "?from=now&to=now-1h", "?from=2020-01-01"])
def test_a_range_that_makes_no_sense_is_422_and_today_is_shown(viewer, db, query):
    answer = viewer.get(f"/{query}")
    assert answer.status_code == 422
    assert "This range is not shown; today is." in answer.content.decode()


def test_yesterday_ends_at_midnight(viewer, db):
    keep(asked(1))
    assert "00:00 to 24:00 UTC" in shown(viewer, "?from=yesterday&to=today")


@pytest.mark.parametrize("features", [1, 30])
def test_the_page_costs_the_same_few_queries_however_much_traffic_there_is(
    viewer, policy, django_assert_max_num_queries, features
):
    keep(*(asked(n + 1, feature=f"f{n}", attempts=[attempt()]) for n in range(features)))
    with django_assert_max_num_queries(24):
        viewer.get("/")


def test_the_smallest_of_many_features_are_one_row(viewer, db):
    keep(*(asked(n + 1, feature=f"f{n:02}") for n in range(20)))
    assert "9 others" in shown(viewer, "?from=now-1h")


def test_a_line_of_values_is_drawn_from_nought_and_from_left_to_right():
    line, area = spark([0, 2, 4])
    assert line == "M0.0 26.0 50.0 14.0 100.0 2.0"
    assert area == f"{line} 100 28H0Z"
    assert spark([1]) == ("", "")


# ------------------------------------------------------------------------- roles


FIRST = {
    "support": "find",
    "finance": "Key figures",
    "product": "attention",
    "engineer": "attention",
    "auditor": "course",
    "admin": "attention",
}


@pytest.mark.parametrize("role", Role.values)
def test_each_role_sees_first_what_it_came_for(client, person, db, role):
    keep(asked(1, attempts=[attempt()]))
    client.force_login(person(role))
    page = shown(client, "?from=now-1h")
    parts = re.findall(r'<section class="panel" aria-label(?:ledby)?="([^",]*)', page)
    assert parts[0] == FIRST[role]
    assert "features" in parts
    assert "deployments" in parts


def test_support_and_finance_have_their_own_order_of_features(client, person, db):
    keep(
        *(asked(n + 1, feature="busy") for n in range(3)),
        asked(10, feature="broken", error_code="provider_error", cost_nano_usd=0),
        asked(11, feature="dear", cost_nano_usd=10**10),
    )
    for role, first in (("support", "broken"), ("finance", "dear"), ("product", "busy")):
        client.force_login(person(role))
        page = shown(client, "?from=now-1h")
        table = re.search(r'aria-labelledby="features">(.*?)</section>', page, re.DOTALL)[1]
        assert re.search(r'<th scope="row">(?: <a[^>]*>)?(?:<a[^>]*>)?([^<]+)', table)[1] == first


def test_a_region_alone_is_polled(viewer, db):
    keep(asked(1))
    region = viewer.get("/?from=now-1h", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in region
    assert region.strip().startswith('<div class="stack stack-l"')
    assert 'hx-get="/?from=now-1h"' in region
