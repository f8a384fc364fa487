"""Every change of the configuration goes through here, one at a time, and ends in a revision.

`change` is the one transaction in which rows are edited: it begins with a lock, so that two
changes never see half of each other, and ends by publishing. Gateways hear of it when the
transaction commits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import connection, models, transaction
from msgspec.structs import asdict

from apps.accounts import audit
from apps.policies.compile import compile_document, section_hash, split
from apps.policies.models import Revision, Section
from routerctl.engine.revision import compile_revision, content_hash

if TYPE_CHECKING:
    from apps.accounts.models import User

CHANNEL = "routerctl_revision"
_LOCK = 0x726F757465  # "route": PostgreSQL knows advisory locks by number


@dataclass(slots=True)
class Changing:
    """An open change: edits go through it and say what it says of who, from where and why.
    `revision` is the one in force afterwards, known once the change has ended."""

    said: audit.Change
    revision: Revision = field(init=False)

    def save(self, row: models.Model) -> None:
        said = self.said
        audit.save_with_reason(row, person=said.person, source=said.source, reason=said.reason)

    def delete(self, row: models.Model) -> None:
        said = self.said
        audit.delete_with_reason(row, person=said.person, source=said.source, reason=said.reason)


@contextmanager
def change(*, person: "User | None", source: str, reason: str) -> Iterator[Changing]:
    """Edit rows, then publish, in one transaction; an exception undoes all of it.

    Waits for any other change to end. `person` is None for a command or a file. Raises
    ValueError for an empty reason or an unknown source.
    """
    changing = Changing(audit.Change(person, source, reason))
    with transaction.atomic():
        _execute("SELECT pg_advisory_xact_lock(%s)", _LOCK)
        yield changing
        changing.revision = _publish(changing.said)
        # Also without a new revision: a provider's secret is in none.
        _execute("SELECT pg_notify(%s, %s)", CHANNEL, changing.revision.hash)


def publish(*, reason: str, person: "User | None", source: str) -> Revision:
    """The revision of what the database says now: a new one only when something changed."""
    with change(person=person, source=source, reason=reason) as changing:
        pass
    return changing.revision


def _publish(said: audit.Change) -> Revision:
    document = compile_document()
    newest = Revision.objects.first()
    if newest is not None and newest.hash == content_hash(document):
        return newest
    # What no gateway could compile must not be published.
    compiled = compile_revision(document)
    sections = asdict(split(document))
    hashes = {f"{name}_id": section_hash(content) for name, content in sections.items()}
    Section.objects.bulk_create(
        [Section(section_hash(content), content) for content in sections.values()],
        ignore_conflicts=True,
    )
    return Revision.objects.create(
        hash=compiled.hash,
        created_at=audit.moment(),
        person=said.person,
        source=said.source,
        reason=said.reason,
        **hashes,
    )


def _execute(sql: str, *parameters: int | str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
