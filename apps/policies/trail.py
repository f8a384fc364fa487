"""Entries of the audit trail in the words of whoever reads them: which fields were made what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import OuterRef, QuerySet, Subquery

from apps.accounts.chain import AuditEntry, kind_of
from apps.accounts.models import User
from apps.catalog.models import Price, Provider
from apps.policies.difference import FieldChange, changes_between
from apps.policies.export import WRITTEN, Entry, as_data, entry_of

PRICE = kind_of(Price)

_UNTOLD = frozenset({"id", "position", "created_at", "created_by_id"})
"""Columns of what no file writes that say nothing which the entry does not."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one thing. `kind`, `object` and `part` are the trail's. `what` is created,
    changed or deleted. `fields` is what differs, and is empty for what was only `moved` in its
    list or stated anew. `number` is the audit entry's."""

    number: int
    at: datetime
    person: User | None
    source: str
    reason: str
    kind: str
    object: str
    part: str
    what: str
    fields: tuple[FieldChange, ...]
    moved: bool = False


def with_before(entries: "QuerySet[AuditEntry]") -> "QuerySet[AuditEntry]":
    """`entries` with all that `change_of` needs of each, in one query."""
    earlier = AuditEntry.objects.filter(
        object=OuterRef("object"),
        kind=OuterRef("kind"),
        part=OuterRef("part"),
        pk__lt=OuterRef("pk"),
    ).order_by("-pk")
    return entries.select_related("person").annotate(
        before=Subquery(earlier.values("content")[:1]),
        what_before=Subquery(earlier.values("what")[:1]),
    )


def change_of(entry: Any) -> Change:
    """What an entry `with_before` says."""
    before = None if entry.what_before in (None, "deleted") else entry.before
    after = None if entry.what == "deleted" else entry.content
    old, new = (stated(entry.kind, content) for content in (before, after))
    return Change(
        number=entry.pk,
        at=entry.at,
        person=entry.person,
        source=entry.source,
        reason=entry.reason,
        kind=entry.kind,
        object=entry.object,
        part=entry.part,
        what=_what(old, new) if entry.kind == PRICE else entry.what,
        fields=changes_between(old, new),
        moved=_moved(before, after),
    )


def stated(kind: str, content: Mapping[str, Any] | None) -> Entry | None:
    """What stood there: as the file writes it where it does; of a provider also for whom its
    secret is kept. A withdrawn price is nothing."""
    if content is None:
        return None
    model = _model(kind)
    if model not in WRITTEN:
        return {name: value for name, value in content.items() if name not in _UNTOLD}
    row = row_of(model, content)
    if isinstance(row, Price):
        return None if row.withdrawn else {"prices": [as_data(entry_of(row))]}
    said = as_data(entry_of(row))
    if isinstance(row, Provider) and row.secret_origin:
        return {**said, "secret_origin": row.secret_origin, "secret_ends": row.secret_ends}
    return said


def row_of(model: Any, content: Mapping[str, Any]) -> Any:
    """The thing, not to be saved, as the trail remembers it; columns it does not know are left."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    known = {
        name: fields[name].to_python(value) for name, value in content.items() if name in fields
    }
    if model is Provider and known.get("secret_origin") and not known.get("secret_reference"):
        known["secret_ciphertext"] = b""  # that one was stored is known, and no more
    return model(**known)


def _model(kind: str) -> Any:
    try:
        return apps.get_model(kind)
    except LookupError:  # there was such a thing once
        return None


def _moved(before: Entry | None, after: Entry | None) -> bool:
    return bool(before and after and before.get("position") != after.get("position"))


def _what(before: Entry | None, after: Entry | None) -> str:
    if after is None:
        return "deleted"
    return "created" if before is None else "changed"
