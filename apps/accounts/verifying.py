"""Is the audit trail whole? Walks the chain, and lays the histories and the present beside it.

What cannot be found from inside: that the newest changes were taken back with all their traces
(entry, history row, and the thing itself as it was before). Only a digest that was noted elsewhere
tells of that; hence `noted`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef

from apps.accounts.chain import BEGINNING, WHAT, AuditEntry, content_of, kind_of, seal

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry: noted elsewhere, it proves later that nothing before it was changed."""

    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


@dataclass(frozen=True, slots=True)
class Verified:
    """The trail of so many `entries` up to `head`; `broken` says where it does not hold first."""

    entries: int
    head: Head | None
    broken: str | None


def verify(noted: Head | None = None) -> Verified:
    """Look at everything, as it is at one moment. `noted` must be among it."""
    with _one_moment():
        newest = AuditEntry.objects.first()
        return Verified(
            entries=AuditEntry.objects.count(),
            head=Head(newest.pk, newest.digest) if newest else None,
            broken=next(_faults(noted), None),
        )


@contextmanager
def _one_moment() -> Iterator[None]:
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _faults(noted: Head | None) -> Iterator[str]:
    """What is wrong, one sentence each, the first first."""
    yield from _broken_links()
    if noted is not None and not _holds(noted):
        yield f"entry {noted.number}, noted with digest {noted.digest}, is not there"
    for model in _audited():
        yield from _rows_without_entry(model)
        yield from _changed_past_us(model)


def _holds(noted: Head) -> bool:
    return AuditEntry.objects.filter(pk=noted.number, digest=noted.digest).exists()


# --------------------------------------------------------------------------- the chain


def _broken_links() -> Iterator[str]:
    previous = BEGINNING
    for entries in _in_batches(AuditEntry.objects.order_by("id").iterator(_AT_ONCE)):
        histories = _histories(entries)
        for entry in entries:
            if entry.previous != previous:
                yield f"{entry} does not follow the one before: something between is missing"
            elif seal(entry) != entry.digest:
                yield f"{entry} was changed: it is not what its digest seals"
            else:
                yield from _disagreements(entry, histories.get((entry.kind, entry.history_id)))
            previous = entry.digest


def _in_batches(entries: Iterable[AuditEntry]) -> Iterator[list[AuditEntry]]:
    iterator = iter(entries)
    while batch := list(islice(iterator, _AT_ONCE)):
        yield batch


def _histories(entries: list[AuditEntry]) -> dict[tuple[str, int], Any]:
    """The history rows at which entries point."""
    wanted: dict[str, list[int]] = {}
    for entry in entries:
        wanted.setdefault(entry.kind, []).append(entry.history_id)
    return {
        (kind_of(model), row.history_id): row
        for model in _audited()
        for row in _history(model).objects.filter(history_id__in=wanted.get(kind_of(model), ()))
    }


def _disagreements(entry: AuditEntry, row: Any) -> Iterator[str]:
    if row is None:
        yield f"{entry}: its history row {entry.history_id} is gone"
        return
    said = (row.history_date, row.history_user_id, row.source, row.history_change_reason)
    if said != (entry.at, entry.person_id, entry.source, entry.reason):
        yield f"{entry}: its history row names another person, moment, source or reason"
    if WHAT.get(row.history_type) != entry.what or _differs(entry, row, row.tracked_fields):
        yield f"{entry}: its history row {entry.history_id} was changed"


def _differs(entry: AuditEntry, row: models.Model, fields: Any) -> bool:
    """Whether `row` says something else than `entry`. Columns that came later are not in it, and
    of those that are gone the entry alone knows."""
    content = content_of(row, fields)
    return any(content[name] != entry.content[name] for name in content if name in entry.content)


# --------------------------------------------------------------------------- beside it


def _audited() -> list[Any]:
    return [
        model
        for model in apps.get_models()
        if hasattr(model._meta, "simple_history_manager_attribute")
    ]


def _history(model: Any) -> Any:
    return model.history.model


def _rows_without_entry(model: Any) -> Iterator[str]:
    entered = AuditEntry.objects.filter(kind=kind_of(model), history_id=OuterRef("history_id"))
    for row in _history(model).objects.filter(~Exists(entered)).order_by("history_id")[:1]:
        yield f"history row {row.history_id} of {kind_of(model)} has no entry"


def _changed_past_us(model: Any) -> Iterator[str]:
    """Things that are not as their newest entry left them."""
    newest = AuditEntry.objects.filter(kind=kind_of(model)).order_by("content__id", "-id")
    last = {entry.content["id"]: entry for entry in newest.distinct("content__id")}
    for row in model._default_manager.order_by("pk").iterator(_AT_ONCE):
        entry = last.pop(row.pk, None)
        if entry is None or entry.what == "deleted":
            yield f"{kind_of(model)} {row} is there, and no entry says so"
        elif _differs(entry, row, _history(model).tracked_fields):
            yield f"{kind_of(model)} {row} is not as {entry} left it"
    for entry in last.values():
        if entry.what != "deleted":
            yield f"{entry.kind} {entry.object} is gone, and no entry says so"
