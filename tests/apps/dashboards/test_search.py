"""The search box: any ID that we ever returned, straight to what it names."""

import time

import msgspec
import pytest
from django.db import connection
from django.urls import reverse

from apps.accounts import keys
from apps.ledger.records import IdempotencyKey
from apps.policies.apply import apply
from routerctl.engine.types import RoutingRequest
from tests.apps.traces.stored import attempt, keep, stored, trace_id_at
from tests.browser.gallery import at
from tests.walk.world import POLICY

NOW_MS = time.time_ns() // 1_000_000 - 60_000


def asked(n=0, tenant="acme", attempts=(), **facts):
    request = RoutingRequest(tenant=tenant, **facts)
    return at(stored(*attempts, request=request), NOW_MS - n)


def find(client, text):
    return client.get("/search", {"q": text})


def leads_to(client, text):
    answer = find(client, text)
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


@pytest.mark.parametrize("pasted", ["chatcmpl-{}", "msg_{}", "00-{}-00f067aa0ba902b7-01", "{}"])
def test_every_form_of_a_trace_id_leads_to_its_page(support, db, pasted):
    keep(asked())
    trace_id = trace_id_at(NOW_MS)
    assert leads_to(support, pasted.format(trace_id.replace("-", ""))) == f"/t/{trace_id}"


def test_a_providers_id_leads_to_the_trace(support, db):
    keep(asked(attempts=[attempt(provider_request_id="req_b81d07e5f2")]))
    assert leads_to(support, " req_b81d07e5f2 ") == f"/t/{trace_id_at(NOW_MS)}"


def test_the_callers_own_id_leads_to_the_trace(support, db):
    sent = asked()
    head = msgspec.structs.replace(sent.head, request_id="order-4711")
    keep(msgspec.structs.replace(sent, head=head))
    assert leads_to(support, "order-4711") == f"/t/{trace_id_at(NOW_MS)}"


def test_an_idempotency_key_leads_to_the_trace_though_only_its_hash_is_kept(support, db):
    keep(asked())
    claimed = IdempotencyKey.of("acme", "invoice 2026-11", b"{}")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_idempotencyrecord (key_hash, body_hash, trace_id)"
            " VALUES (%s, %s, %s)",
            [claimed.key_hash, claimed.body_hash, trace_id_at(NOW_MS)],
        )
    assert leads_to(support, "invoice 2026-11") == f"/t/{trace_id_at(NOW_MS)}"


@pytest.mark.parametrize(
    ("text", "query"),
    [("s-77", "session=s-77"), ("u-42", "user=u-42"), ("acme", "tenant=acme")],
)
def test_a_session_a_user_and_a_tenant_lead_to_their_requests(support, db, text, query):
    keep(asked(session="s-77", user="u-42"))
    assert leads_to(support, text) == f"/traces?{query}"


def test_a_whole_api_key_finds_its_requests_and_is_never_repeated(support, db, caplog):
    key, token = keys.create(name="a", tenant="acme", reason="for a test")
    secret = token.split("_", 3)[3]
    first = find(support, f"Authorization: Bearer {token}")
    assert (first.status_code, secret in first["Location"]) == (302, False)
    assert key.prefix in first["Location"]
    for text in (token, key.prefix):
        end = support.get("/search", {"q": text}, follow=True)
        assert end.redirect_chain[-1][0] == f"/traces?key={key.prefix}"
        assert secret not in end.content.decode()
    assert secret not in caplog.text


def test_a_slug_leads_to_its_object(support, db):
    apply(POLICY.read_bytes(), reason="for a test")
    assert leads_to(support, "openai/small") == "/deployments/openai/small"
    assert leads_to(support, "support-chat") == "/features/support-chat"


def test_what_names_several_things_lets_choose_among_them_by_kind(support, db):
    apply(POLICY.read_bytes(), reason="for a test")
    keep(asked(tenant="support-chat"), asked(1, session="support-chat"))
    answer = find(support, "support-chat")
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "3 things by that name" in shown
    for href in ("/traces?tenant=support-chat", "/traces?session=support-chat", "/features/"):
        assert href in shown


def test_a_person_is_found_by_e_mail_by_those_who_may_read_people(client, person):
    sam = person("support", email="sam@example.com")
    client.force_login(person("auditor"))
    assert leads_to(client, "Sam@example.com") == reverse("person", args=[sam.pk])
    client.force_login(sam)
    answer = find(client, "sam@example.com")
    assert answer.status_code == 404


def test_a_person_beyond_ones_tenants_is_not_found(client, person):
    person("support", email="sam@example.com", tenants=["globex"])
    client.force_login(person("auditor", tenants=["acme"]))
    assert find(client, "sam@example.com").status_code == 404


@pytest.mark.parametrize("text", ["req_b81d07e5f2", "s-77", "u-42", "globex"])
def test_what_is_another_tenants_is_not_found_by_any_name(client, person, text):
    its = [attempt(provider_request_id="req_b81d07e5f2")]
    keep(asked(tenant="globex", session="s-77", user="u-42", attempts=its))
    key, _ = keys.create(name="a", tenant="globex", reason="for a test")
    client.force_login(person("admin", tenants=["acme"]))
    assert find(client, text).status_code == 404
    assert find(client, key.prefix).status_code == 404


@pytest.mark.parametrize("text", ["", " ", "\0", "x" * 2000, "<script>alert(1)</script>"])
def test_what_names_nothing_says_what_was_searched(support, db, text):
    answer = find(support, text)
    shown = answer.content.decode()
    assert answer.status_code == 404
    assert "of the last 7 days" in shown
    assert "<script>alert" not in shown


def test_a_search_costs_the_same_few_queries_however_much_there_is(
    support, db, django_assert_max_num_queries
):
    keep(*(asked(n, session=f"s-{n}") for n in range(30)))
    with django_assert_max_num_queries(20):
        assert leads_to(support, "s-7") == "/traces?session=s-7"
