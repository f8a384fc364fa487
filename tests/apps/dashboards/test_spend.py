"""The page of what was spent, its file and its API."""

import csv
import io

import pytest

from apps.ledger.ids import epoch_ms
from tests.apps.api.door import get, make_key
from tests.apps.traces.stored import attempt, keep, stored
from tests.browser.gallery import asked, at


@pytest.fixture
def spent(db):
    now = epoch_ms()
    call = attempt(cost_nano_usd=2_500_000_000, price_id=1)
    lost = attempt(1, "vendor/other", error_class="server", cost_nano_usd=500_000_000, price_id=1)
    keep(
        at(stored(call, request=asked(), cost_nano_usd=2_500_000_000), now - 60_000),
        at(
            stored(lost, request=asked(feature="search", tenant="globex"),
                   cost_nano_usd=500_000_000, error_code="provider_error", http_status=502),
            now - 120_000,
        ),
    )  # fmt: skip


def text(answer):
    return " ".join(answer.content.decode().split())


def test_the_page_says_what_each_feature_cost_and_what_was_wasted(client, person, spent):
    client.force_login(person("finance"))
    page = text(client.get("/spend"))
    for said in (
        "support-chat",
        "$2.50",
        "search",
        "$0.50",
        "$3.00",
        "83.3 %",
        "Last 7 days",
        "UTC",
    ):
        assert said in page, said
    assert "/traces?feature=search" in page
    assert "/spend.csv?by=feature" in page


def test_by_deployment_it_counts_calls(client, person, spent):
    client.force_login(person("product"))
    page = text(client.get("/spend?by=deployment"))
    assert "vendor/other" in page
    assert ">Calls<" in page
    assert "/spend.csv" not in page


def test_the_file_has_every_row_and_their_sum(client, person, spent):
    client.force_login(person("auditor"))
    answer = client.get("/spend.csv?by=feature&from=now-1h")
    body = b"".join(answer.streaming_content).decode()
    head, names, *rows = csv.reader(io.StringIO(body))
    assert "UTC" in head[0]
    assert names[:4] == ["feature", "requests", "answered", "cost_nano_usd"]
    assert [row[:5] for row in rows] == [
        ["support-chat", "1", "1", "2500000000", "0"],
        ["search", "1", "0", "500000000", "500000000"],
        ["(all)", "2", "1", "3000000000", "500000000"],
    ]


def test_without_any_spending_the_page_says_so(client, person, db):
    client.force_login(person("finance"))
    assert "Nothing was spent in this range" in text(client.get("/spend"))


def test_a_range_that_cannot_be_is_told(client, person, db):
    client.force_login(person("finance"))
    assert client.get("/spend?from=last+tuesday").status_code == 422


def test_a_key_reads_what_its_tenant_spent(client, spent):
    told = get(client, "/api/v1/spend?by=tenant", make_key("read")).json()
    assert [(row["name"], row["cost_nano_usd"]) for row in told["results"]] == [
        ("pelican-travel", 2_500_000_000),
        ("globex", 500_000_000),
    ]
    assert told["whole"]["nano_usd_for_each_answer"] == 3_000_000_000
    own = get(client, "/api/v1/spend", make_key("read", tenant="globex")).json()
    assert [row["name"] for row in own["results"]] == ["search"]


@pytest.mark.parametrize("query", ["by=colour", "from=2020-01-01", "from=now-1h&to=now-2h", "x=1"])
def test_a_question_that_makes_no_sense_is_refused(client, db, query):
    assert get(client, f"/api/v1/spend?{query}", make_key("read")).status_code == 400
