"""Signing in with the organisation's own identity provider, by OpenID Connect.

Who may come in is decided here and not there: people who are here or invited, matched by an e-mail
address that the provider has verified. The provider's own id for a person (`sub`) is kept at the
first sign-in and must stay the same, so that an address that was given to somebody else opens
nothing.
"""

from collections.abc import Mapping
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction

from apps.accounts import invitations
from apps.accounts.audit import save_with_reason
from apps.accounts.models import User
from routerctl.env import Oidc


class NotLetIn(Exception):
    """The provider knows them, and they may not come in. The message is for them to read."""


def provider() -> Oidc:
    """The one that is configured; nobody comes here without."""
    assert settings.ENV.oidc
    return settings.ENV.oidc


def claims_of(account: SocialAccount) -> dict[str, Any]:
    """What the provider says, both ways in which it says it. Raises NotLetIn when these are about
    different people."""
    userinfo: Mapping[str, Any] = account.extra_data.get("userinfo") or {}
    id_token: Mapping[str, Any] = account.extra_data.get("id_token") or {}
    if userinfo.get("sub") != id_token.get("sub"):
        raise NotLetIn("Your identity provider contradicts itself.")
    return {**id_token, **userinfo}


@transaction.atomic
def person_for(account: SocialAccount) -> User:
    """The person whom `account` (as the provider tells it, perhaps not saved yet) signs in; an
    invited one joins by it. Raises NotLetIn."""
    claims = claims_of(account)
    account.extra_data = {}  # what it says of people is not kept
    if account.pk:
        account.save(update_fields=["extra_data"])
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise NotLetIn("Your identity provider has not verified your e-mail address.")
    person = User.objects.filter(email=email.lower()).first() or _joined(email, claims)
    if not person.is_active:
        raise NotLetIn("You are not invited.")
    known = SocialAccount.objects.filter(user=person, provider=account.provider).first()
    if known is None and account.pk is None:
        _keep(account, person)
    elif known is None or known.uid != account.uid:
        raise NotLetIn("Your identity provider knows somebody else by this address.")
    return person


def _joined(email: str, claims: Mapping[str, Any]) -> User:
    invitation = invitations.find_by_email(email)
    if invitation is None:
        raise NotLetIn("You are not invited.")
    name = claims.get("name")
    return invitations.accept(
        invitation,
        name=name[:120] if isinstance(name, str) else "",
        password=None,
        role=_role(claims),
    )


def _role(claims: Mapping[str, Any]) -> str | None:
    """What the configured claim says, the first of the configured values that is there; None:
    the invitation says."""
    said = claims.get(provider().role_claim)
    values = said if isinstance(said, list) else [said]
    return next((role for value, role in provider().roles if value in values), None)


def _keep(account: SocialAccount, person: User) -> None:
    account.user = person
    account.save()
    told = f"signs in with {provider().name}"
    save_with_reason(person, person=person, source="page", reason=told)
