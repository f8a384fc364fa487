"""The list of traces: its filters, its chart, its pages and its file."""

import csv
import io
import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.test import AsyncClient

from apps.dashboards import trace_list
from apps.policies.apply import apply
from routerctl.engine.types import RoutingRequest
from tests.apps.traces.stored import attempt, keep, stored
from tests.browser.gallery import answered, at, degraded, exhausted, gated
from tests.walk.world import POLICY

MINUTE_MS = 60_000
KEY = "rk_live_k3qfa9zt_" + "Zq7" * 14


@pytest.fixture
def kept(db):
    """Writes traces, one a minute, the first one newest; gives their ids."""

    def write(*traces):
        now_ms = time.time_ns() // 1_000_000
        moved = [at(trace, now_ms - n * MINUTE_MS) for n, trace in enumerate(traces, start=1)]
        keep(*moved)
        return [trace.trace_id for trace in moved]

    return write


@pytest.fixture
def engineer(client, person):
    client.force_login(person("engineer"))
    return client


def rows(response):
    return re.findall(r'<a class="mono"\s+href="/t/([0-9a-f-]+)"', response.content.decode())


def text(response):
    return response.content.decode()


def links(response, word):
    found = re.findall(rf'href="(\?[^"]*)"[^>]*>(?:<svg.*?</svg>)?{word}', text(response))
    return [link.replace("&amp;", "&") for link in found]


def asked(**facts):
    return stored(request=RoutingRequest(**facts))


# ------------------------------------------------------------------------- filters


def test_every_filter_of_the_api_is_one_of_the_page(support, kept):
    first, _ = kept(asked(session="s-1", user="u-1", app="ios", key="k3qfa9zt"), asked())
    for query in ("session=s-1", "user=u-1", "app=ios", "key=k3qfa9zt"):
        assert rows(support.get(f"/traces?{query}")) == [first]
    assert rows(support.get("/traces?min_latency_ms=99999")) == []


def test_taking_a_filter_off_keeps_an_open_range_open(support, kept):
    kept(answered())
    shown = text(support.get("/traces?from=&status=succeeded"))
    assert 'href="/traces?from="' in shown


def test_today_begins_at_midnight(support, kept):
    kept(answered())
    assert 'href="?from=today" aria-current' in re.sub(
        r"\s+", " ", text(support.get("/traces?from=today"))
    )


def test_a_whole_key_is_cut_to_its_prefix_before_anything_is_shown(support, kept):
    answer = support.get("/traces", {"key": KEY, "status": "failed"})
    assert answer.status_code == 302
    assert answer["Location"] == "/traces?key=k3qfa9zt&status=failed"
    assert "Zq7" not in text(answer)


# ------------------------------------------------------------------------- the chart


def test_the_chart_counts_all_that_match_by_status(support, kept):
    kept(answered(), answered(), degraded(), exhausted(), gated())
    shown = text(support.get("/traces?from=now-1h"))
    assert "5 traces match, 20.0 % failed." in shown
    legend = re.sub(r"\s+", " ", re.search(r'<ul class="legend">(.*?)</ul>', shown, re.DOTALL)[1])
    for said in ("Succeeded 2", "Degraded 1", "Failed 1", "Blocked 1"):
        assert said in legend


def test_the_table_below_the_chart_says_the_same_and_leads_to_each_part(support, kept):
    kept(answered(), exhausted())
    shown = text(support.get("/traces?from=now-1h&tenant=pelican-travel"))
    table = re.search(r'<details class="as-table">(.*?)</details>', shown, re.DOTALL)[1]
    totals = re.findall(r'<td class="n">(\d+)</td>\s*</tr>', table)
    assert sum(map(int, totals)) == 2
    part = parse_qs(re.search(r'href="\?([^"]*)"', table)[1].replace("&amp;", "&"))
    assert part["tenant"] == ["pelican-travel"]
    assert part["from"][0] < part["to"][0]
    assert part["to"][0].endswith("Z")


def test_parts_of_the_chart_find_together_what_the_range_finds(support, kept):
    ids = kept(answered(), exhausted(), gated())
    shown = text(support.get("/traces?from=now-1h"))
    table = re.search(r'<details class="as-table">(.*?)</details>', shown, re.DOTALL)[1]
    found = []
    for part in re.findall(r'href="(\?[^"]*)"', table):
        found += rows(support.get("/traces" + part.replace("&amp;", "&")))
    assert sorted(found) == sorted(ids)


def test_another_tenants_traces_are_not_counted(client, person, kept):
    kept(answered(), degraded())  # of pelican-travel and of brightloom
    client.force_login(person("support", tenants=["brightloom"]))
    assert "1 trace matches." in text(client.get("/traces"))


def test_changes_of_the_configuration_are_marked_and_explained(support, kept):
    kept(answered())
    apply(POLICY.read_bytes(), reason="Lower the daily cap of free tenants")
    shown = text(support.get("/traces?from=now-1h"))
    assert "Lower the daily cap of free tenants" in shown
    assert 'class="mark-box"' in shown
    assert "1 change in this range" in shown
    older = text(support.get("/traces?from=now-1h&to=now-30m"))
    assert "Lower the daily cap" not in older


def test_what_takes_too_long_to_draw_is_counted_only_so_far(support, kept, monkeypatch):
    kept(answered(), answered(), exhausted())
    monkeypatch.setattr(trace_list, "if_quick", lambda ask, within_ms: None)
    monkeypatch.setattr(trace_list, "COUNTED", 2)
    shown = re.sub(r"\s+", " ", text(support.get("/traces")))
    assert "3 of 2+: too many to draw, choose a shorter range" in shown
    assert len(rows(support.get("/traces"))) == 3


@pytest.mark.parametrize("count", [1, 30])
def test_a_page_costs_the_same_few_queries_however_many_match(
    support, kept, django_assert_max_num_queries, count
):
    kept(*(answered() for _ in range(count)))
    with django_assert_max_num_queries(12):
        assert len(rows(support.get("/traces"))) == count


# ------------------------------------------------------------------------- pages and columns


def test_pages_lead_back_and_forth(support, kept, monkeypatch):
    monkeypatch.setattr(trace_list, "PAGE_SIZE", 2)
    ids = kept(*(answered() for _ in range(5)))
    first = support.get("/traces?tenant=pelican-travel")
    assert rows(first) == ids[:2]
    assert links(first, "Newer") == []
    second = support.get("/traces" + links(first, "Older")[0])
    third = support.get("/traces" + links(second, "Older")[0])
    assert rows(third) == ids[4:]
    assert links(third, "Older") == []
    back = support.get("/traces" + links(third, "Newer")[0])
    assert rows(back) == ids[2:4]
    assert rows(support.get("/traces" + links(back, "Newer")[0])) == ids[:2]
    assert "cursor" not in parse_qs(urlsplit(links(third, "Newest")[0]).query)


def test_the_reader_chooses_the_columns_in_the_address(support, kept):
    kept(asked(session="s-1", app="ios"))
    shown = text(support.get("/traces?col=session&col=cost"))
    heads = re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', shown.split("Traces, newest first")[1])
    assert heads == ["Trace", "Time, UTC", "Status", "Session", "Cost, est."]
    assert "s-1" in shown
    assert support.get("/traces?col=password").status_code == 422


def test_columns_are_kept_when_filters_change(support, kept):
    kept(answered())
    shown = text(support.get("/traces?col=session&live=1&status=succeeded"))
    filters = re.search(r'<form [^>]*aria-label="Filters">(.*?)</form>', shown, re.DOTALL)[1]
    assert '<input type="hidden" name="col" value="session">' in filters
    assert '<input type="hidden" name="live" value="1">' in filters


def test_live_is_in_the_address_and_asks_for_the_results_alone(support, kept):
    kept(answered())
    live = text(support.get("/traces?live=1&status=succeeded"))
    assert 'data-poll="10"' in live
    assert 'hx-get="/traces?live=1&amp;status=succeeded"' in live
    assert 'hx-select="#results"' in live
    assert "data-poll" not in text(support.get("/traces"))


# ------------------------------------------------------------------------- the file


def file(response):
    body = b"".join(response.streaming_content).decode()
    return list(csv.reader(io.StringIO(body)))


def test_the_file_has_what_the_filters_find_and_names_its_zone(engineer, kept):
    _, bad = kept(answered(), exhausted())
    answer = engineer.get("/traces.csv?status=failed")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    head, *lines = file(answer)
    assert head[0] == "started_at (UTC)"
    assert [line[1] for line in lines] == [bad]
    assert dict(zip(head, lines[0], strict=True))["error_code"] == "fallback_exhausted"


def test_an_unknown_cost_is_empty_in_the_file_and_not_nought(engineer, kept):
    kept(stored(attempt(price_id=None), cost_nano_usd=0))
    head, line = file(engineer.get("/traces.csv"))
    row = dict(zip(head, line, strict=True))
    assert (row["cost_nano_usd"], row["cost_is_known"]) == ("", "no")


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\r=1", "|x"])
def test_no_cell_of_the_file_is_a_formula(engineer, kept, evil):
    kept(asked(session=evil, user=evil, app=evil, feature=evil))
    for cell in file(engineer.get("/traces.csv"))[1]:
        assert cell.lstrip(" \t\r\n")[:1] not in ("=", "+", "-", "@", "|")


def test_a_tenants_file_has_its_own_traces_alone(client, person, kept):
    mine, _ = kept(answered(), degraded())
    client.force_login(person("finance", tenants=["pelican-travel"]))
    assert [line[1] for line in file(client.get("/traces.csv"))[1:]] == [mine]


def test_a_server_that_streams_is_given_the_file_piece_by_piece(engineer, person, kept):
    kept(answered(), exhausted())
    session = engineer.cookies[settings.SESSION_COOKIE_NAME].value

    async def fetched():
        client = AsyncClient()
        client.cookies[settings.SESSION_COOKIE_NAME] = session
        answer = await client.get("/traces.csv")
        return answer.is_async, [piece async for piece in answer]

    streams, pieces = async_to_sync(fetched)()
    assert streams
    assert len(pieces) == 2  # the head, and one batch
    assert b"".join(pieces).count(b"\r\n") == 3


def test_who_may_not_export_is_shown_no_button_and_given_no_file(support, kept):
    kept(answered())
    assert "/traces.csv" not in text(support.get("/traces"))
    assert support.get("/traces.csv").status_code == 403


def test_the_button_for_the_file_carries_the_filters(engineer, kept):
    kept(answered())
    shown = text(engineer.get("/traces?status=succeeded&from=now-1h"))
    assert "/traces.csv?status=succeeded&amp;from=now-1h" in shown


def test_a_file_that_was_cut_says_so(engineer, kept, monkeypatch):
    monkeypatch.setattr("apps.dashboards.views.MOST_ROWS", 2)
    monkeypatch.setattr("apps.dashboards.trace_csv.MOST_ROWS", 2)
    kept(answered(), answered(), answered())
    lines = file(engineer.get("/traces.csv"))
    assert len(lines) == 4
    assert lines[-1][0].startswith("The export ends here, after 2 traces")


def test_filters_that_make_no_sense_give_no_file(engineer, db):
    assert engineer.get("/traces.csv?from=last+tuesday").status_code == 422


def test_the_list_shows_the_requests_that_a_cap_refused_or_lessened(client, person, db):
    now = time.time_ns() // 1_000_000
    refused = stored(error_code="cap_reached", http_status=429,
                     error_message="Cap team/daily has no room for this request.")  # fmt: skip
    less = stored(status="degraded", degraded_reason="cap_reached",
                  degraded_action="cheaper",
                  degraded_message="Cap team/daily is nearly used up.")  # fmt: skip
    other = stored(error_code="cap_reached", http_status=429,
                   error_message="Cap team/daily-all has no room for this request.")  # fmt: skip
    traces = [at(one, now - 1000 * n) for n, one in enumerate((refused, less, other, stored()), 1)]
    keep(*traces)
    client.force_login(person("finance"))
    page = client.get("/traces?cap=team/daily").content.decode()
    shown = [one.trace_id in page for one in traces]
    assert shown == [True, True, False, False]
    assert "met the cap is" in page
