"""What stands there: objects as entries, each with its version and who saved it last."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.catalog.models import Provider
from apps.catalog.origins import origin_of
from apps.policies.editing.kinds import model_of
from apps.policies.editing.past import entries_about
from apps.policies.editing.refusals import NotThere
from apps.policies.export import Entry, as_data, entries_of
from apps.policies.schema.names import SECTIONS
from apps.policies.yaml12 import is_storable


@dataclass(frozen=True, slots=True)
class Saved:
    """When something was saved last, by whom (None: a file or a command), from where and why."""

    at: datetime
    person: User | None
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """What may be told of a provider's secret: the `origin` for which it was given, and of a
    stored one the last characters. It is `usable` while the provider is at that origin."""

    origin: str
    ends: str
    usable: bool


@dataclass(frozen=True, slots=True)
class Held:
    """An object as it stands. `version` is the number of its newest audit entry: it changes with
    every save, and is what an editor gives back to say which state was seen. `saved` is None for
    what nobody saved through us."""

    kind: str
    slug: str
    entry: Entry
    version: int
    saved: Saved | None
    secret: SecretFacts | None = None


def entries(kind: str) -> list[Held]:
    """All objects of `kind`, in the order of their list. Raises NotThere for an unknown kind."""
    return list(_held(kind, model_of(kind).objects.all()))


def entry(kind: str, slug: str) -> Held:
    """One object. Raises NotThere."""
    found = find(kind, slug)
    if found is None:
        raise NotThere(f"there is no {SECTIONS[kind]} {slug}")
    return found


def find(kind: str, slug: str) -> Held | None:
    """One object; None when it is not there. Raises NotThere for an unknown kind."""
    model = model_of(kind)
    return next(_held(kind, model.objects.filter(slug=slug)), None) if is_storable(slug) else None


def _held(kind: str, objects: Any) -> Iterator[Held]:
    listed = entries_of(objects)
    slugs = [entry["slug"] for entry in listed]
    newest = _newest(kind, slugs)
    secrets = _secrets(slugs) if kind == "providers" else {}
    for entry in listed:
        slug = entry["slug"]
        last = newest.get(slug)
        yield Held(
            kind=kind,
            slug=slug,
            entry=as_data(entry),
            version=last.pk if last else 0,
            saved=Saved(last.at, last.person, last.source, last.reason) if last else None,
            secret=secrets.get(slug),
        )


def _newest(kind: str, slugs: Iterable[str]) -> dict[str, Any]:
    """The newest entry of the audit trail about each object."""
    entries = entries_about(kind, slugs).order_by("object", "-pk").distinct("object")
    return {entry.object: entry for entry in entries.select_related("person")}


def _secrets(slugs: Iterable[str]) -> dict[str, SecretFacts]:
    rows = Provider.objects.filter(slug__in=slugs).exclude(secret_origin="")
    return {
        row.slug: SecretFacts(
            row.secret_origin, row.secret_ends, row.secret_origin == origin_of(row.base_url)
        )
        for row in rows
    }
