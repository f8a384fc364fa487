"""What an object was, told from the audit trail; it is told of deleted objects too.

An object's past is that of its own entries and, of a deployment, that of its prices.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from apps.accounts.chain import AuditEntry, kind_of
from apps.policies.editing.kinds import model_of
from apps.policies.export import Entry
from apps.policies.trail import PRICE, Change, change_of, stated, with_before
from apps.policies.yaml12 import is_storable


@dataclass(frozen=True, slots=True)
class Past:
    """Changes, newest first. `next` is the cursor of those before them; None: there are none."""

    changes: tuple[Change, ...]
    next: int | None


def history(kind: str, slug: str, *, cursor: int | None = None, limit: int = 50) -> Past:
    """The changes of an object, newest first, `limit` at a time."""
    entries = entries_about(kind, [slug])
    if cursor is not None:
        entries = entries.filter(pk__lt=cursor)
    found = list(with_before(entries).order_by("-pk")[: limit + 1])
    told = tuple(map(_change, found[:limit]))
    return Past(told, told[-1].number if len(found) > limit else None)


def entries_about(kind: str, slugs: Iterable[str]) -> Any:
    """The audit trail's entries about objects, newest first."""
    kinds = [kind_of(model_of(kind)), *([PRICE] if kind == "deployments" else [])]
    return AuditEntry.objects.filter(kind__in=kinds, object__in=filter(is_storable, slugs))


def entry_at(kind: str, slug: str, version: int) -> Entry | None:
    """The entry as it was at `version`; None when it was not there, or there was none such."""
    then = entries_about(kind, [slug]).filter(pk__lte=version)
    newest = then.order_by("kind", "part", "-pk").distinct("kind", "part")
    parts = sorted(newest, key=lambda entry: str(entry.part))
    own = [entry for entry in parts if entry.kind != PRICE]
    if not own or own[0].what == "deleted" or all(entry.pk != version for entry in parts):
        return None
    said = stated(own[0].kind, own[0].content) or {}
    prices = [
        price
        for entry in parts
        if entry.kind == PRICE
        for price in (stated(PRICE, entry.content) or {}).get("prices", ())
    ]
    return _without_facts({**said, "prices": prices} if prices else said)


def _without_facts(said: Entry) -> Entry:
    return {name: said[name] for name in said if name not in ("secret_origin", "secret_ends")}


def _change(entry: Any) -> Change:
    """A price is a part of its deployment: whatever became of it, the deployment was changed."""
    change = change_of(entry)
    return replace(change, what="changed") if change.kind == PRICE else change
