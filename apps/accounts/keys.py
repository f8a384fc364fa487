"""API keys: made once, shown once, checked in memory.

A token is `rk_<env>_<prefix>_<secret>`: the prefix finds the key, the HMAC-SHA256 of the whole
token proves it. The pepper comes from ROUTERCTL_SECRET_KEY, so a copy of the database alone
cannot check guesses, and a change of that setting ends every key.
"""

import hmac
import secrets
import string
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Self, cast
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.audit import save_with_reason
from apps.accounts.models import ApiKey, User
from apps.accounts.permissions import tenants_of
from apps.accounts.tenants import Tenants, parse_tenants
from routerctl.wire.types import Disclose, KeyFacts

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

_PREFIX_ALPHABET = string.ascii_lowercase + string.digits
_SECRET_BYTES = 32


def create(
    *,
    name: str,
    tenant: str,
    plan: str = "",
    feature: str = "",
    app: str = "",
    scopes: Sequence[str] = ("generate",),
    disclose: str = "none",
    legacy: bool = False,
    expires_at: datetime | None = None,
    replaces: ApiKey | None = None,
    person: User | None = None,
    source: str = "command",
    reason: str,
) -> tuple[ApiKey, str]:
    """A new key and its token, which nobody can ever read again.

    What is given is pinned. Raises ValidationError for an unknown scope or disclosure, a
    missing tenant or one beyond those of `person`, or text that is too long.
    """
    if person is not None and not tenants_of(person).cover(tenant):
        raise ValidationError({"tenant": "This tenant is not one of yours."})
    for field, text in {"name": name, "plan": plan, "feature": feature, "app": app}.items():
        if not text.isprintable():
            raise ValidationError({field: "This takes printable characters alone."})
    parse_tenants([tenant])
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(8))
    environment = "live" if settings.ENV.production else "dev"
    token = f"rk_{environment}_{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    key = ApiKey(
        name=name,
        prefix=prefix,
        digest=_digest(_pepper(), token.encode()),
        tenant=tenant,
        plan=plan,
        feature=feature,
        app=app,
        scopes=sorted(set(scopes)),
        disclose=disclose,
        legacy=legacy,
        expires_at=expires_at,
        created_by=person,
        replaces=replaces,
    )
    key.full_clean()
    save_with_reason(key, person=person, source=source, reason=reason)
    return key, token


def revoke(key: ApiKey, *, person: User | None, source: str = "command", reason: str) -> None:
    """End `key` now; every process turns it away within 2 s. Revoking twice changes nothing."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        save_with_reason(key, person=person, source=source, reason=reason)


def visible(tenants: Tenants) -> QuerySet[ApiKey]:
    """The keys that speak for none but `tenants`, revoked ones too. One of any tenant is seen by
    those who see every tenant."""
    every = ApiKey.objects.all()
    return every if tenants.every else every.filter(tenant__in=tenants.names)


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Keys, newest first. `next` is the cursor of those before them; None: there are none."""

    keys: tuple[ApiKey, ...]
    next: int | None


def listed(tenants: Tenants, *, cursor: int | None = None, limit: int = 50) -> KeyPage:
    """The keys that `tenants` see, each with who made it and the one that it replaces."""
    keys = visible(tenants).select_related("created_by", "replaces").order_by("-pk")
    if cursor is not None:
        keys = keys.filter(pk__lt=cursor)
    found = tuple(keys[: limit + 1])
    return KeyPage(found[:limit], found[limit - 1].pk if len(found) > limit else None)


def maker_of(key: KeyFacts) -> User | None:
    """Who made the key; None when a command did. What it may change is never more than they may."""
    return ApiKey.objects.select_related("created_by").get(pk=key.id).created_by


class KeyRing:
    """All live keys, in memory and immutable. `load` reads the database; nothing else does."""

    __slots__ = ("_inner", "_keys", "_outer")

    def __init__(self, keys: Iterable[tuple[bytes, KeyFacts]], pepper: bytes) -> None:
        # HMAC's two hashes with the pepper already in them; a copy costs less than a key schedule.
        self._inner, self._outer = (_padded(pepper, mask) for mask in (0x36, 0x5C))
        self._keys = {facts.prefix.encode(): (digest, facts) for digest, facts in keys}

    @classmethod
    def load(cls) -> Self:
        """The keys which are not revoked."""
        rows = ApiKey.objects.filter(revoked_at=None)
        return cls(((bytes(row.digest), _facts(row)) for row in rows), _pepper())

    @staticmethod
    def version() -> UUID:
        """A mark that changes with every change of any key, in the same transaction."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT version FROM accounts_keyversion")
            (version,) = cursor.fetchone()
        return cast("UUID", version)

    def authenticate(self, token: bytes, now_ms: int | None = None) -> KeyFacts | None:
        """Whose token this is; None when it is unknown, revoked, expired or malformed.

        `now_ms` is the moment to judge by, the clock's when left out. Takes about 2 µs; neither
        the time it takes nor its answer tells a wrong secret from an unknown prefix's.
        """
        parts = token.split(b"_", 3)
        digest, facts = self._keys.get(parts[2], _NOBODY) if len(parts) == 4 else _NOBODY
        if not hmac.compare_digest(digest, self._digest(token)) or facts is None:
            return None
        if facts.expires_at_ms is not None:
            if now_ms is None:
                now_ms = time.time_ns() // 1_000_000
            if now_ms >= facts.expires_at_ms:
                return None
        return facts

    def _digest(self, token: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(token)
        outer.update(inner.digest())
        return outer.digest()

    def __len__(self) -> int:
        return len(self._keys)


_NOBODY: tuple[bytes, KeyFacts | None] = (b"\0" * 32, None)


def _digest(pepper: bytes, token: bytes) -> bytes:
    return hmac.digest(pepper, token, "sha256")


def _padded(pepper: bytes, mask: int) -> "Hash":
    """A SHA-256 that has read `pepper`, at most one block of it, as HMAC wants it."""
    return sha256(bytes(byte ^ mask for byte in pepper.ljust(sha256().block_size, b"\0")))


def _pepper() -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), b"routerctl api keys 1", "sha256")


def _facts(row: ApiKey) -> KeyFacts:
    return KeyFacts(
        id=row.pk,
        prefix=row.prefix,
        tenant=row.tenant,
        plan=row.plan or None,
        feature=row.feature or None,
        app=row.app or None,
        scopes=frozenset(row.scopes),
        disclose=cast("Disclose", row.disclose),
        legacy=row.legacy,
        expires_at_ms=int(row.expires_at.timestamp() * 1000) if row.expires_at else None,
    )
