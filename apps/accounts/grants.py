"""What an API key may hand on: never more than it has."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from apps.accounts.models import ApiKey
from routerctl.wire.types import KeyFacts

_DISCLOSURES = tuple(ApiKey.Disclose.values)
"""From nothing to everything."""


def beyond(
    grantor: KeyFacts,
    *,
    tenant: str,
    plan: str,
    feature: str,
    app: str,
    scopes: Sequence[str],
    disclose: str,
    legacy: bool,
    expires_at: datetime | None,
) -> Iterator[tuple[str, str]]:
    """Where a key with these facts could do what `grantor` cannot, as (field, sentence)."""
    if grantor.tenant not in ("*", tenant):
        yield "tenant", f"This key speaks for {grantor.tenant} alone."
    for scope in sorted(set(scopes) - grantor.scopes):
        yield "scopes", f"This key lacks the scope {scope}."
    given = {"plan": plan, "feature": feature, "app": app}
    for field, value in given.items():
        pinned = getattr(grantor, field)
        if pinned is not None and value != pinned:
            yield field, f"This key is pinned to {pinned}."
    if disclose in _DISCLOSURES[_DISCLOSURES.index(grantor.disclose) + 1 :]:
        yield "disclose", f"This key discloses no more than {grantor.disclose}."
    if legacy and not grantor.legacy:
        yield "legacy", "This key may not name models itself."
    if grantor.expires_at_ms is not None and _later(expires_at, grantor.expires_at_ms):
        yield "expires_at", "This key ends earlier itself."


def _later(moment: datetime | None, than_ms: int) -> bool:
    return moment is None or moment.timestamp() * 1000 > than_ms
