"""The pages over HTTP: who gets in, what they show, how they answer htmx and mistakes."""

import re
import time

import pytest

from apps.accounts.models import Role
from apps.dashboards import trace_list, views
from tests.apps.traces.stored import keep, stored
from tests.browser.gallery import answered, at, degraded, exhausted, gated

MINUTE_MS = 60_000
HTMX = {"HX-Request": "true"}


@pytest.fixture
def kept(db):
    """Writes traces, one a minute, the first one newest; gives their ids."""

    def write(*traces):
        now_ms = time.time_ns() // 1_000_000
        moved = [at(trace, now_ms - n * MINUTE_MS) for n, trace in enumerate(traces, start=1)]
        keep(*moved)
        return [trace.trace_id for trace in moved]

    return write


def rows(response):
    return re.findall(r'<a class="mono"\s+href="/t/([0-9a-f-]+)"', response.content.decode())


# ------------------------------------------------------------------------- who gets in


@pytest.mark.parametrize("role", Role.values)
def test_every_role_reads_the_list_and_a_trace(client, person, kept, role):
    (trace_id,) = kept(answered())
    client.force_login(person(role))
    assert client.get("/traces").status_code == 200
    assert client.get(f"/t/{trace_id}").status_code == 200


def test_finance_sees_the_cost_and_the_facts_but_not_the_decision(client, person, kept):
    (trace_id,) = kept(exhausted())
    client.force_login(person("finance"))
    shown = client.get(f"/t/{trace_id}").content.decode()
    assert "Settled" in shown
    assert "pelican-travel" in shown
    for hidden in ("Text for the customer", "Gates and checks", "overloaded or not ready"):
        assert hidden not in shown


def test_another_tenants_trace_is_not_there_by_whatever_way(client, person, kept):
    mine, other = kept(answered(), degraded())  # of pelican-travel and of brightloom
    client.force_login(person("support", tenants=["pelican-travel"]))
    assert rows(client.get("/traces")) == [mine]
    assert rows(client.get("/traces?tenant=brightloom")) == []
    assert client.get(f"/t/{mine}").status_code == 200
    for path in (f"/t/{other}", f"/t/{other.replace('-', '')}", f"/search?q={other}"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "brightloom" not in answer.content.decode()


def test_who_is_given_no_tenant_has_an_empty_list(client, person, kept):
    (trace_id,) = kept(answered())
    client.force_login(person("support", tenants=[]))
    assert "No traces yet" in client.get("/traces").content.decode()
    assert client.get(f"/t/{trace_id}").status_code == 404


# ------------------------------------------------------------------------- the list


def test_the_list_shows_the_newest_first(support, kept):
    ids = kept(answered(), exhausted(), gated())
    assert rows(support.get("/traces")) == ids


def test_filters_live_in_the_address(support, kept):
    good, bad, blocked = kept(answered(), exhausted(), gated())
    assert rows(support.get("/traces?status=failed")) == [bad]
    assert rows(support.get("/traces?route=billing")) == [blocked]
    assert rows(support.get("/traces?tenant=pelican-travel&status=succeeded")) == [good]
    assert rows(support.get("/traces?to=now-2m")) == [bad, blocked]
    assert rows(support.get("/traces?from=now-90s")) == [good]


def test_what_is_filtered_by_can_be_taken_off_one_by_one(support, kept):
    kept(answered())
    shown = support.get("/traces?status=failed&tenant=acme&from=now-24h").content.decode()
    assert 'href="/traces?tenant=acme&amp;from=now-24h"' in shown or (
        'href="/traces?from=now-24h&amp;tenant=acme"' in shown
    )


def test_older_traces_are_a_page_further(support, kept, monkeypatch):
    monkeypatch.setattr(trace_list, "PAGE_SIZE", 2)
    first, second, third = kept(answered(), exhausted(), gated())
    page = support.get("/traces?tenant=pelican-travel")
    assert rows(page) == [first, second]
    (older,) = re.findall(r'href="(\?[^"]*cursor=[^"]*)"', page.content.decode())
    assert "tenant=pelican-travel" in older
    assert rows(support.get("/traces" + older.replace("&amp;", "&"))) == [third]


def test_nothing_yet_and_nothing_matching_are_different_pages(support, kept):
    assert "No traces yet" in support.get("/traces?tenant=nobody").content.decode()
    kept(answered())
    assert "Nothing matches" in support.get("/traces?tenant=nobody").content.decode()


@pytest.mark.parametrize(
    "query",
    ["from=last+tuesday", "to=x", "status=great", "cursor=x", "from=now-9999999w", "tenant=%00"],
)
def test_a_filter_that_makes_no_sense_is_422_and_searches_nothing(support, query):
    answer = support.get(f"/traces?{query}")
    assert answer.status_code == 422
    assert "Nothing was searched" in answer.content.decode()


def test_htmx_is_given_the_region_alone_and_caches_are_told(support, kept):
    kept(answered())
    whole, region = support.get("/traces"), support.get("/traces", headers=HTMX)
    assert b"<html" in whole.content
    assert region.content.strip().startswith(b'<div class="stack" id="traces"')
    for answer in (whole, region):
        assert "HX-Request" in answer["Vary"]
        assert "no-store" in answer["Cache-Control"]


def test_going_back_is_given_the_whole_page(support):
    back = {**HTMX, "HX-History-Restore-Request": "true"}
    assert b"<html" in support.get("/traces", headers=back).content


def test_a_region_asked_for_after_the_session_ended_reloads_its_page(client, db):
    answer = client.get("/traces", headers=HTMX)
    assert answer.status_code == 200
    assert answer["HX-Refresh"] == "true"
    assert answer.content == b""


# ------------------------------------------------------------------------- one trace


def test_a_trace_says_what_happened_and_why(support, kept):
    (trace_id,) = kept(gated())
    shown = support.get(f"/t/{trace_id}").content.decode()
    for said in ("policy_blocked", "Its provider has not signed a DPA.", "Text for the customer"):
        assert said in shown


def test_an_id_without_dashes_or_in_capitals_leads_to_the_one_address(support, kept):
    (trace_id,) = kept(answered())
    for spelling in (trace_id.replace("-", ""), trace_id.upper()):
        answer = support.get(f"/t/{spelling}")
        assert (answer.status_code, answer["Location"]) == (302, f"/t/{trace_id}")


def test_searching_leads_straight_to_the_trace(support, kept):
    (trace_id,) = kept(answered())
    pasted = f"see https://router.example.com/t/{trace_id.replace('-', '')}?x=1"
    answer = support.get("/search", {"q": pasted})
    assert (answer.status_code, answer["Location"]) == (302, f"/t/{trace_id}")


def test_an_id_that_is_not_here_says_what_was_searched(support, db):
    unknown = "0199d3a1-7c00-7000-8000-00000000dead"
    for answer in (support.get(f"/t/{unknown}"), support.get("/search", {"q": unknown})):
        assert answer.status_code == 404
        assert f"There is no trace <code>{unknown}</code>" in answer.content.decode()


def test_what_a_provider_or_caller_wrote_is_never_markup(support, kept):
    evil = "<img src=x onerror=alert(1)>"
    trace = stored(error_code="provider_error", error_message=evil, degraded_message=evil)
    (trace_id,) = kept(trace)
    shown = support.get(f"/t/{trace_id}").content.decode()
    assert evil not in shown
    assert "&lt;img" in shown


# ------------------------------------------------------------------------- around every page


def test_every_page_has_a_strict_content_policy_and_an_id(client, db):
    for path in ("/sign-in/", "/nowhere"):
        answer = client.get(path)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-Id"])


def test_a_page_that_is_not_there_says_so_with_the_id(support):
    answer = support.get("/nowhere")
    assert answer.status_code == 404
    assert answer["X-Request-Id"] in answer.content.decode()


def test_a_page_that_fails_says_so_with_the_id_that_the_log_has(support, monkeypatch, caplog):
    def fail(*_, **__):
        raise RuntimeError("the database is away")

    monkeypatch.setattr(views, "find_trace", fail)
    support.raise_request_exception = False
    answer = support.get("/t/x")
    shown = answer.content.decode()
    assert answer.status_code == 500
    assert answer["X-Request-Id"] in shown
    assert "the database is away" not in shown
    assert any(answer["X-Request-Id"] in record.getMessage() for record in caplog.records)


def test_the_theme_is_kept_with_the_person(support, person):
    answer = support.post("/appearance", {"theme": "dark", "next": "/traces?status=failed"})
    assert (answer.status_code, answer["Location"]) == (302, "/traces?status=failed")
    assert 'data-theme="dark"' in support.get("/traces").content.decode()
    support.post("/appearance", {"density": "compact"})
    shown = support.get("/traces").content.decode()
    assert 'data-theme="dark"' in shown
    assert 'data-density="compact"' in shown


@pytest.mark.parametrize(
    "back", ["https://evil.example.com/", "//evil.example.com", "javascript:x"]
)
def test_choosing_a_theme_leads_nowhere_else(support, back):
    assert support.post("/appearance", {"theme": "dark", "next": back})["Location"] == "/"


def test_a_theme_that_does_not_exist_is_refused(support):
    assert support.post("/appearance", {"theme": "neon"}).status_code == 400
