"""The one way to change what has a history: with who, from where and why.

`save_with_reason` and `delete_with_reason` write the object and its history row in one
transaction, and enter the latter in the audit trail (`chain.py`). A model that keeps
`AuditedHistory` cannot be saved any other way: a plain `save()` raises `UnauditedChange`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import models, transaction
from django.utils import timezone
from simple_history.models import HistoricalRecords

from apps.accounts import chain

if TYPE_CHECKING:
    from apps.accounts.models import User

SOURCES: Final = ("code", "command", "page", "api")
"""Where a change came from: a configuration file, a command, a person's page, a client's call."""


_dated: ContextVar[datetime | None] = ContextVar("dated", default=None)


class UnauditedChange(Exception):
    """Something with a history was saved without saying who and why. A programming error."""


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes something, from where and why. `person` is None for a command or a file."""

    person: "User | None"
    source: str
    reason: str

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise ValueError(f"a change comes from one of {', '.join(SOURCES)}")
        if not self.reason.strip():
            raise ValueError("a change needs a reason")


class AuditColumns(models.Model):
    """What a history row has beside simple-history's own who, when and why."""

    source = models.CharField(max_length=8)

    class Meta:
        abstract = True


class AuditedHistory(HistoricalRecords):  # type: ignore[misc]  # simple-history has no types
    """History of a model: one row per change, each with who, from where and why.

    A save that names only excluded fields (a sign-in, a password hashed anew, a theme) changes
    nothing that is told of, and leaves no row. `named_by` and `part_by` are the fields by which
    the audit trail knows an object, and what is told apart below its name.
    """

    def __init__(
        self,
        *,
        excluded_fields: Iterable[str] = (),
        named_by: str = "slug",
        part_by: str | None = None,
    ) -> None:
        self.named_by, self.part_by = named_by, part_by
        super().__init__(bases=[AuditColumns], excluded_fields=list(excluded_fields))

    def post_save(
        self,
        instance: models.Model,
        created: bool,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> None:
        if update_fields and set(update_fields) <= set(self.excluded_fields):
            return
        super().post_save(instance, created, using=using, **kwargs)

    def create_historical_record(
        self,
        instance: models.Model,
        history_type: str,
        using: str | None = None,  # noqa: ARG002  # simple-history's signature
    ) -> None:
        change: Change | None = instance.__dict__.get("_change")
        if change is None:
            raise UnauditedChange(f"{instance._meta.label} was changed without a reason")
        kept: type[models.Model] = getattr(instance, self.manager_name).model
        row = kept._default_manager.create(
            history_date=moment(),
            history_type=history_type,
            history_user=change.person,
            history_change_reason=change.reason,
            source=change.source,
            **{f.attname: getattr(instance, f.attname) for f in self.fields_included(instance)},
        )
        part = getattr(instance, self.part_by) if self.part_by else ""
        chain.enter(row, name=str(getattr(instance, self.named_by)), part=str(part))


def save_with_reason(obj: models.Model, *, person: "User | None", source: str, reason: str) -> None:
    """Save `obj` and say in its history who changed it, from where and why.

    Raises ValueError for an empty reason or an unknown source.
    """
    with transaction.atomic(), _said(obj, Change(person, source, reason)):
        obj.save()


def delete_with_reason(
    obj: models.Model, *, person: "User | None", source: str, reason: str
) -> None:
    """Delete `obj`; its history stays and ends with who deleted it, from where and why.

    Raises ValueError for an empty reason or an unknown source.
    """
    with transaction.atomic(), _said(obj, Change(person, source, reason)):
        obj.delete()


@contextmanager
def dated(at: datetime) -> Iterator[None]:
    """What is changed inside is told of as if it had happened at `at`. For an invented past, such
    as the demo's, and nothing else."""
    token = _dated.set(at)
    try:
        yield
    finally:
        _dated.reset(token)


def moment() -> datetime:
    """When a change that is being made happens: now, unless it is `dated`."""
    return _dated.get() or timezone.now()


@contextmanager
def _said(obj: models.Model, change: Change) -> Iterator[None]:
    """Lend `change` to `obj` for as long as it is being written."""
    obj.__dict__["_change"] = change
    try:
        yield
    finally:
        del obj.__dict__["_change"]
