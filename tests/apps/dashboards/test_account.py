"""One's own account: name, password, sessions."""

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from apps.accounts.models import User
from apps.accounts.sessions import browser
from tests.apps.dashboards.conftest import PASSWORD
from tests.apps.dashboards.signing import sign_in

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEW = "Another-Lantern-43"


@pytest.fixture
def me(client, person):
    made = person("support", name="Sam Porter")
    sign_in(client, made)
    return made


@pytest.fixture
def elsewhere(me):
    """The same person in another browser."""
    other = Client(headers={"user-agent": FIREFOX})
    sign_in(other, me)
    return other


def test_people_choose_their_own_name_and_the_change_is_told(client, me):
    assert client.post("/account", {"name": " Samira Porter "}).status_code == 303
    me.refresh_from_db()
    assert me.name == "Samira Porter"
    assert me.history.first().history_user == me


def test_a_page_without_a_region_of_its_own_is_given_to_htmx_whole(client, me):
    answer = client.get("/account", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<!DOCTYPE html>" in answer.content.decode()


def test_a_name_that_is_too_long_is_422_and_kept_in_the_form(client, me):
    answer = client.post("/account", {"name": "x" * 121})
    assert answer.status_code == 422
    assert "x" * 121 in answer.content.decode()


@pytest.mark.parametrize(
    "field", ["role", "tenants", "is_active", "email", "password", "id", "created_at"]
)
def test_the_form_changes_nothing_but_the_name(client, me, field):
    before = User.objects.values().get(pk=me.pk)
    client.post("/account", {"name": "Other", field: "admin"})
    after = User.objects.values().get(pk=me.pk)
    assert after == before | {"name": "Other"}


def test_a_new_password_needs_the_old_one(client, me):
    answer = client.post("/account/password", {"old": "not it", "new": NEW})
    assert answer.status_code == 422
    assert "not your current password" in answer.content.decode()
    me.refresh_from_db()
    assert me.check_password(PASSWORD)


@pytest.mark.parametrize("weak", ["short", "password1234", "support@example.com", "Sam Porter"])
def test_a_weak_password_is_refused(client, me, weak):
    assert client.post("/account/password", {"old": PASSWORD, "new": weak}).status_code == 422


def test_passwords_are_never_sent_back(client, me):
    shown = client.post("/account/password", {"old": PASSWORD, "new": "short"}).content.decode()
    assert PASSWORD not in shown
    assert 'value="short"' not in shown


def test_a_new_password_keeps_this_session_and_ends_the_others(client, me, elsewhere):
    assert client.post("/account/password", {"old": PASSWORD, "new": NEW}).status_code == 303
    assert client.get("/traces").status_code == 200
    assert elsewhere.get("/traces").status_code == 302
    assert me.history.first().history_change_reason == "changed their own password"


def test_guessing_the_current_password_is_limited(client, me):
    statuses = [
        client.post("/account/password", {"old": "guess", "new": NEW}).status_code for _ in range(6)
    ]
    assert statuses[-1] == 429
    assert set(statuses[:-1]) == {422}


def test_sessions_are_listed_and_others_can_be_ended(client, me, elsewhere):
    shown = client.get("/account").content.decode()
    assert "Firefox on Linux" in shown
    assert "This one" in shown
    assert client.post("/account/sessions/end").status_code == 303
    assert client.get("/traces").status_code == 200
    assert elsewhere.get("/traces").status_code == 302


def test_one_session_can_be_ended(client, me, elsewhere):
    other = UserSession.objects.get(session_key=elsewhere.session.session_key)
    client.post("/account/sessions/end", {"session": other.pk})
    assert elsewhere.get("/traces").status_code == 302
    assert client.get("/traces").status_code == 200


def test_a_colleagues_session_is_not_ones_own_to_end(client, me, person):
    colleague = Client()
    sign_in(colleague, person("finance"))
    theirs = UserSession.objects.get(session_key=colleague.session.session_key)
    client.post("/account/sessions/end", {"session": theirs.pk})
    assert colleague.get("/traces").status_code == 200


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari on iOS"),
        ("curl/8.5", "Another program"),
        ("<script>", "Another program"),
    ],
)
def test_a_browser_is_told_in_words(agent, words):
    assert browser(agent) == words
