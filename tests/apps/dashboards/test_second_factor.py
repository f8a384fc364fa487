"""A second step at sign-in, and the pages where people set it up."""

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from apps.accounts import people
from apps.accounts.models import Role, User
from tests.apps.dashboards.signing import code, confirm, give_app, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def engineer(client, person):
    """Signed in by password, so that it is known how."""
    made = person("engineer")
    sign_in(client, made)
    confirm(client)
    return made


def reasons(person: User) -> list[str]:
    return [row.history_change_reason for row in person.history.all()]


def set_up_app(client) -> str:
    """Its secret."""
    client.get("/account/app")
    secret: str = client.session[totp.SECRET_SESSION_KEY]
    assert client.post("/account/app", {"code": code(secret)}).status_code == 303
    return secret


# ------------------------------------------------------------------------- at sign-in


def test_with_an_app_the_password_alone_opens_nothing(client, person):
    secret = give_app(made := person("engineer"))
    assert sign_in(client, made)["Location"] == "/sign-in/code"
    assert client.get("/traces").status_code == 302
    answer = client.post("/sign-in/code", {"code": code(secret)})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/traces").status_code == 200


def test_a_wrong_code_is_422_and_the_next_try_may_be_right(client, person):
    secret = give_app(made := person("engineer"))
    sign_in(client, made)
    wrong = client.post("/sign-in/code", {"code": code(secret, 400)})
    assert wrong.status_code == 422
    assert "That code is not right" in wrong.content.decode()
    assert client.get("/traces").status_code == 302
    assert client.post("/sign-in/code", {"code": code(secret)}).status_code == 302


def test_a_code_works_once(client, person):
    secret = give_app(made := person("engineer"))
    for expected in (302, 422):
        sign_in(client, made)
        assert client.post("/sign-in/code", {"code": code(secret)}).status_code == expected
        client.post("/sign-out/")


def test_after_five_wrong_codes_even_the_right_one_waits(client, person):
    secret = give_app(made := person("engineer"))
    sign_in(client, made)
    for _ in range(5):
        client.post("/sign-in/code", {"code": code(secret, 400)})
    answer = client.post("/sign-in/code", {"code": code(secret)})
    assert answer.status_code == 422
    assert "Too many" in answer.content.decode()


def test_the_second_step_is_not_there_without_the_first(client, person):
    assert client.get("/sign-in/code")["Location"] == "/sign-in/"


def test_who_is_between_the_steps_can_begin_again_as_somebody_else(client, person):
    give_app(made := person("engineer"))
    sign_in(client, made)
    assert client.get("/sign-in/")["Location"] == "/sign-in/code"
    client.post("/sign-out/")
    assert client.get("/sign-in/").status_code == 200


def test_who_left_does_not_come_in_by_the_second_step(client, person):
    secret = give_app(made := person("engineer"))
    sign_in(client, made)
    User.objects.filter(pk=made.pk).update(is_active=False)
    client.post("/sign-in/code", {"code": code(secret)})
    assert client.get("/traces").status_code == 302


# ------------------------------------------------------------------------- setting it up


def test_an_app_is_set_up_with_its_first_code_and_brings_recovery_codes(
    client, engineer, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        secret = set_up_app(client)
    shown = client.get("/account/recovery-codes").content.decode()
    codes = re.findall(r"\b\d{8}\b", shown.partition("<pre")[2].partition("</pre>")[0])
    assert len(codes) == 10
    again = client.get("/account/recovery-codes").content.decode()
    assert not re.search(r"\b\d{8}\b", again)
    assert "They were shown already" in again
    assert {"added: authenticator app", "added: recovery codes"} <= set(reasons(engineer))

    client.post("/sign-out/")
    sign_in(client, engineer)
    assert client.post("/sign-in/code", {"code": codes[3]}).status_code == 302
    assert "9 of 10 left" in client.get("/account").content.decode()
    client.post("/sign-out/")
    sign_in(client, engineer)
    assert client.post("/sign-in/code", {"code": codes[3]}).status_code == 422
    assert code(secret) not in shown


def test_an_app_is_not_set_up_by_a_wrong_code(client, engineer):
    client.get("/account/app")
    secret = client.session[totp.SECRET_SESSION_KEY]
    answer = client.post("/account/app", {"code": code(secret, 400)})
    assert answer.status_code == 422
    assert not Authenticator.objects.exists()
    assert client.session[totp.SECRET_SESSION_KEY] == secret


def test_the_picture_holds_the_secret_that_is_set_up_and_is_kept_by_no_cache(
    client, engineer, monkeypatch
):
    drawn = []
    monkeypatch.setattr(
        "apps.accounts.adapters.SecondFactorAdapter.build_totp_svg",
        lambda self, url: drawn.append(url) or "<svg/>",
    )
    page = client.get("/account/app").content.decode()
    answer = client.get("/account/app/picture.svg")
    assert answer["Content-Type"] == "image/svg+xml"
    assert "no-store" in answer["Cache-Control"]
    query = parse_qs(urlsplit(drawn[-1]).query)
    secret = client.session[totp.SECRET_SESSION_KEY]
    assert (query["secret"], query["issuer"]) == ([secret], ["routerctl"])
    assert secret in page.replace(" ", "")


def test_the_picture_is_one(client, engineer):
    client.get("/account/app")
    assert client.get("/account/app/picture.svg").content.startswith(b"<?xml")


@pytest.mark.parametrize(
    "path",
    ["/account/app", "/account/app/remove", "/account/passkeys/add", "/account/recovery-codes"],
)
def test_what_protects_the_account_asks_once_more_who_it_is(client, person, path):
    sign_in(client, person("engineer"))
    answer = client.get(path)
    assert (answer.status_code, urlsplit(answer["Location"]).path) == (302, "/sign-in/again")
    wrong = client.post("/sign-in/again", {"password": "something else", "next": path})
    assert wrong.status_code == 422
    assert confirm(client)["Location"] == "/account"
    assert client.get(path).status_code in (200, 404)


def test_removing_the_last_factor_removes_the_recovery_codes_and_is_told(client, engineer):
    set_up_app(client)
    assert client.get("/account/app/remove").status_code == 200
    assert client.post("/account/app/remove").status_code == 303
    assert not Authenticator.objects.exists()
    assert "removed: authenticator app" in reasons(engineer)


def test_a_colleagues_passkey_is_not_there(client, engineer, person):
    other = person("product")
    kept = Authenticator.objects.create(
        user=other, type=Authenticator.Type.WEBAUTHN, data={"name": "Phone", "credential": {}}
    )
    assert client.post(f"/account/passkeys/{kept.pk}/remove").status_code == 404
    assert Authenticator.objects.filter(pk=kept.pk).exists()


def test_a_passkey_that_answers_nothing_sensible_is_refused(client, engineer):
    client.get("/account/passkeys/add")
    for credential in ("", "{}", "[]", "x", '{"id": "AA", "type": "public-key"}'):
        answer = client.post("/account/passkeys/add", {"name": "x", "credential": credential})
        assert answer.status_code == 422
    assert not Authenticator.objects.exists()


def test_a_sign_in_with_an_unknown_passkey_is_422_on_the_page_of_ours(client, db):
    client.get("/sign-in/passkey")
    for credential in ("", "{}", '{"id": "AA", "rawId": "AA", "response": {}}', "nonsense"):
        answer = client.post("/sign-in/passkey", {"credential": credential})
        assert answer.status_code == 422
        assert "That passkey is not known here" in answer.content.decode()


# ------------------------------------------------------------------------- who must have one


@pytest.mark.parametrize("role", Role.values)
def test_in_production_roles_that_write_set_one_up_before_anything_else(
    client, person, settings, role
):
    settings.SECOND_FACTOR_REQUIRED = True
    made = person(role)
    sign_in(client, made)
    writes = role in ("finance", "product", "engineer", "admin")
    assert client.get("/traces").status_code == (302 if writes else 200)
    assert client.get("/account").status_code == 200
    if writes:
        assert client.get("/traces")["Location"] == "/account"
        assert "needs a second factor" in client.get("/account").content.decode()
        confirm(client)
        set_up_app(client)
        assert client.get("/traces").status_code == 200


# ------------------------------------------------------------------------- how secrets rest


def test_secrets_rest_encrypted_and_move_to_a_new_key(client, engineer, settings):
    secret = set_up_app(client)
    kept = Authenticator.objects.get(type=Authenticator.Type.TOTP)
    assert secret not in str(kept.data)

    old = settings.ENV
    new = Fernet.generate_key().decode()
    settings.ENV = _with_keys(old, new, *old.encryption_keys)
    call_command("rotate_secrets")
    settings.ENV = _with_keys(old, new)
    kept.refresh_from_db()
    assert settings.ENV.encryption_ring.decrypt(kept.data["secret"].encode()).decode() == secret


def test_a_key_that_opens_nothing_changes_nothing(client, engineer, settings):
    set_up_app(client)
    before = list(Authenticator.objects.order_by("pk").values_list("data", flat=True))
    settings.ENV = _with_keys(settings.ENV, Fernet.generate_key().decode())
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("rotate_secrets")
    assert list(Authenticator.objects.order_by("pk").values_list("data", flat=True)) == before


def _with_keys(env, *keys):
    return replace(env, encryption_keys=keys)


def test_a_password_of_their_own_is_changed_with_a_row_in_the_history(person):
    made = person("support")
    people.set_password(made, "Another-Lantern-43")
    assert reasons(made)[0] == "changed their own password"
