"""Why an edit was not made. Whatever is raised here, nothing was changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.policies.difference import fields_of
from apps.policies.schema.names import SECTIONS

if TYPE_CHECKING:
    from apps.policies.editing.held import Held


class NotThere(LookupError):
    """There is no such object, or no such kind of object."""


@dataclass(frozen=True, slots=True)
class EntryProblem:
    """One thing that is wrong. `path` leads into the entry, like `candidates.0.deployment`; it
    is empty for the entry as a whole. `kind` and `slug` are set when the problem is that of
    another object, in whose entry `path` then leads."""

    path: str
    message: str
    kind: str = ""
    slug: str = ""

    @property
    def elsewhere(self) -> bool:
        return bool(self.kind)

    def __str__(self) -> str:
        if self.elsewhere:
            return f"{SECTIONS[self.kind]} {self.slug}: {self.message}"
        return f"{self.path}: {self.message}" if self.path else self.message


class Invalid(Exception):
    """What was asked for breaks the file's rules; `problems` has every reason."""

    def __init__(self, problems: Iterable[EntryProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class ConflictField:
    """A field on which the three do not agree; None where it is not stated."""

    field: str
    seen: str | None
    now: str | None
    wanted: str | None


class Conflict(Exception):
    """Somebody else changed the object meanwhile.

    `seen` is the entry as the editor saw it (None when that version is not known), `now` what
    stands there (None: it was removed), `wanted` what was asked for (None: its removal).
    """

    def __init__(
        self,
        kind: str,
        slug: str,
        *,
        seen: dict[str, Any] | None,
        now: "Held | None",
        wanted: dict[str, Any] | None,
    ) -> None:
        self.kind, self.slug = kind, slug
        self.seen, self.now, self.wanted = seen, now, wanted
        super().__init__(f"{SECTIONS[kind]} {slug} was changed meanwhile")

    @property
    def fields(self) -> tuple[ConflictField, ...]:
        """Every field in which the three differ."""
        seen, wanted = fields_of(self.seen), fields_of(self.wanted)
        now = fields_of(self.now.entry if self.now else None)
        rows = (
            ConflictField(field, seen.get(field), now.get(field), wanted.get(field))
            for field in seen | now | wanted
        )
        return tuple(row for row in rows if not row.seen == row.now == row.wanted)


class TakesTwo(Exception):
    """The edit is right, and takes effect only once a second person has confirmed it.

    `entry` is what would stand there, None: nothing any more; `version` is what the editor saw, and
    `why` a sentence.
    """

    def __init__(self, kind: str, slug: str, entry: Any, version: int, why: str) -> None:
        self.kind, self.slug, self.entry, self.version, self.why = kind, slug, entry, version, why
        super().__init__(why)
