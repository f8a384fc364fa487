"""manage.py rotate_secrets: encrypt stored secrets of providers and second factors anew."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.accounts import second_factors
from apps.catalog.secrets import SecretRefused
from apps.policies.services import reseal_secrets


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret of a provider, an authenticator app or recovery codes with "
        "the first of ROUTERCTL_ENCRYPTION_KEYS. "
        "Put the new key first, run this, then take the old key out."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        reason = "encryption keys were rotated"
        try:
            with transaction.atomic():
                count = reseal_secrets(person=None, source="command", reason=reason)
                count += second_factors.reseal()
        except SecretRefused as refused:
            raise CommandError(f"nothing was changed: {refused}") from None
        except InvalidToken:
            raise CommandError("nothing was changed: no key opens a second factor") from None
        self.stderr.write(f"{count} secrets are encrypted with the first key.")
