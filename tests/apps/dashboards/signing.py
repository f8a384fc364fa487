"""People with second factors, for tests: an authenticator app that the test can read."""

import time

from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from django.test import Client

from apps.accounts.models import User
from tests.apps.dashboards.conftest import PASSWORD

PERIOD_S = 30


def code(secret: str, periods: int = 0) -> str:
    """What the app shows now, or so many periods later."""
    counter = int(time.time()) // PERIOD_S + periods
    return str(format_hotp_value(hotp_value(secret, counter)))


def give_app(person: User) -> str:
    """Let `person` have an authenticator app; its secret."""
    secret: str = generate_totp_secret()
    TOTP.activate(person, secret)
    return secret


def sign_in(client: Client, person: User, password: str = PASSWORD):
    return client.post("/sign-in/", {"login": person.email, "password": password})


def confirm(client: Client, password: str = PASSWORD):
    """Say the password once more, as dangerous pages ask."""
    return client.post("/sign-in/again", {"password": password, "next": "/account"})
