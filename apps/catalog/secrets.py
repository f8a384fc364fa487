"""Providers' secrets: where they rest, and how the gateway gets at them.

A secret is a reference `env:NAME` or a ciphertext. Both are bound to the origin for which they
were given: a provider whose base URL was moved elsewhere has no secret until it is given again.
The ciphertext repeats the provider's slug and the origin inside, so that a row which somebody
swapped or copied in the database is refused.
"""

import hashlib
import os
import re

import structlog
from cryptography.fernet import InvalidToken, MultiFernet
from django.conf import settings
from msgspec import Struct, json

from apps.catalog.models import REFERENCE_PATTERN, RESERVED_PATTERN, Provider
from apps.catalog.origins import origin_of

log = structlog.get_logger(__name__)

_REFERENCE, _RESERVED = re.compile(REFERENCE_PATTERN), re.compile(RESERVED_PATTERN)
_COLUMNS = ("slug", "base_url", "secret_reference", "secret_ciphertext", "secret_origin")


class SecretRefused(Exception):
    """A secret cannot be used; the message says why and never what it is."""


class _Sealed(Struct):
    provider: str
    origin: str
    secret: str


def seal(provider: Provider, secret: str) -> None:
    """Keep `secret` encrypted in `provider` (not saved yet), bound to its slug and origin.

    Raises SecretRefused when there is no encryption key, and for what no header could carry.
    """
    if not (secret and secret.isascii() and secret.isprintable()):
        raise SecretRefused("a secret is printable ASCII text, on one line")
    origin = origin_of(provider.base_url)
    sealed = json.encode(_Sealed(provider.slug, origin, secret))
    provider.secret_ciphertext = _ring().encrypt(sealed)
    provider.secret_reference = ""
    provider.secret_origin = origin
    provider.secret_ends = secret[-4:] if len(secret) >= 16 else ""


def refer(provider: Provider, reference: str) -> None:
    """Let `provider` (not saved yet) take its secret from the environment: `env:NAME`.

    Raises SecretRefused for anything else, and for the names of our own settings.
    """
    _check_reference(reference)
    provider.secret_reference = reference
    provider.secret_origin = origin_of(provider.base_url)
    provider.secret_ciphertext = None
    provider.secret_ends = ""


def forget(provider: Provider) -> None:
    """Let `provider` (not saved yet) have no secret."""
    provider.secret_reference = provider.secret_origin = provider.secret_ends = ""
    provider.secret_ciphertext = None


def take_over(provider: Provider, stored: Provider) -> None:
    """Let `provider` (not saved yet) keep what is stored, as it is stored."""
    provider.secret_ciphertext = stored.secret_ciphertext
    provider.secret_origin = stored.secret_origin
    provider.secret_ends = stored.secret_ends


def reseal(provider: Provider) -> None:
    """Encrypt the stored secret of `provider` (not saved yet) anew with the first key of the ring.

    Raises SecretRefused when it cannot be read, or no key is there.
    """
    if provider.secret_ciphertext is not None:
        seal(provider, _open(provider))


def load() -> dict[str, str | None]:
    """Every provider's secret by slug. None where there is none, or where it is refused; the
    reason of a refusal is logged."""
    return {provider.slug: _usable(provider) for provider in Provider.objects.only(*_COLUMNS)}


def secret_of(provider: Provider) -> str | None:
    """What calls to `provider` are made with; None when it has no secret. Never log or show it.

    Raises SecretRefused when there is one that cannot be used.
    """
    if not provider.secret_reference and provider.secret_ciphertext is None:
        return None
    if provider.secret_origin != origin_of(provider.base_url):
        raise SecretRefused("it was given for another origin")
    if provider.secret_reference:
        return _resolve(provider.secret_reference)
    return _open(provider)


def refusals() -> dict[str, str]:
    """The providers whose secret cannot be used by this process, and why."""
    found = {}
    for provider in Provider.objects.only(*_COLUMNS):
        try:
            secret_of(provider)
        except SecretRefused as refused:
            found[provider.slug] = str(refused)
    return found


def version() -> str:
    """A text that changes when anything changes that `load` depends on in the database."""
    digest = hashlib.sha256()
    for row in Provider.objects.order_by("slug").values_list(*_COLUMNS):
        digest.update(repr([bytes(v) if isinstance(v, memoryview) else v for v in row]).encode())
    return digest.hexdigest()


def _usable(provider: Provider) -> str | None:
    """The secret, or None, with its reason in the log, when it is refused."""
    try:
        return secret_of(provider)
    except SecretRefused as refused:
        log.warning("provider.secret_refused", provider=provider.slug, reason=str(refused))
        return None


def _check_reference(reference: str) -> None:
    if not _REFERENCE.match(reference):
        raise SecretRefused("write env:NAME")
    if _RESERVED.match(reference):
        raise SecretRefused("our own settings are never sent anywhere")


def _resolve(reference: str) -> str:
    _check_reference(reference)
    name = reference.removeprefix("env:")
    secret = os.environ.get(name, "")
    if not secret:
        raise SecretRefused(f"{name} is not set in the environment")
    return secret


def _open(provider: Provider) -> str:
    try:
        opened = _ring().decrypt(bytes(provider.secret_ciphertext or b""))
    except InvalidToken:
        raise SecretRefused("no key of the ring opens it") from None
    sealed = json.decode(opened, type=_Sealed)
    if (sealed.provider, sealed.origin) != (provider.slug, origin_of(provider.base_url)):
        raise SecretRefused("it was stored for another provider or origin")
    return sealed.secret


def _ring() -> MultiFernet:
    try:
        return settings.ENV.encryption_ring
    except ValueError:
        raise SecretRefused("ROUTERCTL_ENCRYPTION_KEYS holds no usable key") from None
