"""What is done to providers' secrets, which no entry holds; all else is `editing`'s.

Every function is one transaction with who, from where and why.
"""

from django.core.exceptions import ValidationError

from apps.accounts.models import User
from apps.catalog import secrets
from apps.catalog.models import Provider
from apps.policies.models import Revision
from apps.policies.publishing import change


def set_secret(
    *, provider: str, secret: str | None, person: User | None, source: str, reason: str
) -> Revision:
    """Give a provider its secret: `env:NAME`, or the secret itself, which is kept encrypted;
    None takes it away. It is in no revision; gateways hear of it all the same. Returns the
    revision in force. Raises Provider.DoesNotExist, and ValidationError for what is refused."""
    with change(person=person, source=source, reason=reason) as changing:
        row = Provider.objects.get(slug=provider)
        try:
            _give(row, secret)
        except secrets.SecretRefused as refused:
            raise ValidationError({"secret": str(refused)}) from None
        changing.save(row)
    return changing.revision


def reseal_secrets(*, person: User | None, source: str, reason: str) -> int:
    """Encrypt every stored secret anew with the first key of the ring, so that older keys can be
    taken from it. Returns how many. Raises `secrets.SecretRefused` when one cannot be read."""
    stored = Provider.objects.exclude(secret_ciphertext=None)
    with change(person=person, source=source, reason=reason) as changing:
        for provider in stored:
            secrets.reseal(provider)
            changing.save(provider)
        return len(stored)


def _give(provider: Provider, secret: str | None) -> None:
    if secret is None:
        secrets.forget(provider)
    elif secret.startswith("env:"):
        secrets.refer(provider, secret)
    else:
        secrets.seal(provider, secret)
