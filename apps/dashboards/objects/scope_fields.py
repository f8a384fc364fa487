"""The fields by which a rule of the file says whom it counts: `scope` and `per`."""

from typing import Any

from django import forms

from apps.dashboards.objects.entry_form import EntryForm
from apps.dashboards.objects.rows_field import MappingField
from apps.policies.export import Entry


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


class WordsField(forms.CharField):
    """Words between commas; cleans to a list."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: str) -> list[str]:
        return _words(super().clean(value))


class ScopeField(MappingField):
    """Rows of what a rule looks at and which of it, several of them between commas. `named` is
    what it may look at."""

    def __init__(self, named: tuple[str, ...]) -> None:
        super().__init__(
            forms.ChoiceField(label="what", choices=[("", "What"), *((s, s) for s in named)]),
            forms.CharField(label="which", max_length=2000),
            noun="condition",
            label="Counts",
            help_text="Requests for which all of these hold; any of several words between commas. "
            "Left empty: every request.",
        )

    def written(self, value: Any) -> str:
        return value if isinstance(value, str) else ", ".join(value)

    def read(self, text: str) -> Any:
        words = _words(text)
        return words[0] if len(words) == 1 else words


class ScopedForm(EntryForm):
    """A form with the field `scope`."""

    def entry(self, base: Entry) -> Entry:
        """A list of one word stays a list."""
        said = super().entry(base)
        was = base.get("scope", {})
        for name, value in said.get("scope", {}).items():
            if was.get(name) == [value]:
                said["scope"][name] = [value]
        return said
