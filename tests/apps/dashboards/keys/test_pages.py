"""Keys are made, shown once, rotated and revoked on pages."""

import re
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.accounts import keys
from apps.accounts.chain import AuditEntry
from apps.accounts.models import ApiKey

TYPED = {
    "name": "Backend",
    "tenant": "acme",
    "plan": "pro",
    "scopes": ["generate", "read"],
    "disclose": "route",
    "ends": "90",
    "reason": "The new backend",
}


def text(answer):
    return answer.content.decode()


def token_of(answer):
    return re.search(r'aria-label="Token">(rk_[^<]+)<', text(answer))[1]


def made(tenant="acme", **facts):
    return keys.create(name=f"of {tenant}", tenant=tenant, reason="for a test", **facts)[0]


def test_a_key_is_made_and_its_token_works_and_is_in_one_answer_alone(engineer):
    answer = engineer.post("/keys/new", TYPED)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    token = token_of(answer)
    assert token in text(answer)
    facts = keys.KeyRing.load().authenticate(token.encode())
    assert (facts.tenant, facts.plan, facts.disclose) == ("acme", "pro", "route")
    key = ApiKey.objects.get()
    assert key.expires_at - timezone.now() < timedelta(days=90)
    assert key.created_by.name == "Tomás"
    for path in ("/keys", f"/keys/{key.prefix}", f"/keys/{key.prefix}/rotate"):
        assert token[-20:] not in text(engineer.get(path))


def test_a_token_is_in_no_message_session_or_audit(engineer):
    answer = engineer.post("/keys/new", TYPED)
    secret = token_of(answer).split("_", 3)[3]
    assert list(get_messages(answer.wsgi_request)) == []
    sessions = [session.get_decoded() for session in Session.objects.all()]
    assert secret not in repr(sessions)
    entries = list(AuditEntry.objects.values())
    assert entries
    assert secret not in repr(entries)
    assert secret not in repr(list(ApiKey.objects.values()))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "This field is required"),
        ({"scopes": []}, "This field is required"),
        ({"scopes": ["everything"]}, "not one of the available choices"),
        ({"plan": "nobody"}, "not one of the available choices"),
        ({"reason": " "}, "Give a reason"),
    ],
)
def test_a_wrong_key_is_not_made(engineer, typed, said):
    answer = engineer.post("/keys/new", {**TYPED, **typed})
    assert answer.status_code == 422
    assert said in text(answer)
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("tenant", ["globex", "*"])
def test_nobody_makes_a_key_for_a_tenant_that_is_not_theirs(client, person, tenant):
    client.force_login(person("engineer", tenants=["acme"]))
    assert client.post("/keys/new", {**TYPED, "tenant": tenant}).status_code == 422
    assert not ApiKey.objects.exists()
    assert client.post("/keys/new", TYPED).status_code == 200


def test_the_list_has_the_keys_of_ones_tenants_alone(client, person):
    for tenant in ("acme", "globex", "*"):
        made(tenant)
    client.force_login(person("auditor", tenants=["acme"]))
    page = text(client.get("/keys"))
    assert "of acme" in page
    assert "of globex" not in page
    assert "of *" not in page
    assert "New key" not in page


def test_the_list_is_filtered_by_its_address(engineer):
    live, old = made(), made(expires_at=timezone.now() - timedelta(days=1))
    gone = made("globex")
    keys.revoke(gone, person=None, reason="for a test")
    for query, found in (
        ("state=live", [live]),
        ("state=expired", [old]),
        ("state=revoked", [gone]),
        ("q=globex", [gone]),
        (f"q={live.prefix}", [live]),
    ):
        page = text(engineer.get(f"/keys?{query}"))
        assert [key.prefix for key in (live, old, gone) if f"/keys/{key.prefix}" in page] == [
            key.prefix for key in found
        ]
    assert "Nothing matches" in text(engineer.get("/keys?q=nobody"))


def test_a_long_list_comes_in_parts(engineer):
    all_of_them = [made() for _ in range(51)]
    page = text(engineer.get("/keys"))
    assert f"/keys/{all_of_them[0].prefix}" not in page
    older = re.search(r"cursor=(\d+)", page)[1]
    assert f"/keys/{all_of_them[0].prefix}" in text(engineer.get(f"/keys?cursor={older}"))


def test_a_key_is_rotated_and_both_live_until_the_old_one_ends(engineer):
    old = made()
    answer = engineer.post(f"/keys/{old.prefix}/rotate", {"ends": "7", "reason": "yearly"})
    assert keys.KeyRing.load().authenticate(token_of(answer).encode()) is not None
    old.refresh_from_db()
    assert old.state(timezone.now()) == "live"
    assert old.expires_at < timezone.now() + timedelta(days=7)
    new = ApiKey.objects.get(replaces=old)
    assert old.prefix in text(engineer.get(f"/keys/{new.prefix}"))
    again = engineer.post(f"/keys/{old.prefix}/rotate", {"ends": "7", "reason": "again"})
    assert again.status_code == 422
    assert "Two keys are live already" in text(again)


def test_a_rotated_key_can_end_at_once(engineer):
    key = made()
    typed = {"ends": "0", "reason": "It leaked."}
    assert engineer.post(f"/keys/{key.prefix}/rotate", typed).status_code == 200
    key.refresh_from_db()
    assert key.expires_at <= timezone.now() + timedelta(seconds=2)


def test_a_key_is_revoked_with_a_reason_which_stands_in_its_history(engineer):
    key = made()
    assert engineer.post(f"/keys/{key.prefix}/revoke", {"reason": ""}).status_code == 422
    answer = engineer.post(f"/keys/{key.prefix}/revoke", {"reason": "It leaked."})
    assert answer.status_code == 303
    page = text(engineer.get(f"/keys/{key.prefix}"))
    for said in ("Revoked", "It leaked.", "Tomás"):
        assert said in page
    assert ">null<" not in page
    assert "/revoke" not in page
    assert len(keys.KeyRing.load()) == 0


def test_a_key_that_is_not_there_is_a_404(engineer):
    for path in ("/keys/nothing1", "/keys/%00", "/keys/nothing1/rotate", "/keys/nothing1/revoke"):
        assert engineer.get(path).status_code == 404
