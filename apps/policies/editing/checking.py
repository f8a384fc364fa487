"""Whether the file would still be one with an entry changed, added or taken away."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.catalog.models import Price, Provider
from apps.catalog.origins import origin_of
from apps.policies.difference import FieldChange, changes_between
from apps.policies.editing.held import Held, entry
from apps.policies.editing.kinds import BARE, as_written, model_of
from apps.policies.editing.refusals import EntryProblem, Invalid
from apps.policies.export import Entry, as_data, document, entry_of
from apps.policies.rows import Rows, rows_of
from apps.policies.schema import check, check_one
from apps.policies.yaml12 import MAX_DEPTH, Path, is_storable


@dataclass(frozen=True, slots=True)
class Preview:
    """What saving would do: `entry` as it would stand there, how it differs from what does, and
    sentences about what nobody asked for in so many words."""

    entry: Entry
    fields: tuple[FieldChange, ...]
    notes: tuple[str, ...]


def preview(kind: str, slug: str | None, wanted: Any) -> Preview:
    """What `put` would do, without doing it. Raises NotThere and Invalid."""
    held = None if slug is None else entry(kind, slug)
    kept, notes = without_moved_secret(held, wanted)
    after = entry_in(kind, checked_rows(kind, slug, kept))
    return Preview(after, changes_between(held.entry if held else None, after), notes)


def consequences(kind: str, slug: str) -> list[EntryProblem]:
    """What would be wrong elsewhere without the object: whatever refers to it, each with kind,
    slug and path. While there is any, `remove` refuses. Raises NotThere."""
    entry(kind, slug)
    data = document()
    place = _place(kind, slug, data)
    less = {**data, kind: [*data[kind][:place], *data[kind][place + 1 :]]}
    return list(_new_problems(less, data, _origins()))


def without_moved_secret(held: Held | None, wanted: Any) -> tuple[Any, tuple[str, ...]]:
    """`wanted` without the secret of a provider that moves to another origin, and a note of it.

    A secret was given for one origin: the new one never receives what the old one had. Another
    reference than before was written for the new origin, and stays.
    """
    if held is None or held.secret is None or not isinstance(wanted, dict):
        return wanted, ()
    secret = held.entry.get("secret")
    if wanted.get("secret") != secret or not _elsewhere(wanted.get("base_url"), held.secret.origin):
        return wanted, ()
    kept = {name: value for name, value in wanted.items() if name != "secret"}
    return kept, (f"The secret was given for {held.secret.origin}; it is forgotten.",)


def checked_rows(kind: str, slug: str | None, wanted: Any) -> Rows:
    """The rows, not saved yet, which an entry asks for in place of `slug` (None: a new one).

    Raises Invalid with everything that is wrong with it, and with what else it would break.
    """
    model_of(kind)
    found = [*_shape_problems(kind, wanted), *_slug_problems(slug, wanted)]
    if any(not problem.path for problem in found):
        raise Invalid(found)
    data, stored = document(), _stored()
    origins = {name: row.secret_origin for name, row in stored.items()}
    place = len(data[kind]) if slug is None else _place(kind, slug, data)
    written = as_written(kind, wanted)
    changed = {**data, kind: [*data[kind][:place], written, *data[kind][place + 1 :]]}
    found += _new_problems(changed, data, origins, (kind, place))
    if found:
        raise Invalid(dict.fromkeys(found))
    return rows_of(check_one(kind, written, changed, origins), stored)


def entry_in(kind: str, rows: Rows) -> Entry:
    """The one entry of `kind` in `rows`, as an export would write it."""
    said = entry_of(rows[model_of(kind)][0])
    prices = sorted((entry_of(price) for price in rows[Price]), key=lambda price: price["from"])
    return as_data({**said, "prices": prices} if prices else said)


# --------------------------------------------------------------------------- problems


def _shape_problems(kind: str, wanted: Any) -> Iterator[EntryProblem]:
    """What a reader of files would have refused before it looks at what is said."""
    if not isinstance(wanted, dict):
        yield EntryProblem("", "must be a mapping")
        return
    if any(not is_storable(text) for text in _texts(wanted, 0)):
        yield EntryProblem("", "holds a character which text cannot have")
    if kind in BARE:
        yield from (EntryProblem(name, "unknown key") for name in wanted if name != "slug")


def _texts(value: Any, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise Invalid([EntryProblem("", f"nested deeper than {MAX_DEPTH}")])
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (str(name) for name in value)
        for inner in value.values():
            yield from _texts(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, depth + 1)


def _slug_problems(slug: str | None, wanted: Any) -> Iterator[EntryProblem]:
    said = wanted.get("slug") if isinstance(wanted, dict) else None
    if slug is not None and isinstance(said, str) and said != slug:
        yield EntryProblem("slug", f"stays {slug}: traces and the history know it by that name")


def _new_problems(
    changed: Entry, data: Entry, origins: dict[str, str], edited: tuple[str, int] | None = None
) -> Iterator[EntryProblem]:
    """The problems of the `edited` entry, and those elsewhere that were not there before."""
    _, found = check(changed, origins)
    if not found:
        return
    known = {_told(path, message, data) for path, message in check(data, origins)[1]}
    for path, message in found:
        if path[:2] == edited:
            inside = path[2:] or (("slug",) if path[0] in BARE else ())
            yield EntryProblem(_spoken(inside), message)
        elif (problem := _told(path, message, changed)) not in known:
            yield problem


def _told(path: Path, message: str, data: Entry) -> EntryProblem:
    """A problem of a whole file as that of the object in which it is."""
    kind, place, *inside = path
    said = data[str(kind)][int(place)]
    slug = said if isinstance(said, str) else said.get("slug", "")
    return EntryProblem(_spoken(tuple(inside)), message, str(kind), slug)


def _spoken(path: Path) -> str:
    return ".".join(map(str, path))


# --------------------------------------------------------------------------- what stands there


def _place(kind: str, slug: str, data: Entry) -> int:
    slugs = [_slug_of(said) for said in data[kind]]
    return slugs.index(slug)


def _slug_of(said: Any) -> str:
    """The slug of an element of the file's list."""
    return said if isinstance(said, str) else str(said["slug"])


def _stored() -> dict[str, Provider]:
    return {row.slug: row for row in Provider.objects.exclude(secret_ciphertext=None)}


def _origins() -> dict[str, str]:
    return {slug: row.secret_origin for slug, row in _stored().items()}


def _elsewhere(base_url: Any, origin: str) -> bool:
    """Whether `base_url` leads to another origin; what is no URL at all is the schema's matter."""
    try:
        return isinstance(base_url, str) and origin_of(base_url) != origin
    except ValueError:
        return False
