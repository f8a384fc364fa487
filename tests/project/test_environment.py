"""The environment is read once, and everything that is wrong with it is told at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from routerctl.env import ROOT, BadEnvironment, read_env

FIT = {
    "ROUTERCTL_ENV": "production",
    "DATABASE_URL": "postgresql://routerctl@db/routerctl",
    "REDIS_URL": "redis://valkey:6379/0",
    "ROUTERCTL_SECRET_KEY": "gT5v0bX9qLr2NwZ7yKj4HmPc8sDfA1eUiO6tB3xVnR",
    "ROUTERCTL_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "ROUTERCTL_ALLOWED_HOSTS": "routerctl.example.com",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A production environment that is fit, and nothing else of ours."""
    for name in os.environ:
        if name.startswith("ROUTERCTL_"):
            monkeypatch.delenv(name)
    for name, value in FIT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def problems() -> list[str]:
    with pytest.raises(BadEnvironment) as caught:
        read_env()
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_a_fit_production_environment_is_read(environment: pytest.MonkeyPatch):
    environment.setenv("ROUTERCTL_PRIVATE_ORIGINS", "10.0.0.0/8, 127.0.0.1/32")
    env = read_env()
    assert env.production
    assert [str(network) for network in env.private_origins] == ["10.0.0.0/8", "127.0.0.1/32"]
    assert env.max_body_bytes == 20 * 1024 * 1024


def test_every_problem_is_told_at_once(environment: pytest.MonkeyPatch):
    for name in FIT:
        environment.delenv(name)
    environment.setenv("ROUTERCTL_ENV", "production")
    environment.setenv("ROUTERCTL_PRIVATE_ORIGINS", "10.0.0.0/8,nowhere")
    environment.setenv("ROUTERCTL_MAX_BODY_BYTES", "many")
    environment.setenv("ROUTERCTL_LOG_LEVEL", "loud")
    assert [problem.partition(":")[0] for problem in problems()] == [
        "DATABASE_URL",
        "REDIS_URL",
        "ROUTERCTL_SECRET_KEY",
        "ROUTERCTL_PRIVATE_ORIGINS",
        "ROUTERCTL_MAX_BODY_BYTES",
        "ROUTERCTL_LOG_LEVEL",
        "ROUTERCTL_ENCRYPTION_KEYS",
        "ROUTERCTL_ALLOWED_HOSTS",
    ]


@pytest.mark.parametrize(
    "secret",
    [
        "kE3v9",
        "a" * 60,
        "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc",
        "please-change-me-gT5v0bX9qLr2NwZ7yKj4HmPc8sDfA1",
        "django-insecure-gT5v0bX9qLr2NwZ7yKj4HmPc8sDfA1eU",
    ],
)
def test_a_short_or_default_secret_is_refused_in_production(
    environment: pytest.MonkeyPatch, secret: str
):
    environment.setenv("ROUTERCTL_SECRET_KEY", secret)
    [problem] = problems()
    assert problem.startswith("ROUTERCTL_SECRET_KEY: ")
    assert secret not in problem


def test_a_bad_encryption_key_is_refused_without_being_shown(environment: pytest.MonkeyPatch):
    environment.setenv("ROUTERCTL_ENCRYPTION_KEYS", f"{Fernet.generate_key().decode()},not-a-key")
    [problem] = problems()
    assert "key 2" in problem
    assert "not-a-key" not in problem


@pytest.mark.parametrize("hosts", ["", "*", "routerctl.example.com,*"])
def test_production_names_its_hosts(environment: pytest.MonkeyPatch, hosts: str):
    environment.setenv("ROUTERCTL_ALLOWED_HOSTS", hosts)
    [problem] = problems()
    assert problem.startswith("ROUTERCTL_ALLOWED_HOSTS: ")


def test_celery_reads_a_unix_socket_in_its_own_spelling(environment: pytest.MonkeyPatch):
    environment.setenv("REDIS_URL", "unix:///run/valkey.sock?db=3")
    assert read_env().broker_url == "redis+socket:///run/valkey.sock?virtual_host=3"


def test_a_command_refuses_a_bad_environment_in_plain_lines():
    environment = {"PATH": os.environ["PATH"], "ROUTERCTL_ENV": "production"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("The environment is not fit:\n  DATABASE_URL: required.\n")
    assert "Traceback" not in done.stderr


def test_every_setting_is_documented_and_every_documented_setting_is_read():
    documented = {
        line.partition("=")[0]
        for line in (ROOT / ".env.example").read_text().splitlines()
        if "=" in line and not line.startswith("#")
    }
    code = (ROOT / "routerctl" / "env.py").read_text()
    assert {name for name in documented if f'"{name}"' not in code} == set()
    read = set(re.findall(r'"((?:ROUTERCTL|DATABASE|REDIS)_[A-Z_]+)"', code))
    assert read == documented


OIDC = {
    "ROUTERCTL_OIDC_ISSUER": "https://id.example.com/",
    "ROUTERCTL_OIDC_CLIENT_ID": "routerctl",
    "ROUTERCTL_OIDC_CLIENT_SECRET": "kept-there",
}


def test_an_identity_provider_is_read_with_what_its_claims_stand_for(
    environment: pytest.MonkeyPatch,
):
    for name, value in OIDC.items():
        environment.setenv(name, value)
    environment.setenv("ROUTERCTL_OIDC_ROLE_CLAIM", "groups")
    environment.setenv("ROUTERCTL_OIDC_ROLES", "eng=engineer, money people=finance")
    oidc = read_env().oidc
    assert oidc is not None
    assert (oidc.issuer, oidc.name) == ("https://id.example.com", "single sign-on")
    assert oidc.roles == (("eng", "engineer"), ("money people", "finance"))


def test_without_an_issuer_there_is_no_identity_provider(environment: pytest.MonkeyPatch):
    environment.setenv("ROUTERCTL_OIDC_CLIENT_ID", "routerctl")
    assert read_env().oidc is None


@pytest.mark.parametrize(
    ("mode", "issuer", "fit"),
    [
        ("development", "http://127.0.0.1:9400", True),
        ("development", "http://localhost:9400", True),
        ("development", "http://id.example.com", False),
        ("development", "http://127.0.0.1.example.com", False),
        ("production", "http://127.0.0.1:9400", False),
        ("production", "https://", False),
        ("production", "ftp://id.example.com", False),
        ("production", "https://id.example.com", True),
    ],
)
def test_plain_http_is_trusted_from_loopback_in_development_alone(
    environment: pytest.MonkeyPatch, mode: str, issuer: str, fit: bool
):
    for name, value in {**OIDC, "ROUTERCTL_ENV": mode, "ROUTERCTL_OIDC_ISSUER": issuer}.items():
        environment.setenv(name, value)
    if fit:
        assert read_env().oidc is not None
    else:
        [problem] = problems()
        assert problem.startswith("ROUTERCTL_OIDC_ISSUER: ")


def test_half_an_identity_provider_is_refused(environment: pytest.MonkeyPatch):
    environment.setenv("ROUTERCTL_OIDC_ISSUER", "https://id.example.com")
    environment.setenv("ROUTERCTL_OIDC_ROLES", "eng=root")
    assert [problem.partition(":")[0] for problem in problems()] == [
        *("ROUTERCTL_OIDC_ROLES", "ROUTERCTL_OIDC_CLIENT_ID", "ROUTERCTL_OIDC_CLIENT_SECRET"),
    ]


@pytest.mark.parametrize(
    ("url", "sender", "wrong"),
    [
        ("http://mail.example.com", "r@example.com", "ROUTERCTL_EMAIL_URL"),
        ("smtp://mail.example.com:25", "", "ROUTERCTL_EMAIL_FROM"),
    ],
)
def test_half_a_mail_server_is_refused(
    environment: pytest.MonkeyPatch, url: str, sender: str, wrong: str
):
    environment.setenv("ROUTERCTL_EMAIL_URL", url)
    environment.setenv("ROUTERCTL_EMAIL_FROM", sender)
    [problem] = problems()
    assert problem.startswith(wrong)


def test_production_keeps_sessions_and_cookies_as_they_should_be(
    environment: pytest.MonkeyPatch,
):
    """The settings of a production process, read in one."""
    names = (
        *("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_AGE"),
        *("CSRF_COOKIE_SECURE", "CSRF_COOKIE_HTTPONLY", "SECURE_HSTS_SECONDS", "DEBUG"),
        *("SECOND_FACTOR_REQUIRED", "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE"),
    )
    program = (
        "import json, django; django.setup();"
        "from django.conf import settings as s; from django.urls import get_resolver;"
        f"told = {{n: getattr(s, n) for n in {names}}};"
        "told['admin'] = 'django.contrib.admin' in s.INSTALLED_APPS;"
        "print(json.dumps(told))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "routerctl.settings", **FIT},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.pop("SECURE_HSTS_SECONDS") >= 365 * 86_400
    assert told.pop("SESSION_COOKIE_AGE") == 8 * 3600
    assert told.pop("SESSION_COOKIE_SAMESITE") == told.pop("CSRF_COOKIE_SAMESITE") == "Lax"
    assert not told.pop("DEBUG")
    assert not told.pop("admin")
    assert all(told.values()), told
