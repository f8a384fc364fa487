import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from apps.accounts.models import User
from tests.apps.dashboards.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(client, email="support@example.com", password=PASSWORD, **more):
    return client.post("/sign-in/", {"login": email, "password": password, **more})


def told(answer):
    """The page up to the form, which repeats the address."""
    return answer.content.decode().split("<form")[0]


def test_the_right_password_leads_to_the_page_that_was_asked_for(client, person):
    person("support")
    answer = sign_in(client, next="/traces?status=failed")
    assert (answer.status_code, answer["Location"]) == (302, "/traces?status=failed")
    assert client.get("/traces").status_code == 200


def test_an_address_is_the_same_in_any_spelling(client, person):
    person("support")
    assert sign_in(client, email=" Support@Example.com ").status_code == 302


@pytest.mark.parametrize("elsewhere", ["https://evil.example.com/", "//evil.example.com"])
def test_signing_in_never_leads_to_another_host(client, person, elsewhere):
    person("support")
    assert "evil" not in sign_in(client, next=elsewhere)["Location"]


def test_a_wrong_password_is_422_and_does_not_say_whether_the_address_exists(client, person):
    person("support")
    wrong = sign_in(client, password="something else")
    unknown = sign_in(client, email="nobody@example.com")
    assert wrong.status_code == unknown.status_code == 422
    assert told(wrong) == told(unknown)


def test_who_left_cannot_sign_in(client, person):
    left = person("support")
    type(left).objects.filter(pk=left.pk).update(is_active=False)
    assert sign_in(client).status_code == 422
    assert client.get("/traces").status_code == 302


def test_after_five_wrong_passwords_even_the_right_one_waits(client, person):
    person("support")
    for _ in range(5):
        assert sign_in(client, password="something else").status_code == 422
    answer = sign_in(client)
    assert answer.status_code == 422
    assert "Too many" in answer.content.decode()


def test_too_many_tries_from_one_network_get_a_page_of_ours(client, person, settings):
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    assert sign_in(client, password="something else").status_code == 422
    answer = sign_in(client)
    assert answer.status_code == 429
    assert "Too many tries" in answer.content.decode()
    assert answer["X-Request-Id"] in answer.content.decode()


def test_a_session_gets_a_new_key_at_sign_in_and_ends_with_the_browser(client, person):
    person("support")
    client.get("/sign-in/")
    sign_in(client)
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == ""
    assert client.session.get_expiry_age() == 8 * 3600


def test_a_session_that_somebody_planted_is_not_the_one_that_is_signed_in(client, person):
    made = person("support")
    client.get("/sign-in/passkey")  # leaves a challenge, and with it a session
    planted = client.cookies["sessionid"].value
    sign_in(client)
    assert client.cookies["sessionid"].value != planted
    assert Session.objects.filter(session_key=planted).count() == 0
    attacker = Client()
    attacker.cookies["sessionid"] = planted
    assert attacker.get("/traces").status_code == 302
    assert client.session["_auth_user_id"] == str(made.pk)


@pytest.mark.parametrize("who", ["wrong password", "unknown", "left", "without a password"])
def test_a_refused_sign_in_costs_one_password_hash_whoever_it_is(client, person, monkeypatch, who):
    """What an attacker could time is the same work, with the same answer."""
    person("support")
    left = person("finance")
    type(left).objects.filter(pk=left.pk).update(is_active=False)
    person("product", password=None)
    hashed, encode = [], PBKDF2PasswordHasher.encode

    def counting(self, *arguments, **more):
        hashed.append(arguments)
        return encode(self, *arguments, **more)

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", counting)
    email, password = {
        "wrong password": ("support@example.com", "something else"),
        "unknown": ("nobody@example.com", PASSWORD),
        "left": ("finance@example.com", PASSWORD),
        "without a password": ("product@example.com", PASSWORD),
    }[who]
    answer = sign_in(client, email=email, password=password)
    assert answer.status_code == 422
    assert len(hashed) == 1
    assert "Not signed in" in answer.content.decode()
    stranger = Client()
    assert told(answer) == told(sign_in(stranger, email="someone@example.com"))


def test_an_unknown_address_is_locked_as_a_known_one_is(client, person):
    person("support")
    bodies = {}
    for email in ("support@example.com", "nobody@example.com"):
        for _ in range(5):
            assert sign_in(client, email=email, password="something else").status_code == 422
        answer = sign_in(client, email=email, password="something else")
        assert answer.status_code == 422
        bodies[email] = told(answer)
        cache.clear()
    assert "Too many" in bodies["nobody@example.com"]
    assert bodies["support@example.com"] == bodies["nobody@example.com"]


def test_nobody_is_here_before_somebody_is_made(db):
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        *("/accounts/login/", "/accounts/email/", "/accounts/password/reset/", "/accounts/logout/"),
        *("/accounts/inactive/", "/accounts/2fa/", "/accounts/sessions/", "/accounts/3rdparty/"),
        *("/accounts/oidc/oidc/login/", "/accounts/social/signup/", "/admin/", "/admin/login/"),
        *("/account/email", "/account/2fa", "/sign-in/trust", "/password-reset"),
    ],
)
def test_no_page_of_the_libraries_can_be_reached(client, person, path):
    assert client.get(path).status_code == 404
    client.force_login(person("admin", password=None))
    assert client.get(path).status_code == 404


def test_asking_for_json_brings_the_page_all_the_same(client, person):
    headers = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
    answer = client.post("/sign-in/", {"login": "x", "password": "y"}, headers=headers)
    assert answer.status_code == 422
    assert answer["Content-Type"].startswith("text/html")


def test_there_is_no_signing_up(client):
    for path in ("/signup/", "/sign-up/", "/accounts/signup/"):
        assert client.get(path).status_code == 404
    assert "sign up" not in client.get("/sign-in/").content.decode().lower()


def test_signing_out_is_a_post(support):
    assert support.get("/sign-out/").status_code == 405
    assert support.get("/traces").status_code == 200
    assert support.post("/sign-out/")["Location"] == "/sign-in/"
    assert support.get("/traces").status_code == 302


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-out/", "/appearance"])
def test_a_form_from_elsewhere_is_refused_on_a_page_of_ours(person, path):
    strict = Client(enforce_csrf_checks=True)
    if path == "/appearance":
        strict.force_login(person("support"))
    answer = strict.post(path, {"theme": "dark"})
    assert answer.status_code == 403
    assert "This form is out of date" in answer.content.decode()
