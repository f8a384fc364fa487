import io

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from apps.accounts.keys import KeyRing
from apps.accounts.models import User

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_create_api_key_prints_the_key_alone_on_its_last_line() -> None:
    out, err = run(
        *("create_api_key", "--name", "app", "--tenant", "acme", "--plan", "free"),
        *("--feature", "support-chat", "--app", "ios", "--scopes", "generate, read"),
        *("--disclose", "route", "--legacy"),
    )
    token = out.rstrip("\n").splitlines()[-1]
    facts = KeyRing.load().authenticate(token.encode())
    assert facts is not None
    assert (facts.tenant, facts.plan, facts.feature, facts.app) == (
        *("acme", "free", "support-chat", "ios"),
    )
    assert facts.scopes == {"generate", "read"}
    assert (facts.disclose, facts.legacy) == ("route", True)
    assert token not in err


def test_create_api_key_lets_a_key_generate_unless_told_otherwise() -> None:
    out, _ = run("create_api_key", "--name", "app", "--tenant", "*")
    facts = KeyRing.load().authenticate(out.strip().encode())
    assert facts is not None
    assert (facts.tenant, facts.scopes) == ("*", frozenset(("generate",)))


def test_create_api_key_can_end_by_itself() -> None:
    out, _ = run("create_api_key", "--name", "a", "--tenant", "*", "--expires-in-days", "1")
    facts = KeyRing.load().authenticate(out.strip().encode())
    assert facts is not None
    assert facts.expires_at_ms is not None


def test_create_api_key_says_what_is_wrong_and_prints_no_key() -> None:
    out = io.StringIO()
    with pytest.raises(CommandError, match="scopes"):
        call_command(
            *("create_api_key", "--name", "a", "--tenant", "*", "--scopes", "root"), stdout=out
        )
    assert out.getvalue() == ""


def test_create_user_reads_the_password_from_standard_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    out, _ = run("create_user", "--email", "Ada@example.com", "--role", "admin", "--password-stdin")
    assert out == ""
    ada = authenticate(None, email="ada@example.com", password="correct horse")
    assert isinstance(ada, User)
    assert (ada.role, ada.tenants) == ("admin", ["*"])


def test_create_user_limits_a_person_to_the_tenants_that_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    run(
        *("create_user", "--email", "a@example.com", "--role", "support", "--password-stdin"),
        *("--tenant", "acme", "--tenant", "globex"),
    )
    assert User.objects.get().tenants == ["acme", "globex"]


def test_create_user_refuses_a_weak_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("abc\n"))
    with pytest.raises(CommandError, match="too short"):
        run("create_user", "--email", "a@example.com", "--role", "admin", "--password-stdin")
