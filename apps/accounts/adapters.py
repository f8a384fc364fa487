"""What allauth asks us: who may come in, how secrets rest, what is written when something changes.

allauth does the work of signing in and of second factors; these are our answers to it.
"""

from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.accounts import people
from apps.accounts.models import User

NAME: Final = "routerctl"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody signs up by themselves, and every answer is a page."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  # its signature
        return False

    def is_ajax(self, request: HttpRequest) -> bool:  # noqa: ARG002  # its signature
        return False

    def add_message(self, *_: Any, **__: Any) -> None:
        """Our views say themselves what was done."""

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:  # noqa: ARG002
        """Who left learns no more than a stranger."""
        messages.error(request, "You could not be signed in.")
        return redirect("account_login")

    def set_password(self, user: User, password: str) -> None:
        """Its own way saves without a reason."""
        people.set_password(user, password)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Secrets of authenticator apps and recovery codes rest encrypted, as providers' do."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "That code is not right. Codes change every 30 seconds, and each one "
        "works once.",
    }

    def encrypt(self, text: str) -> str:
        return settings.ENV.encryption_ring.encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return settings.ENV.encryption_ring.decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        return NAME

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return entity | {"name": NAME}

    def generate_authenticator_name(self, user: User, type: Any) -> str:  # noqa: A002  # its name
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return f"Passkey {number}"
