import pytest
from django.test import Client

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
