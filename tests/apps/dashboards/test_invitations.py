"""Invitations: a link that works once, for as long as whoever gave it may still give it."""

import re
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.accounts import invitations
from apps.accounts.models import Invitation, Role, User
from tests.apps.dashboards.conftest import PASSWORD
from tests.apps.dashboards.smtp import receiving_mail

pytestmark = pytest.mark.django_db
FACTS = {
    "email": "Fay@Example.com",
    "role": "finance",
    "tenants": "acme",
    "reason": "joins the finance team",
}


@pytest.fixture
def admin(client, person):
    made = person("admin", name="Adaeze Obi")
    client.force_login(made)
    return made


@pytest.fixture
def invite(client, admin):
    """Invites; the path of the link."""

    def invite(**changes):
        answer = client.post("/people/invite", FACTS | changes)
        assert answer.status_code == 200, answer.content.decode()
        return re.search(r"http://testserver(/join/[\w-]+)", answer.content.decode())[1]

    return invite


@pytest.fixture
def stranger():
    return Client()


def join(browser, link, **changes):
    browser.get(link)
    return browser.post("/join", {"name": "Fay Wong", "password": PASSWORD} | changes)


def test_who_is_invited_joins_with_the_role_and_tenants_that_were_given(invite, stranger):
    link = invite()
    assert stranger.get(link)["Location"] == "/join"
    welcome = stranger.get("/join").content.decode()
    assert "Adaeze Obi invites you as Finance" in welcome
    answer = join(stranger, link)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    fay = User.objects.get(email="fay@example.com")
    assert (fay.name, fay.role, fay.tenants) == ("Fay Wong", "finance", ["acme"])
    assert stranger.get("/traces").status_code == 200


def test_the_history_tells_who_invited_whom_and_why(invite, stranger, admin):
    join(stranger, invite())
    kept = Invitation.objects.get()
    fay = User.objects.get(email="fay@example.com")
    told = [(row.history_user, row.history_change_reason) for row in kept.history.all()]
    assert told == [(fay, "accepted"), (admin, "joins the finance team")]
    assert fay.history.last().history_user == admin


def test_a_link_works_once(invite, stranger):
    link = invite()
    join(stranger, link)
    again = Client()
    assert again.get(link).status_code == 404
    assert again.get("/join").status_code == 404
    assert User.objects.filter(email="fay@example.com").count() == 1


def test_two_who_opened_the_link_do_not_both_join(invite, stranger):
    link, other = invite(), Client()
    other.get(link)
    join(stranger, link)
    answer = other.post("/join", {"name": "Mallory", "password": PASSWORD})
    assert answer.status_code == 404
    assert not User.objects.filter(name="Mallory").exists()


def test_looking_at_a_link_does_not_use_it_up(invite, stranger):
    link = invite()
    for _ in range(3):
        assert Client().get(link).status_code == 302
    assert join(stranger, link).status_code == 302


def test_the_token_is_kept_nowhere_and_leaves_the_address(invite, stranger):
    link = invite()
    token = link.rsplit("/", 1)[1]
    stranger.get(link)
    with connection.cursor() as cursor:
        tables = ("accounts_invitation", "accounts_historicalinvitation", "accounts_auditentry")
        for table in (*tables, "django_session"):
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s", [f"%{token}%"])
            assert cursor.fetchone() == (0,)
    assert token not in str(dict(stranger.session))


def test_a_link_ends_after_seven_days(invite, stranger):
    link = invite()
    kept = Invitation.objects.get()
    assert kept.expires_at - kept.created_at >= timedelta(days=6, hours=23)
    stranger.get(link)
    Invitation.objects.update(expires_at=timezone.now())
    assert stranger.get("/join").status_code == 404
    assert Client().get(link).status_code == 404


def test_a_link_that_is_revoked_works_no_longer(client, invite, stranger):
    link = invite()
    stranger.get(link)
    path = f"/people/invitations/{Invitation.objects.get().pk}/revoke"
    assert client.post(path, {"reason": ""}).status_code == 422
    assert client.post(path, {"reason": "wrong address"}).status_code == 303
    assert stranger.post("/join", {"name": "Fay", "password": PASSWORD}).status_code == 404
    client.get("/people")  # tells that it is revoked
    assert "fay@example.com" not in client.get("/people").content.decode()
    assert client.post(path, {"reason": "again"}).status_code == 404


@pytest.mark.parametrize(
    "lost", [{"is_active": False}, {"role": Role.AUDITOR}, {"tenants": ["globex"]}]
)
def test_a_link_ends_when_its_giver_may_no_longer_give_it(invite, stranger, admin, lost):
    link = invite()
    User.objects.filter(pk=admin.pk).update(**lost)
    assert stranger.get(link).status_code == 404


@pytest.mark.parametrize("weak", ["short", "password1234", "fay@example.com"])
def test_a_weak_password_is_told_and_the_link_still_works(invite, stranger, weak):
    link = invite()
    answer = join(stranger, link, password=weak)
    assert answer.status_code == 422
    assert "Fay Wong" in answer.content.decode()
    assert join(stranger, link).status_code == 302


@pytest.mark.parametrize("field", ["role", "tenants", "email", "is_active"])
def test_who_joins_chooses_a_name_and_a_password_and_nothing_else(invite, stranger, field):
    join(stranger, invite(), **{field: "admin"})
    fay = User.objects.get(email="fay@example.com")
    assert (fay.role, fay.tenants, fay.is_active) == ("finance", ["acme"], True)


def test_whoever_was_signed_in_in_that_browser_is_signed_out(invite, person):
    browser = Client()
    browser.force_login(person("engineer"))
    join(browser, invite())
    assert "Fay Wong" in browser.get("/account").content.decode()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"email": "admin@example.com"}, "somebody with this address"),
        ({"email": "nobody"}, "valid email"),
        ({"role": "root"}, "valid choice"),
        ({"reason": ""}, "Give a reason"),
    ],
)
def test_an_invitation_that_makes_no_sense_is_422(client, admin, wrong, told):
    answer = client.post("/people/invite", FACTS | wrong)
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not Invitation.objects.exists()


def test_who_is_invited_already_is_not_invited_again(client, invite):
    invite()
    answer = client.post("/people/invite", FACTS)
    assert answer.status_code == 422
    assert "invited already" in answer.content.decode()


@pytest.mark.parametrize("beyond", ["*", "globex", "acme, globex"])
def test_nobody_invites_to_tenants_beyond_their_own(client, person, beyond):
    limited = person("admin", tenants=["acme"])
    client.force_login(limited)
    assert client.post("/people/invite", FACTS | {"tenants": beyond}).status_code == 422
    with pytest.raises(ValidationError):
        invitations.invite(
            email="x@example.com", role="support", tenants=beyond.split(", "), by=limited,
            reason="x",
        )  # fmt: skip
    assert not Invitation.objects.exists()


def test_an_invitation_beyond_ones_tenants_is_not_there(client, invite, person):
    invite(tenants="*")
    client.force_login(person("admin", tenants=["acme"], email="limited@example.com"))
    assert "fay@example.com" not in client.get("/people").content.decode()
    path = f"/people/invitations/{Invitation.objects.get().pk}/revoke"
    assert client.post(path, {"reason": "x"}).status_code == 404


def test_in_production_who_joins_to_write_sets_up_a_second_factor_first(invite, stranger, settings):
    link = invite()
    settings.SECOND_FACTOR_REQUIRED = True
    join(stranger, link)
    assert stranger.get("/traces")["Location"] == "/account"


# ------------------------------------------------------------------------- by mail


def test_without_a_mail_server_the_link_is_shown_and_nothing_is_sent(client, admin, mailoutbox):
    shown = client.post("/people/invite", FACTS).content.decode()
    assert "shown once" in shown
    assert "by mail" not in shown
    assert mailoutbox == []


def test_with_a_mail_server_the_link_is_mailed(client, admin, settings):
    with receiving_mail(settings) as mails:
        shown = client.post("/people/invite", FACTS).content.decode()
    assert "on its way by mail" in shown
    link = re.search(r"http://testserver/join/[\w-]+", shown)[0]
    (mail,) = mails
    assert mail.sender == "routerctl@example.com"
    assert mail.recipients == ["fay@example.com"]
    assert link in mail.text
    assert "Adaeze Obi invites you to routerctl as Finance" in mail.text


def test_a_mail_server_that_is_away_is_told_and_the_link_still_shown(client, admin, settings):
    with receiving_mail(settings):
        pass
    shown = client.post("/people/invite", FACTS).content.decode()
    assert "did not take it" in shown
    assert "/join/" in shown


def test_a_name_cannot_write_headers_into_the_mail(client, person, settings):
    client.force_login(person("admin", name="Eve\r\nBcc: all@example.com"))
    with receiving_mail(settings) as mails:
        client.post("/people/invite", FACTS)
    (mail,) = mails
    assert mail.recipients == ["fay@example.com"]
    assert "\nBcc:" not in mail.text.partition("\n\n")[0]
