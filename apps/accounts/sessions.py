"""Where a person is signed in, and how that ends."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from allauth.usersessions.models import UserSession

from apps.accounts.models import User

_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
"""In the order in which to look: browsers name those whose pages they can show, too."""


@dataclass(frozen=True, slots=True)
class Session:
    """A place where somebody is signed in. `current`: the one that asks."""

    id: int
    browser: str
    ip: str
    began_at: datetime
    current: bool


def sessions_of(person: User, current_key: str | None) -> list[Session]:
    """The living ones, the newest first."""
    living: Iterable[UserSession] = UserSession.objects.purge_and_list(person)
    return [
        Session(
            kept.pk,
            browser(kept.user_agent),
            kept.ip,
            kept.created_at,
            kept.session_key == current_key,
        )
        for kept in sorted(living, key=lambda kept: kept.created_at, reverse=True)
    ]


def end(person: User, session_id: int) -> bool:
    """End one of `person`'s sessions; whether there was one of that id."""
    found = UserSession.objects.filter(user_id=person.pk, pk=session_id).first()
    if found is None:
        return False
    found.end()
    return True


def end_all(person: User, *, but: str | None = None) -> int:
    """End every session of `person` but the one of that key; how many there were."""
    ended = UserSession.objects.filter(user_id=person.pk).exclude(session_key=but or "")
    count = 0
    for kept in ended:
        kept.end()
        count += 1
    return count


def browser(user_agent: str) -> str:
    """`Firefox on Linux`; what is not known is said to be."""
    program = _first(_BROWSERS, user_agent) or "Another program"
    system = _first(_SYSTEMS, user_agent)
    return f"{program} on {system}" if system else program


def _first(signs: Iterable[tuple[str, str]], text: str) -> str:
    return next((name for sign, name in signs if re.search(sign, text)), "")
