"""Whatever a form is sent beside its own fields sets nothing: every role, every form, every column
of what the form writes, in the words that would give most."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts import invitations, keys
from apps.accounts.models import ApiKey, Invitation, Role, User
from apps.policies import editing
from apps.policies.apply import apply
from tests.apps.dashboards.conftest import PASSWORD
from tests.apps.dashboards.objects.conftest import save
from tests.apps.policies.files import small

pytestmark = pytest.mark.django_db
LATER = "2040-01-01T00:00:00Z"
MOST = {
    "role": "admin",
    "tenants": "*",
    "tenant": "*",
    "scopes": ["generate", "decide", "feedback", "read", "write"],
    "is_active": "on",
    "is_superuser": "on",
    "is_staff": "on",
    "disclose": "deployment",
    "legacy": "on",
    "digest": "0" * 64,
    "expires_at": LATER,
    "revoked_at": "",
    "created_at": LATER,
    "last_login": LATER,
    "created_by": "1",
    "created_by_id": "1",
    "person": "1",
    "replaces": "1",
    "prefix": "aaaaaaaa",
    "email": "mallory@example.com",
    "theme": "dark",
    "density": "compact",
    "id": "1",
    "pk": "1",
    "source": "command",
    "by": "1",
}
"""What to become, by the columns of people, invitations and keys, and by arguments of services."""


def beside(*own):
    """MOST without the fields that the form has."""
    return {name: value for name, value in MOST.items() if name not in own}


def row(model, pk):
    return model.objects.values().get(pk=pk)


def test_the_most_has_every_column_that_a_form_could_be_sent():
    columns = {field.name for model in (User, Invitation, ApiKey) for field in model._meta.fields}
    assert columns - set(MOST) == {"name", "password", "plan", "feature", "app"}


# ------------------------------------------------------------------------- oneself


@pytest.mark.parametrize("role", Role.values)
def test_an_account_changes_by_its_name_alone(client, person, role):
    me = person(role, tenants=["acme"])
    client.force_login(me)
    before = row(User, me.pk)
    answer = client.post("/account", {"name": "Sam", **MOST, "password": "x"})
    assert answer.status_code == 303
    assert row(User, me.pk) == before | {"name": "Sam"}


@pytest.mark.parametrize("role", Role.values)
def test_how_pages_look_changes_nothing_else(client, person, role):
    me = person(role, tenants=["acme"])
    client.force_login(me)
    before = row(User, me.pk)
    client.post("/appearance", {**MOST, "name": "Sam", "password": "x"})
    assert row(User, me.pk) == before | {"theme": "dark", "density": "compact"}


@pytest.mark.parametrize("role", Role.values)
def test_a_new_password_changes_nothing_else(client, person, role):
    me = person(role, tenants=["acme"])
    client.force_login(me)
    before = row(User, me.pk)
    typed = {"old": PASSWORD, "new": "Another-Lantern-43", "name": "Sam"}
    assert client.post("/account/password", {**MOST, **typed}).status_code == 303
    after = row(User, me.pk)
    assert after.pop("password") != before.pop("password")
    assert after == before


# ------------------------------------------------------------------------- people


@pytest.mark.parametrize("role", Role.values)
def test_an_invitation_is_given_by_admins_and_made_by_its_own_fields(client, person, role):
    me = person(role, tenants=["acme"])
    client.force_login(me)
    typed = {"email": "fay@example.com", "role": "support", "tenants": "acme", "reason": "x"}
    answer = client.post("/people/invite", {**MOST, **typed})
    if role != Role.ADMIN:
        assert answer.status_code == 403
        assert not Invitation.objects.exists()
        return
    made = Invitation.objects.get()
    assert (made.email, made.role, made.tenants) == ("fay@example.com", "support", ["acme"])
    assert (made.created_by, made.person, made.revoked_at) == (me, None, None)
    assert made.expires_at - timezone.now() <= timedelta(days=7)
    assert bytes(made.digest) != bytes(32)


@pytest.mark.parametrize("role", Role.values)
def test_a_guest_becomes_what_the_invitation_says(person, role):
    made, token = invitations.invite(
        email="fay@example.com", role=role, tenants=["acme"], by=person("admin", tenants=["*"],
        email="ada@example.com"), reason="x",
    )  # fmt: skip
    guest = Client()
    guest.get(f"/join/{token}")
    answer = guest.post("/join", {**MOST, "name": "Fay", "password": PASSWORD, "is_active": ""})
    assert answer.status_code == 302
    fay = User.objects.get(email="fay@example.com")
    assert (fay.name, fay.role, fay.tenants, fay.is_active) == ("Fay", role, ["acme"], True)
    assert not User.objects.filter(email="mallory@example.com").exists()
    assert Invitation.objects.get().pk == made.pk


# ------------------------------------------------------------------------- keys


@pytest.mark.parametrize("role", Role.values)
def test_a_key_is_made_by_its_own_fields(client, person, role):
    me = person(role, tenants=["acme"])
    client.force_login(me)
    typed = {"name": "Backend", "tenant": "acme", "scopes": ["generate"], "disclose": "none"}
    own = ("name", "tenant", "scopes", "disclose", "legacy")
    answer = client.post("/keys/new", {**beside(*own), **typed, "reason": "x"})
    if role not in (Role.ENGINEER, Role.ADMIN):
        assert answer.status_code == 403
        assert not ApiKey.objects.exists()
        return
    made = ApiKey.objects.get()
    assert (made.tenant, made.scopes, made.disclose, made.legacy) == (
        "acme", ["generate"], "none", False,
    )  # fmt: skip
    assert (made.created_by, made.replaces, made.expires_at) == (me, None, None)
    assert made.prefix != "aaaaaaaa"
    assert bytes(made.digest) != bytes(32)
    assert made.history.get().history_user == me


@pytest.mark.parametrize("role", Role.values)
def test_a_rotated_key_may_no_more_than_the_one_it_replaces(client, person, role):
    old, _ = keys.create(name="Backend", tenant="acme", plan="", reason="x")
    me = person(role, tenants=["acme"])
    client.force_login(me)
    answer = client.post(
        f"/keys/{old.prefix}/rotate", {**MOST, "name": "Mine", "ends": "0", "reason": "x"}
    )
    if role not in (Role.ENGINEER, Role.ADMIN):
        assert answer.status_code == 403
        assert ApiKey.objects.count() == 1
        return
    made = ApiKey.objects.get(replaces=old)
    same = ("name", "tenant", "plan", "feature", "app", "scopes", "disclose", "legacy")
    assert [getattr(made, name) for name in same] == [getattr(old, name) for name in same]
    assert made.prefix not in ("aaaaaaaa", old.prefix)


def test_a_reason_to_revoke_does_not_unrevoke(client, person):
    key, _ = keys.create(name="Backend", tenant="acme", reason="x")
    client.force_login(person("engineer", tenants=["acme"]))
    before = row(ApiKey, key.pk)
    client.post(f"/keys/{key.prefix}/revoke", {**MOST, "reason": "x"})
    after = row(ApiKey, key.pk)
    assert after.pop("revoked_at") is not None
    assert before.pop("revoked_at") is None
    assert after == before


# ------------------------------------------------------------------------- objects

EVIL = "https://elsewhere.example/v1"
ANYWHERE = {
    "slug": "mine",
    "secret": "env:DATABASE_URL",
    "secret_reference": "env:DATABASE_URL",
    "origin": EVIL,
    "position": "0",
    "prices": "[]",
    "prices-0-from": "2020-01-01",
    "prices-0-input_usd_per_mtok": "0",
    "history_user": "1",
    "source": "command",
    "id": "1",
    "owner__id": "1",
    "__class__": "x",
}
"""What no form of an object has."""
FORMS = {
    "providers": (
        "/providers/-/edit/vendor",
        {"adapter": "openai", "base_url": "https://vendor.example/v2"},
        {"base_url": "https://vendor.example/v2", "attributes": None},
        {"engineer", "admin"},
    ),
    "features": (
        "/features/-/edit/support",
        {"owner": "a@example.com"},
        {"owner": "a@example.com"},
        {"product", "engineer", "admin"},
    ),
    "prompts": (
        "/prompts/-/edit/strict",
        {"system": "Be kind."},
        {"system": "Be kind."},
        {"product", "engineer", "admin"},
    ),
    "flags": (
        "/flags/-/edit/new",
        {"percent": "60", "sticky_by": "tenant", "enabled": "on"},
        {"percent": 60},
        {"product", "engineer", "admin"},
    ),
    "deployments": (
        "/deployments/-/edit/vendor/small",
        {
            "provider": "vendor",
            "model": "small-2",
            "region": "eu",
            "context_window": "32000",
            "max_output_tokens": "4096",
            "enabled": "on",
        },
        {"model": "small-2"},
        {"engineer", "admin"},
    ),
}
"""Path, what is typed, what of the entry it changes (None: takes away), and who may."""


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("kind", FORMS)
def test_an_object_changes_by_the_fields_of_its_form(client, person, kind, role):
    apply(small(), reason="for a test")
    me = person(role)
    client.force_login(me)
    path, typed, changes, who = FORMS[kind]
    slug = path.split("/-/edit/")[1]
    before = editing.entry(kind, slug).entry
    if role not in who:
        assert client.post(path, {**ANYWHERE, **typed, "reason": "x"}).status_code == 403
        assert editing.entry(kind, slug).entry == before
        return
    assert save(client, path, **ANYWHERE, **typed).status_code == 303
    [held] = editing.entries(kind)
    expected = {name: value for name, value in (before | changes).items() if value is not None}
    assert held.entry == expected
    assert held.saved.person == me
