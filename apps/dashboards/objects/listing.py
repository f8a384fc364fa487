"""A list of objects: what its query asks for, and the rows of what has it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict

from apps.accounts.models import User
from apps.dashboards.forms import Chip
from apps.dashboards.objects import sight
from apps.dashboards.objects.kind import Cell, Filter, Kind
from apps.policies.editing import Held, entries


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter of a kind with what can be chosen and what was."""

    filter: Filter
    choices: list[tuple[str, str]]
    chosen: str


@dataclass(frozen=True, slots=True)
class Row:
    held: Held
    told: str
    url: str
    cells: Sequence[Cell]


class Listing:
    """`every` object of a kind, and those `found` that have what the query asks for."""

    def __init__(self, kind: Kind, query: QueryDict) -> None:
        self.kind, self._query = kind, query
        self.text = query.get("q", "").strip()
        self.every = entries(kind.name)
        self.choices = [
            Choice(one, list(one.choices(self.every)), query.get(one.name, ""))
            for one in kind.filters
        ]
        self.found = [held for held in self.every if self._has_all(held)]

    def rows(self, some: Sequence[Held], person: User) -> list[Row]:
        kind, readable = self.kind, [sight.seen(held, person) for held in some]
        around = kind.around(readable, person)
        return [
            Row(held, kind.told(held), kind.url(held.slug), kind.row(held, around))
            for held in readable
        ]

    def chips(self) -> list[Chip]:
        """What is asked for, each with the query that asks for the rest."""
        asked = [("q", "name has", self.text)] if self.text else []
        for choice in self.choices:
            if choice.chosen:
                words = dict(choice.choices).get(choice.chosen, choice.chosen)
                asked.append((choice.filter.name, f"{choice.filter.label.lower()} is", words))
        return [Chip(label, value, self._without(name)) for name, label, value in asked]

    def _has_all(self, held: Held) -> bool:
        return self.text.lower() in held.slug and all(
            choice.filter.has(held, choice.chosen) for choice in self.choices if choice.chosen
        )

    def _without(self, name: str) -> str:
        rest = self._query.copy()
        for gone in (name, "page"):
            rest.pop(gone, None)
        return rest.urlencode()
