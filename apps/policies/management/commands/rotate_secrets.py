"""manage.py rotate_secrets: encrypt stored provider secrets anew."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.catalog.secrets import SecretRefused
from apps.policies.services import reseal_secrets


class Command(BaseCommand):
    help = (
        "Encrypt every stored provider secret with the first of ROUTERCTL_ENCRYPTION_KEYS. "
        "Put the new key first, run this, then take the old key out."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        reason = "encryption keys were rotated"
        try:
            count = reseal_secrets(person=None, source="command", reason=reason)
        except SecretRefused as refused:
            raise CommandError(f"nothing was changed: {refused}") from None
        self.stderr.write(f"{count} secrets are encrypted with the first key.")
