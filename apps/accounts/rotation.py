"""Rotating an API key: a second live key beside the first, which ends by itself.

Of one key and its successors at most two are live at any time, so that a rotation nobody finished
is noticed before the next one begins.
"""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.accounts import keys
from apps.accounts.audit import save_with_reason
from apps.accounts.models import ApiKey, User

LONGEST_OVERLAP = timedelta(days=30)


def rotate(
    key: ApiKey,
    *,
    ends_at: datetime,
    person: User | None,
    source: str = "command",
    reason: str,
) -> tuple[ApiKey, str]:
    """A successor of `key` that may do the same, and its token, which is shown once.

    `key` ends at `ends_at`, at most 30 days from now, or earlier if it did anyway. A key that was
    made for a time has a successor for as long a time from now. Raises ValidationError when `key`
    is not live, or two of its line are, and what `keys.create` raises.
    """
    now = timezone.now()
    with transaction.atomic():
        old = ApiKey.objects.select_for_update().get(pk=key.pk)
        _check(old, ends_at, now)
        made = keys.create(
            name=old.name,
            tenant=old.tenant,
            plan=old.plan,
            feature=old.feature,
            app=old.app,
            scopes=old.scopes,
            disclose=old.disclose,
            legacy=old.legacy,
            expires_at=now + (old.expires_at - old.created_at) if old.expires_at else None,
            replaces=old,
            person=person,
            source=source,
            reason=reason,
        )
        old.expires_at = min(ends_at, old.expires_at or ends_at)
        save_with_reason(old, person=person, source=source, reason=reason)
        return made


def _check(old: ApiKey, ends_at: datetime, now: datetime) -> None:
    if not now <= ends_at <= now + LONGEST_OVERLAP:
        raise ValidationError(
            {"ends_at": f"The old key ends within {LONGEST_OVERLAP.days} days from now."}
        )
    if old.state(now) != "live":
        raise ValidationError(f"The key {old.prefix} is {old.state(now)}: make a new one.")
    for other in (old.replaces, *old.successors.all()):
        if other is not None and other.state(now) == "live":
            raise ValidationError(
                f"Two keys are live already: {other.prefix} and {old.prefix}. Revoke one first."
            )
