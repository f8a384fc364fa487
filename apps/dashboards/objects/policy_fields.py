"""Fields of routes, gates and checks: conditions, demands, candidates, lists of words.

A condition with several values has a row for each, so that a value may hold a comma.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms

from apps.dashboards.objects.entry_form import EntryForm
from apps.dashboards.objects.rows_field import RowsField
from apps.policies.export import Entry
from routerctl.engine.conditions import CONDITIONS

Choices = Callable[[], Iterable[tuple[str, str]]]


class PairsField(RowsField):
    """Rows of a name and one value; a name that stands in several rows has any of their values.
    Cleans to a mapping."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return [
            self.row(name, one)
            for name, held in value.items()
            for one in (held if isinstance(held, list | tuple) else [held])
        ]

    def clean(self, value: list[dict[str, Any]]) -> dict[str, Any]:
        found: dict[str, list[Any]] = {}
        for row in super().clean(value):
            name, one = self.read(row)
            found.setdefault(name, []).append(one)
        return {name: ones[0] if len(ones) == 1 else ones for name, ones in found.items()}

    def row(self, name: str, value: Any) -> dict[str, Any]:
        """A name and a value as one types them."""
        said = str(value).lower() if isinstance(value, bool) else value
        return {"name": name, "value": said}

    def read(self, row: Mapping[str, Any]) -> tuple[str, Any]:
        """What was typed into a row, as the entry has it."""
        return row["name"], row["value"]


class WhenField(PairsField):
    """Conditions, all of which must hold. A new condition of the engine is offered by itself."""

    def __init__(self, **kwargs: Any) -> None:
        names = [("", "Condition"), *((n, n.replace("_", " ")) for n in CONDITIONS)]
        key = forms.CharField(
            label="key, for metadata",
            required=False,
            max_length=64,
            widget=forms.TextInput(attrs={"placeholder": "key", "data-beside": "metadata"}),
        )
        columns = {
            "name": forms.ChoiceField(label="condition", choices=names),
            "key": key,
            "value": forms.CharField(label="value", max_length=500),
        }
        super().__init__(columns, noun="condition", **kwargs)

    def row(self, name: str, value: Any) -> dict[str, Any]:
        condition, _, key = name.partition(".")
        return {"name": condition, "key": key, "value": value}

    def read(self, row: Mapping[str, Any]) -> tuple[str, Any]:
        keyed = row["name"] == "metadata" and row["key"]
        name = f"{row['name']}.{row['key']}" if keyed else row["name"]
        return name, row["value"]


class DemandsField(PairsField):
    """What a gate asks of a deployment. An attribute of the provider may be true or false."""

    def __init__(self, **kwargs: Any) -> None:
        columns = {
            "name": forms.CharField(label="of what", max_length=80),
            "value": forms.CharField(label="value", max_length=200),
        }
        super().__init__(columns, noun="demand", **kwargs)

    def read(self, row: Mapping[str, Any]) -> tuple[str, Any]:
        value: Any = row["value"]
        if row["name"].startswith("provider.") and value in ("true", "false"):
            value = value == "true"
        return row["name"], value


class PolicyForm(EntryForm):
    """A form with conditions and demands. A list of one value stays a list."""

    def entry(self, base: Entry) -> Entry:
        said = super().entry(base)
        for name, held in base.items():
            if isinstance(held, dict) and isinstance(said.get(name), dict):
                new = said[name]
                said[name] = {
                    key: held[key] if held.get(key) == [value] else value
                    for key, value in new.items()
                }
        return said


class CandidatesField(RowsField):
    """Deployments, in order, each with its weight."""

    def __init__(self, deployments: Choices, **kwargs: Any) -> None:
        weight = forms.IntegerField(
            label="weight",
            required=False,
            min_value=0,
            widget=forms.TextInput(attrs={"inputmode": "numeric", "placeholder": "weight"}),
        )
        columns = {
            "deployment": forms.ChoiceField(label="deployment", choices=deployments),
            "weight": weight,
        }
        super().__init__(columns, noun="candidate", **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [{"deployment": one, "weight": ""} if isinstance(one, str) else one for one in value]

    def clean(self, value: list[dict[str, Any]]) -> Any:
        return [row["deployment"] if row["weight"] is None else row for row in super().clean(value)]


class WordsField(RowsField):
    """A list of words, one in each row."""

    def __init__(self, word: forms.Field, *, noun: str, **kwargs: Any) -> None:
        super().__init__({"word": word}, noun=noun, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [one if isinstance(one, dict) else {"word": one} for one in value]

    def clean(self, value: list[dict[str, Any]]) -> Any:
        return [row["word"] for row in super().clean(value)]
