"""Edits that take two people: one asks, another confirms, and only then is anything changed.

`writing` raises TakesTwo for such an edit; `ask` keeps it, `confirm` makes it through the same
writing. What is asked anew takes the place of what was asked before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import Action, may
from apps.policies.editing.held import entry as standing
from apps.policies.editing.needs import needs
from apps.policies.editing.refusals import NotThere, TakesTwo
from apps.policies.editing.writing import put, remove
from apps.policies.export import Entry
from apps.policies.models import Revision, WaitingEdit


class NotYours(Exception):
    """Whoever asked for an edit does not confirm it."""


class Decided(Exception):
    """It was confirmed, withdrawn or replaced meanwhile."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An edit that was asked for. `entry` is what shall stand there, None: nothing any more.
    `version` is what the asker saw; while another stands there it cannot be confirmed. `why` says
    why it takes two. `person` is None for a key that belongs to nobody."""

    id: int
    kind: str
    slug: str
    entry: Entry | None
    version: int
    why: str
    person: User | None
    source: str
    reason: str
    made_at: datetime


def ask(needed: TakesTwo, *, person: User | None, source: str, reason: str) -> Waiting:
    """Keep an edit until somebody else confirms it, in place of what was asked before. Raises
    ValueError without a reason."""
    if not reason.strip():
        raise ValueError("a change needs a reason")
    with transaction.atomic():
        before = WaitingEdit.objects.select_for_update().filter(
            kind=needed.kind, slug=needed.slug, state="open"
        )
        before.update(state="replaced", decided_by=person, decided_at=timezone.now())
        row = WaitingEdit.objects.create(
            kind=needed.kind,
            slug=needed.slug,
            entry=needed.entry,
            version=needed.version,
            why=needed.why,
            person=person,
            source=source,
            reason=reason,
        )
    return _value(row)


def waiting(kind: str, slugs: Iterable[str] | None = None) -> list[Waiting]:
    """What waits of a kind, or of some of its objects; the oldest first."""
    rows = WaitingEdit.objects.filter(kind=kind, state="open").select_related("person")
    if slugs is not None:
        rows = rows.filter(slug__in=list(slugs))
    return [_value(row) for row in rows.order_by("pk")]


def confirm(number: int, *, person: User, reason: str) -> Revision:
    """Make the edit. Raises NotThere, NotYours, Decided, PermissionDenied, ValueError without a
    reason, and what `put` raises: Conflict when something else stands there by now."""
    with transaction.atomic():
        row = _undecided(number)
        _permit(row, person)
        if row.person_id == person.pk:
            raise NotYours("Somebody else confirms what you asked for.")
        said: dict[str, Any] = {
            "expected": row.version,
            "person": person,
            "source": "page",
            "reason": _both(row, reason),
            "confirmed": True,
        }
        if row.entry is None:
            revision = remove(row.kind, row.slug, **said)
        else:
            revision = put(row.kind, row.slug, row.entry, **said)
        _decide(row, "confirmed", person, reason)
    return revision


def withdraw(number: int, *, person: User, reason: str) -> Waiting:
    """Let it be; whoever could have asked may. Raises NotThere, Decided, PermissionDenied and
    ValueError without a reason."""
    with transaction.atomic():
        row = _undecided(number)
        _permit(row, person)
        _decide(row, "withdrawn", person, reason)
    return _value(row)


# --------------------------------------------------------------------------- the steps


def _undecided(number: int) -> WaitingEdit:
    # The person's row is no part of it, and cannot be locked through an outer join.
    row = WaitingEdit.objects.select_for_update(of=("self",)).filter(pk=number).first()
    if row is None:
        raise NotThere(f"there is no edit {number} that waits")
    if row.state != "open":
        raise Decided(f"This was {row.state} already.")
    return row


def _permit(row: WaitingEdit, person: User) -> None:
    try:
        before: Entry | None = standing(row.kind, row.slug).entry
    except NotThere:
        before = None
    for action in sorted(needs(row.kind, before, row.entry) or {Action.EDIT_CAPS}):
        if not may(person, action):
            raise PermissionDenied(f"{person.role} may not {action}")


def _both(row: WaitingEdit, reason: str) -> str:
    """The change log names one person: the other stands in the words."""
    asked = row.person.email if row.person else "a key"
    return f"{row.reason} (asked for by {asked}; confirmed: {reason})" if reason.strip() else ""


def _decide(row: WaitingEdit, state: str, person: User, reason: str) -> None:
    if not reason.strip():
        raise ValueError("a decision needs a reason")
    row.state, row.decided_by, row.decided_at = state, person, timezone.now()
    row.decided_why = reason
    row.save(update_fields=["state", "decided_by", "decided_at", "decided_why"])


def _value(row: WaitingEdit) -> Waiting:
    return Waiting(
        id=row.pk,
        kind=row.kind,
        slug=row.slug,
        entry=row.entry,
        version=row.version,
        why=row.why,
        person=row.person,
        source=row.source,
        reason=row.reason,
        made_at=row.made_at,
    )
