"""What allauth tells of second factors, written into the person's history."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.dispatch import receiver

from apps.accounts import second_factors
from apps.accounts.models import User


@receiver(authenticator_added)
def _added(user: User, authenticator: Authenticator, **_: Any) -> None:
    second_factors.note(user.pk, f"added: {second_factors.word(authenticator.type)}")


@receiver(authenticator_removed)
def _removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    second_factors.note(user.pk, f"removed: {second_factors.word(authenticator.type)}")


@receiver(authenticator_reset)
def _reset(user: User, **_: Any) -> None:
    second_factors.note(user.pk, "made new recovery codes")
