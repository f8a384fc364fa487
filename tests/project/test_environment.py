"""The environment is read once, and everything that is wrong with it is told at once."""

from __future__ import annotations

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
