"""The simulator: the same decision as the API's, and the message kept nowhere."""

import json
import logging
import re
import shlex
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.utils.html import strip_tags

from apps.policies.apply import apply
from routerctl.engine.types import RoutingRequest, TextReading
from tests.apps.api.conftest import POLICY
from tests.apps.api.door import make_key
from tests.apps.policies.files import deployment, price, route, small
from tests.apps.traces.stored import TRACE_ID, decision, keep, stored

CANARY = "zanzibar-lighthouse-4711"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def policy(db):
    apply(POLICY.read_bytes(), reason="for a test")


def shown(answer):
    text = unescape(strip_tags(answer.content.decode().replace("<", " <")))
    return re.sub(r"\s+([:,.])", r"\1", " ".join(text.split()))


def curl_body(answer):
    """What the curl line on the page would send."""
    page = answer.content.decode()
    code = re.search(r'aria-label="The call as curl"><code>(.*?)</code>', page, re.DOTALL)
    return shlex.split(unescape(code[1]).replace("\\\n", " "))[-1]


def test_the_page_and_the_api_decide_alike(support, policy):
    said = {
        "text": "I was charged twice. Müller's refund, please!\nNow.",
        "feature": "support-chat",
        "plan": "pro",
        "tenant": "globex",
        "has": ["tools", "images", "schema"],
        "max_cost_usd": "0.5",
        "metadata": "ticket=12\nqueue = a=b",
    }
    page = support.post("/simulate", said)
    told = support.post(
        "/api/v1/route",
        curl_body(page),
        content_type="application/json",
        headers={"Authorization": f"Bearer {make_key('decide')}"},
    ).json()
    words = shown(page)
    assert told["route"] == "refunds"
    assert told["reason"] in words
    for candidate in told["candidates"]:
        assert candidate["deployment"] in words
        for reason in candidate["reasons"]:
            assert reason["message"] in words
    assert json.loads(curl_body(page))["metadata"] == {"ticket": "12", "queue": "a=b"}


def test_a_choice_has_its_route_its_place_in_the_order_and_its_fallbacks(support, policy):
    words = shown(support.get("/simulate?task=chat"))
    assert "openai/small is the first choice of route everything." in words
    assert "everything 3 of 3, first match wins" in words
    assert "If it fails anthropic/strong" in words
    assert "personal-data-needs-a-dpa not asked; it is for: sensitivity is pii" in words
    assert "no-secrets found nothing" in words


def test_who_is_left_out_says_why_in_words(support, policy):
    words = shown(support.post("/simulate", {"text": "refund ada@example.com"}))
    assert "Nobody policy_blocked" in words
    assert "gate:personal-data-needs-a-dpa" in words
    assert "provider.dpa_signed must be true, and here it is false" in words


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"sensitivity": "pii"}, "anthropic/strong is the first fallback"),
        ({"tenant": "acme"}, "acme-only 2 of 3"),
        ({"max_cost_usd": "0.0000001"}, "over_cost_ceiling"),
        ({"has": "images"}, "The request needs images, which it has not."),
        ({"text": "sk-proj-" + "a1B2c3D4e5" * 5}, "safety_blocked"),
        ({"task": "summary"}, "summary, said by the client"),
    ],
)
def test_what_is_said_counts(support, policy, said, told):
    assert told in shown(support.post("/simulate", said))


def test_the_message_is_in_no_address_no_log_and_no_table(support, policy, caplog):
    caplog.set_level(logging.DEBUG)
    said = {"text": CANARY, "plan": "pro", "metadata": "ticket=7"}
    answer = support.post("/simulate", said, headers=HTMX)
    assert answer.headers["HX-Replace-Url"] == "/simulate?plan=pro&metadata=ticket%3D7"
    assert "no-store" in answer.headers["Cache-Control"]
    assert CANARY not in caplog.text
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            assert CANARY not in str(cursor.fetchall())


def test_a_message_in_an_address_is_not_read(support, policy):
    answer = support.get(f"/simulate?text={CANARY}", headers=HTMX)
    assert CANARY not in answer.content.decode()
    assert answer.headers["HX-Replace-Url"] == "/simulate"
    assert f">{CANARY}<" not in support.get(f"/simulate?text={CANARY}").content.decode()


def test_a_link_shows_a_colleague_the_same_form_and_decision(support, policy):
    first = support.post("/simulate", {"tenant": "acme", "has": ["tools"], "stream": "on"})
    link = re.search(r'data-copy="(http[^"]+simulate[^"]*)"', first.content.decode())[1]
    parts = urlsplit(link.replace("&amp;", "&"))
    assert parse_qs(parts.query) == {"tenant": ["acme"], "has": ["tools"], "stream": ["on"]}
    again = support.get(f"{parts.path}?{parts.query}").content.decode()
    assert 'value="acme"' in again
    assert "acme-only" in again


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"max_cost_usd": "a lot"}, "Cost ceiling: Write an amount like"),
        ({"max_latency_ms": "-5"}, "Latency limit: Ensure this value is greater"),
        ({"feature": "gone"}, "Feature: No feature gone is configured."),
        ({"metadata": "no sign"}, "Metadata: Write each line as name=value."),
        ({"metadata": "model=x"}, "Metadata: The server chooses who answers."),
        ({"trace": TRACE_ID}, f"There is no trace {TRACE_ID} here."),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_written(support, policy, said, wrong):
    for headers in ({}, HTMX):
        answer = support.post("/simulate", said, headers=headers)
        assert answer.status_code == 422
        assert "Nothing was decided." in shown(answer)
        assert wrong in shown(answer)


def test_htmx_is_given_the_decision_alone(support, policy):
    region = support.post("/simulate", {"plan": "pro"}, headers=HTMX).content.decode()
    assert region.lstrip().startswith('<div class="stack stack-l" id="decision"')
    assert "<form" not in region


def test_another_tenant_cannot_be_named(client, person, policy):
    client.force_login(person("engineer", tenants=["acme"]))
    assert client.post("/simulate", {"tenant": "acme"}).status_code == 200
    answer = client.post("/simulate", {"tenant": "globex"})
    assert answer.status_code == 422
    assert "This is not among your tenants." in shown(answer)


def test_before_anything_is_published_it_says_so(support):
    assert "Nothing is published yet" in shown(support.get("/simulate"))


# ------------------------------------------------------------------------- decide again


@pytest.fixture
def refunded(policy):
    """A trace whose text, long forgotten, asked for a refund."""
    request = RoutingRequest(
        tenant="acme",
        feature="support-chat",
        plan="pro",
        max_cost_nano_usd=20_000_000,
        text_bytes=400_000,
        needs=("tools",),
        draw=TRACE_ID,
    )
    reading = TextReading(truths={"refund": True})
    keep(stored(request=request, reading=reading, decided=decision(route="refunds")))


def again(client):
    page = client.get(f"/t/{TRACE_ID}").content.decode()
    return re.search(r'href="(/simulate\?[^"]+)"', page)[1].replace("&amp;", "&")


def test_a_trace_is_decided_again_with_its_facts_and_what_was_read_in_its_text(support, refunded):
    link = again(support)
    assert parse_qs(urlsplit(link).query) == {
        "feature": ["support-chat"],
        "plan": ["pro"],
        "tenant": ["acme"],
        "sensitivity": ["internal"],
        "max_cost_usd": ["0.02"],
        "has": ["tools"],
        "trace": [TRACE_ID],
    }
    words = shown(support.get(link))
    assert "refunds 1 of 3" in words
    assert "with what was read in its text then" in words
    assert "over_cost_ceiling" in words  # for its size alone


def test_a_message_takes_the_place_of_what_was_read_then(support, refunded):
    said = parse_qs(urlsplit(again(support)).query) | {"text": "Hello"}
    assert "acme-only 2 of 3" in shown(support.post("/simulate", said))


def test_who_may_not_read_decisions_is_given_the_facts_alone(client, person, refunded):
    client.force_login(person("finance"))
    link = again(client)
    assert "trace" not in parse_qs(urlsplit(link).query)
    assert client.get(link).status_code == 200
    assert client.get(f"/simulate?trace={TRACE_ID}").status_code == 422


def test_another_tenants_trace_cannot_be_decided_again(client, person, refunded):
    client.force_login(person("engineer", tenants=["globex"]))
    assert client.get(f"/simulate?trace={TRACE_ID}").status_code == 422


def test_a_cap_can_be_taken_to_be_full(support, db):
    spend = {"slug": "team/daily", "period": "day", "limit_usd": "9.00",
             "actions": [{"at_percent": 80, "do": "cheaper"}]}  # fmt: skip
    places = [
        deployment(slug="vendor/strong", prices=[price(usd="10.00")]),
        deployment(slug="vendor/small", prices=[price()]),
    ]
    both = route(candidates=["vendor/strong", "vendor/small"])
    apply(small(deployments=places, routes=[both], gates=[], caps=[spend]), reason="for a test")
    for said, answers in (
        ("", "vendor/strong"),
        ("&cap=team/daily&cap_percent=79", "vendor/strong"),
        ("&cap=team/daily&cap_percent=80", "vendor/small"),
        ("&cap=team/daily", None),
    ):
        page = support.get(f"/simulate?task=chat{said}")
        choice = page.context["found"].choice
        assert (choice and choice.candidate.deployment) == answers, said
    assert "As if the cap team/daily were 100 % used" in shown(page)
    assert "cap_reached" in shown(page)
    assert support.get("/simulate?cap=nobodys").status_code == 422
