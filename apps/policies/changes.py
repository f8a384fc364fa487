"""What changed in the configuration and when: revisions as the marks beside traffic."""

from dataclasses import dataclass
from datetime import datetime

from apps.policies.models import Revision

_PARTS = ("policy", "prices", "deployments", "caps", "flags")
_SOURCES = {"code": "A configuration file", "command": "A command", "api": "The API"}


@dataclass(frozen=True, slots=True)
class Published:
    """A revision came into force. `parts` are the sections that differ from the one before it;
    none, when it is the first."""

    number: int
    hash: str
    at: datetime
    who: str
    reason: str
    parts: tuple[str, ...]

    @property
    def at_ms(self) -> int:
        return int(self.at.timestamp() * 1000)


def published(*, since: datetime, until: datetime, most: int) -> list[Published]:
    """The newest `most` revisions of that time, newest first. One query."""
    rows = Revision.objects.filter(created_at__lt=until).select_related("person")[: most + 1]
    found = list(rows)
    before: list[Revision | None] = [*found[1:], None]
    return [
        _published(row, older)
        for row, older in zip(found, before, strict=False)
        if row.created_at >= since
    ][:most]


def _published(row: Revision, older: Revision | None) -> Published:
    person = row.person
    return Published(
        number=row.pk,
        hash=row.hash,
        at=row.created_at,
        who=person.get_full_name() if person else _SOURCES.get(row.source, row.source),
        reason=row.reason,
        parts=tuple(part for part in _PARTS if older and _differs(part, row, older)),
    )


def _differs(section: str, row: Revision, older: Revision) -> bool:
    return bool(getattr(row, f"{section}_id") != getattr(older, f"{section}_id"))
