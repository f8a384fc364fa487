"""Second factors: who has one, who must have one, and how they end.

An authenticator app (TOTP) or a passkey is a second factor; recovery codes stand in for one that
was lost. allauth keeps all three; our adapter encrypts their secrets.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction

from apps.accounts import sessions
from apps.accounts.audit import save_with_reason
from apps.accounts.models import User
from apps.accounts.permissions import writes

FACTORS: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_WORDS: Final = {
    Authenticator.Type.TOTP: "authenticator app",
    Authenticator.Type.WEBAUTHN: "passkey",
    Authenticator.Type.RECOVERY_CODES: "recovery codes",
}
_SECRETS: Final = ("secret", "seed")
"""What of an authenticator's data is encrypted."""


def has_one(person: User) -> bool:
    return bool(Authenticator.objects.filter(user_id=person.pk, type__in=FACTORS).exists())


def lacks_one(person: User) -> bool:
    """Whether `person` has to set one up before anything else."""
    return settings.SECOND_FACTOR_REQUIRED and writes(person.role) and not has_one(person)


def factors_of(people: Iterable[int]) -> dict[int, list[str]]:
    """For each id the words for what they have, `authenticator app` and `passkey`; one query."""
    found: dict[int, list[str]] = defaultdict(list)
    rows = Authenticator.objects.filter(user_id__in=list(people), type__in=FACTORS)
    for person_id, kind in rows.order_by("type").values_list("user_id", "type").distinct():
        found[person_id].append(word(kind))
    return found


def word(kind: str) -> str:
    return _WORDS[Authenticator.Type(kind)]


@transaction.atomic
def remove_all(person: User, *, by: User, reason: str) -> None:
    """Let `person`, who lost theirs, begin anew; whoever is signed in with them is signed out."""
    told = f"removed their second factors: {reason}"
    save_with_reason(person, person=by, source="page", reason=told)
    Authenticator.objects.filter(user_id=person.pk).delete()
    sessions.end_all(person)


def note(person_id: int, what: str) -> None:
    """Write into the history of a person what they did to their own second factors."""
    person = User.objects.get(pk=person_id)
    save_with_reason(person, person=person, source="page", reason=what)


@transaction.atomic
def reseal() -> int:
    """Encrypt every secret anew with the first key of the ring; how many authenticators have one.

    Raises cryptography's InvalidToken when one cannot be read.
    """
    ring, count = settings.ENV.encryption_ring, 0
    for kept in Authenticator.objects.select_for_update().exclude(type=Authenticator.Type.WEBAUTHN):
        for name in set(_SECRETS) & set(kept.data):
            kept.data[name] = ring.rotate(kept.data[name].encode()).decode()
        kept.save(update_fields=["data"])
        count += 1
    return count
