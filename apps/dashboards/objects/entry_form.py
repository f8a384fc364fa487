"""A form that turns the fields of a page into an entry, and an entry into fields.

A field's name is its path in the entry, with `__` for the dot: `limits__connect_ms` is
`limits.connect_ms`. What the form has no field for stays as it is. What is a wrong value is
`editing`'s to say; `blame` puts what it said beside the fields.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any, Self

from django import forms
from django.http import QueryDict

from apps.dashboards.objects.rows_field import RowsField
from apps.dashboards.page_form import PageForm
from apps.policies.editing import EntryProblem, entries
from apps.policies.export import Entry
from routerctl.engine.sentences import capitalised


class EntryForm(PageForm):
    """Give it fields, and `groups` when they stand under headings."""

    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Headings, each with the names of its fields; fields of none come first."""

    @classmethod
    def of(cls, entry: Entry, data: QueryDict | None = None, **facts: Any) -> Self:
        """The form of an entry that is there; its slug stays as it is."""
        form = cls(data, initial=cls.initial_from(entry), **facts)
        form.fields.pop("slug", None)
        return form

    @classmethod
    def initial_from(cls, entry: Entry) -> dict[str, Any]:
        """The values of those fields that `entry` states."""
        found = ((name, _at(entry, path_of(name))) for name in cls.base_fields)
        return {name: value for name, value in found if value is not None}

    def unjudged(self, add: str = "") -> Self:
        """The same values, typed and not yet judged, with one more row of the field `add`."""
        typed = {
            name: field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
            for name, field in self.fields.items()
        }
        if isinstance(self.fields.get(add), RowsField):
            typed[add] = [*typed[add], {}]
        form = type(self)(initial=typed)
        form.fields = {name: form.fields[name] for name in self.fields}
        return form

    def entry(self, base: Entry) -> Entry:
        """`base` with what the form says. Raises KeyError unless the form is valid."""
        said = deepcopy(base)
        for name in self.fields:
            _put(said, path_of(name), self.cleaned_data[name])
        return said

    def blame(self, problems: Iterable[EntryProblem]) -> None:
        """Tell of each problem beside the field in whose path it lies, or of the whole form."""
        for problem in problems:
            name, rest = ("", "") if problem.elsewhere else self._field_of(problem.path)
            if name:
                said = f"{rest}: {problem.message}" if rest else capitalised(problem.message)
                self.add_error(name, f"{said}.")
            else:
                self.add_error(None, f"{problem}.")

    def grouped(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields under their headings."""
        placed = {name for _, names in self.groups for name in names}
        first = [self[name] for name in self.fields if name not in placed]
        rest = [
            (heading, [self[name] for name in names if name in self.fields])
            for heading, names in self.groups
        ]
        return [("", first), *rest] if first else rest

    def _field_of(self, path: str) -> tuple[str, str]:
        """The field with the longest path that leads to `path`, and what is left of it."""
        steps = path.split(".")
        for length in range(len(steps), 0, -1):
            name = "__".join(steps[:length])
            if name in self.fields:
                return name, ".".join(steps[length:])
        return "", ""


class SlugField(forms.CharField):
    """The name of a new object."""

    def __init__(self, **kwargs: Any) -> None:
        said = "a-z, 0-9 and . _ / - after a letter or digit. It stays for good."
        facts: dict[str, Any] = {"help_text": said, "max_length": 128, "label": "Name", **kwargs}
        super().__init__(**facts)
        self.widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}


def listed(kind: str, blank: str | None = None) -> Callable[[], list[tuple[str, str]]]:
    """The slugs of `kind` as choices; `blank` is the words for none."""

    def choices() -> list[tuple[str, str]]:
        slugs = [(held.slug, held.slug) for held in entries(kind)]
        return slugs if blank is None else [("", blank), *slugs]

    return choices


def path_of(name: str) -> tuple[str, ...]:
    return tuple(name.split("__"))


def _at(entry: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = entry
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _put(entry: Entry, path: tuple[str, ...], value: Any) -> None:
    """Set what `path` leads to; an empty value takes it out, and the mapping that it empties."""
    first, *rest = path
    if rest:
        inside = dict(entry.get(first) or {})
        _put(inside, tuple(rest), value)
        value = inside
    if value in (None, "", [], {}):
        entry.pop(first, None)
    else:
        entry[first] = value
