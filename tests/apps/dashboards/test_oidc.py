"""Signing in at the organisation's identity provider: a real one, over a real socket."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers import registry
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from django.test import Client

from apps.accounts import invitations
from apps.accounts.models import Role, User
from routerctl.env import PEOPLES_ROLES, ROOT, Oidc
from tests.apps.dashboards.identity_provider import CLIENT_ID, CLIENT_SECRET, identity_provider
from tests.apps.dashboards.signing import code, give_app

pytestmark = pytest.mark.django_db
FAY = {"sub": "f-1", "email": "Fay@example.com", "email_verified": True, "name": "Fay Wong"}


@pytest.fixture(scope="module")
def running():
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def provider(running, settings):
    """Configured, and in front of its browser sits Fay."""
    running.who, running.userinfo_says = dict(FAY), {}
    running.seen.clear()
    configure(settings, running.url)
    return running


def configure(settings, issuer, role_claim="", roles=()):
    registry.register(OpenIDConnectProvider)  # as its app does when the environment has a provider
    oidc = Oidc(issuer, CLIENT_ID, CLIENT_SECRET, "Larkfield", role_claim, roles)
    settings.ENV = replace(settings.ENV, oidc=oidc)
    app = {
        "provider_id": "oidc",
        "name": oidc.name,
        "client_id": oidc.client_id,
        "secret": oidc.client_secret,
        "settings": {"server_url": oidc.issuer},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
    }


@pytest.fixture
def invited(person):
    """Fay is invited to finance, for acme."""
    admin = person("admin", password=None)
    facts = {"email": "fay@example.com", "role": "finance", "tenants": ["acme"]}
    return invitations.invite(**facts, by=admin, reason="for a test")[0]


def leave(client, **more):
    """Where the button leads: the provider's address."""
    answer = client.post("/sign-in/oidc/oidc", more)
    assert answer.status_code == 200, answer.content.decode()
    found = re.search(r'content="0; url=([^"]+)"', answer.content.decode())
    return unescape(found[1])


def at_the_provider(url):
    """The way back that the provider sends the browser."""
    answer = httpx2.get(url, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    way_back = urlsplit(answer.headers["Location"])
    return f"{way_back.path}?{way_back.query}"


def sign_in(client, **more):
    return client.get(at_the_provider(leave(client, **more)))


# ------------------------------------------------------------------------- who comes in


def test_an_invited_person_joins_by_their_verified_address(client, provider, invited):
    answer = sign_in(client, next="/traces?status=failed")
    assert (answer.status_code, answer["Location"]) == (302, "/traces?status=failed")
    fay = User.objects.get(email="fay@example.com")
    assert (fay.name, fay.role, fay.tenants) == ("Fay Wong", "finance", ["acme"])
    assert not fay.has_usable_password()
    assert client.get("/traces").status_code == 200
    told = [row.history_change_reason for row in fay.history.all()]
    assert told == ["signs in with Larkfield", "accepted an invitation"]


def test_the_next_time_they_simply_come_in(client, provider, invited):
    sign_in(client)
    again = Client()
    assert sign_in(again).status_code == 302
    assert again.get("/traces").status_code == 200
    assert SocialAccount.objects.count() == 1


def test_somebody_who_is_here_already_signs_in_without_an_invitation(client, provider, person):
    fay = person("finance", email="fay@example.com")
    assert sign_in(client).status_code == 302
    assert str(fay.pk) == client.session["_auth_user_id"]


def test_who_is_not_invited_does_not_come_in(client, provider, db):
    answer = sign_in(client)
    assert answer.status_code == 403
    assert "You are not invited" in answer.content.decode()
    assert not User.objects.exists()
    assert client.get("/traces").status_code == 302


@pytest.mark.parametrize("verified", [False, None, "true", "false", 1])
def test_an_address_that_is_not_verified_opens_nothing(client, provider, invited, verified):
    provider.who["email_verified"] = verified
    answer = sign_in(client)
    assert answer.status_code == 403
    assert "has not verified" in answer.content.decode()
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("email", [None, "", ["fay@example.com"]])
def test_without_an_address_nobody_comes_in(client, provider, invited, email):
    provider.who["email"] = email
    assert sign_in(client).status_code == 403


def test_who_left_does_not_come_in(client, provider, person):
    fay = person("finance", email="fay@example.com")
    User.objects.filter(pk=fay.pk).update(is_active=False)
    assert sign_in(client).status_code == 403
    assert client.get("/traces").status_code == 302


def test_an_address_that_was_given_to_somebody_else_opens_nothing(client, provider, invited):
    sign_in(client)
    provider.who["sub"] = "f-2"
    answer = sign_in(Client())
    assert answer.status_code == 403
    assert "somebody else by this address" in answer.content.decode()


def test_who_takes_another_address_does_not_become_another_person(
    client, provider, invited, person
):
    sign_in(client)
    person("engineer", email="emil@example.com", password=None)
    provider.who["email"] = "emil@example.com"
    assert sign_in(Client()).status_code == 403


def test_userinfo_about_another_than_the_token_is_refused(client, provider, invited):
    provider.userinfo_says = {"sub": "f-9"}
    answer = sign_in(client)
    assert answer.status_code == 403
    assert "contradicts itself" in answer.content.decode()


def test_a_second_factor_is_asked_for_as_after_a_password(client, provider, person):
    secret = give_app(person("finance", email="fay@example.com"))
    assert sign_in(client)["Location"] == "/sign-in/code"
    assert client.get("/traces").status_code == 302
    client.post("/sign-in/code", {"code": code(secret)})
    assert client.get("/traces").status_code == 200


# ------------------------------------------------------------------------- roles


@pytest.mark.parametrize(
    ("said", "role"),
    [
        (["eng"], "engineer"),
        ("fin", "finance"),
        (["fin", "eng"], "engineer"),
        (["other"], "finance"),
        (None, "finance"),
        ({"eng": 1}, "finance"),
    ],
)
def test_a_claim_says_the_role_where_that_is_configured(
    client, provider, invited, settings, said, role
):
    configure(settings, provider.url, "groups", (("eng", "engineer"), ("fin", "finance")))
    provider.who["groups"] = said
    sign_in(client)
    assert User.objects.get(email="fay@example.com").role == role


def test_a_claim_says_nothing_where_it_is_not_configured(client, provider, invited):
    provider.who |= {"role": "admin", "groups": ["admin"], "": "admin"}
    sign_in(client)
    assert User.objects.get(email="fay@example.com").role == "finance"


def test_the_environment_knows_the_roles():
    assert set(PEOPLES_ROLES) == set(Role.values)


# ------------------------------------------------------------------------- the flow


def test_the_flow_is_bound_to_its_browser_by_state_and_pkce(client, provider, invited):
    query = parse_qs(urlsplit(leave(client)).query)
    assert query["code_challenge_method"] == ["S256"]
    assert set(query["scope"][0].split()) == {"openid", "profile", "email"}
    way_back = at_the_provider(leave(client))
    assert Client().get(way_back).status_code == 403
    assert client.get(way_back).status_code == 302
    assert provider.seen[-1]["code_verifier"]


def test_a_code_is_traded_once(client, provider, invited):
    way_back = at_the_provider(leave(client))
    client.get(way_back)
    client.post("/sign-out/")
    assert client.get(way_back).status_code == 403


@pytest.mark.parametrize("query", ["", "?error=access_denied", "?code=x&state=y", "?state=x"])
def test_whoever_comes_back_without_having_left_is_refused_on_a_page_of_ours(
    client, provider, query
):
    answer = client.get(f"/sign-in/oidc/oidc/callback{query}")
    assert answer.status_code == 403
    assert "Sign in another way" in answer.content.decode()


@pytest.mark.parametrize("elsewhere", ["https://evil.example.com/", "//evil.example.com"])
def test_coming_back_leads_to_no_other_host(client, provider, invited, elsewhere):
    assert sign_in(client, next=elsewhere)["Location"] == "/"


def test_a_provider_that_is_away_is_told(client, settings, db):
    configure(settings, "http://127.0.0.1:9")
    answer = client.post("/sign-in/oidc/oidc")
    assert answer.status_code == 502
    assert "Larkfield cannot be reached" in answer.content.decode()


def test_nothing_that_the_provider_says_is_kept_but_its_id(client, provider, invited):
    sign_in(client)
    sign_in(Client())
    (kept,) = SocialAccount.objects.all()
    assert (kept.uid, kept.extra_data) == ("f-1", {})


def test_the_button_is_there_when_a_provider_is_configured(client, provider, db):
    assert "Continue with Larkfield" in client.get("/sign-in/").content.decode()


def test_without_a_provider_there_is_no_button(client, db):
    assert "Continue with" not in client.get("/sign-in/").content.decode()


@pytest.mark.parametrize(
    ("role", "known", "loaded"), [("web", "['openid_connect']", "True"), ("gateway", "[]", "False")]
)
def test_the_environment_configures_it_where_pages_are_served_and_nowhere_else(role, known, loaded):
    """Its client library is not loaded by a process that only serves the machine door."""
    program = (
        "import sys, django; django.setup();"
        "from allauth.socialaccount.providers import registry;"
        "import apps.gateway.asgi;"
        "print([provider.id for provider in registry.get_class_list()]);"
        "print('requests' in sys.modules)"
    )
    environment = {
        **os.environ,
        "ROUTERCTL_ROLE": role,
        "ROUTERCTL_OIDC_ISSUER": "https://id.example.com",
        "ROUTERCTL_OIDC_CLIENT_ID": CLIENT_ID,
        "ROUTERCTL_OIDC_CLIENT_SECRET": CLIENT_SECRET,
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split("\n")[:2] == [known, loaded], done.stderr
