"""Invitations: how somebody becomes a person without anybody else knowing their password.

An administrator says who, which role, which tenants and why. The link is shown once; the database
has only its digest. It works once, for seven days, and as long as whoever gave it may still give
what it gives.
"""

import hmac
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts import people
from apps.accounts.audit import save_with_reason
from apps.accounts.models import Invitation, User
from apps.accounts.permissions import Action, may, tenants_of
from apps.accounts.tenants import Tenants, parse_tenants

LIFETIME: Final = timedelta(days=7)


class NoLongerOpen(Exception):
    """The invitation was used, revoked or too old, or whoever gave it may no longer."""


def invite(
    *, email: str, role: str, tenants: Iterable[str], by: User, reason: str
) -> tuple[Invitation, str]:
    """An invitation and its token, which nobody can ever read again.

    Raises ValidationError for somebody who is here or invited already, a bad address, an unknown
    role, and for tenants that `by` does not have.
    """
    given = parse_tenants(tenants)
    if not may(by, Action.EDIT_PEOPLE) or not given.within(tenants_of(by)):
        raise ValidationError({"tenants": "You can give only tenants that you have yourself."})
    address = email.strip().lower()
    if User.objects.filter(email=address).exists():
        raise ValidationError({"email": "There is somebody with this address already."})
    if _open().filter(email=address).exists():
        raise ValidationError({"email": "They are invited already. Revoke that invitation first."})
    token = f"ri_{secrets.token_urlsafe(32)}"  # a shape that is taken out of whatever is logged
    invitation = Invitation(
        email=address,
        role=role,
        tenants=given.listed(),
        digest=_digest(token),
        created_by=by,
        expires_at=timezone.now() + LIFETIME,
    )
    invitation.full_clean()
    save_with_reason(invitation, person=by, source="page", reason=reason)
    return invitation, token


def visible(tenants: Tenants) -> QuerySet[Invitation]:
    """Those that are open and give nothing beyond `tenants`, the newest first."""
    found = _open().select_related("created_by").order_by("-created_at")
    if tenants.every:
        return found
    within = found.filter(tenants__contained_by=sorted(tenants.names))
    return within.exclude(tenants=[])


def revoke(invitation: Invitation, *, by: User, reason: str) -> None:
    """Let the link work no longer."""
    invitation.revoked_at = timezone.now()
    save_with_reason(invitation, person=by, source="page", reason=reason)


def find(token: str) -> Invitation | None:
    """The open invitation of that token."""
    return _still_given(_open().filter(digest=_digest(token)).first())


def find_by_id(invitation_id: int) -> Invitation | None:
    """The open invitation of that id, for whoever has shown its token before."""
    return _still_given(_open().filter(pk=invitation_id).first())


def find_by_email(email: str) -> Invitation | None:
    """The open invitation of an address that is proven to be theirs."""
    return _still_given(_open().filter(email=email.lower()).first())


@transaction.atomic
def accept(
    invitation: Invitation, *, name: str, password: str | None, role: str | None = None
) -> User:
    """The person who comes of it. `role` is what an identity provider says, if it may.

    Raises NoLongerOpen, and ValidationError for a weak password.
    """
    locked = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if not _open().filter(pk=locked.pk).exists() or _still_given(locked) is None:
        raise NoLongerOpen
    person = people.create(
        email=locked.email,
        role=role or locked.role,
        tenants=locked.tenants,
        name=name.strip(),
        password=password,
        person=locked.created_by,
        source="page",
        reason="accepted an invitation",
    )
    locked.person = person
    save_with_reason(locked, person=person, source="page", reason="accepted")
    return person


def _open() -> QuerySet[Invitation]:
    return Invitation.objects.filter(person=None, revoked_at=None, expires_at__gt=timezone.now())


def _still_given(invitation: Invitation | None) -> Invitation | None:
    """None when whoever gave it has left, or may no longer give that much."""
    if invitation is None:
        return None
    by = invitation.created_by
    gives = Tenants.of(invitation.tenants).within(tenants_of(by))
    return invitation if gives and may(by, Action.EDIT_PEOPLE) else None


def _digest(token: str) -> bytes:
    pepper = hmac.digest(settings.SECRET_KEY.encode(), b"routerctl invitations 1", "sha256")
    return hmac.digest(pepper, token.encode(), "sha256")
