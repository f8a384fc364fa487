"""A field of rows, each with the same few inputs: attributes, quality by task, candidates.

Inputs are named `FIELD-ROW-COLUMN`. A row in which nothing is written is left out. More rows come
from a button that posts the form with `add=FIELD`, or from app.js, which copies the blank one.
"""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.safestring import SafeString

MAX_ROWS = 200


class RowsInput(forms.Widget):
    """Reads rows as a list of mappings; `parts/rows.html` renders them."""

    use_fieldset = True

    def __init__(self, columns: Mapping[str, forms.Field]) -> None:
        super().__init__()
        self.columns = columns

    def value_from_datadict(
        self, data: Mapping[str, Any], files: Any, name: str
    ) -> list[dict[str, Any]]:
        own = re.compile(rf"{re.escape(name)}-([0-9]{{1,4}})-.+")
        places = sorted({int(found[1]) for key in data if (found := own.fullmatch(key))})
        rows = [self._row(data, files, f"{name}-{place}") for place in places[: MAX_ROWS + 1]]
        return [row for row in rows if any(row.values())]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:  # noqa: ARG002
        return False

    def _row(self, data: Mapping[str, Any], files: Any, prefix: str) -> dict[str, Any]:
        return {
            name: column.widget.value_from_datadict(data, files, f"{prefix}-{name}") or ""
            for name, column in self.columns.items()
        }


class RowsField(forms.Field):
    """Cleans to a list of mappings, one for each row. `noun` is what one row is called."""

    def __init__(self, columns: Mapping[str, forms.Field], *, noun: str, **kwargs: Any) -> None:
        self.columns, self.noun = columns, noun
        super().__init__(required=False, widget=RowsInput(columns), **kwargs)

    def clean(self, value: list[dict[str, Any]]) -> Any:
        if len(value) > MAX_ROWS:
            raise forms.ValidationError(f"There is room for {MAX_ROWS} rows.")
        return [self._cleaned(number, row) for number, row in enumerate(value, 1)]

    def _cleaned(self, number: int, row: dict[str, Any]) -> dict[str, Any]:
        cleaned = {}
        for name, column in self.columns.items():
            try:
                cleaned[name] = column.clean(row[name])
            except forms.ValidationError as error:
                said = " ".join(error.messages)
                raise forms.ValidationError(f"Row {number}, {column.label}: {said}") from None
        return cleaned


class MappingField(RowsField):
    """Rows of a name and its value; cleans to a mapping."""

    def __init__(self, name: forms.Field, value: forms.Field, *, noun: str, **kwargs: Any) -> None:
        super().__init__({"name": name, "value": value}, noun=noun, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return [{"name": name, "value": self.written(held)} for name, held in value.items()]

    def clean(self, value: list[dict[str, Any]]) -> dict[str, Any]:
        named: dict[str, Any] = {}
        for row in super().clean(value):
            if row["name"] in named:
                raise forms.ValidationError(f"{row['name']} stands here twice.")
            named[row["name"]] = self.read(row["value"])
        return named

    def written(self, value: Any) -> str:
        """A value of the entry as one types it."""
        return str(value)

    def read(self, text: str) -> Any:
        """What was typed as a value of the entry."""
        return text


class Row:
    """A row as it is rendered: its inputs, each with its label. `place` is its number, or what
    app.js puts a number in the stead of."""

    def __init__(self, field: BoundField, place: int | str, values: Mapping[str, Any]) -> None:
        self._field, self.place, self._values = field, place, values

    def inputs(self) -> list[SafeString]:
        rows: RowsField = self._field.field  # type: ignore[assignment]
        return [self._input(name, column) for name, column in rows.columns.items()]

    def _input(self, name: str, column: forms.Field) -> SafeString:
        full = f"{self._field.html_name}-{self.place}-{name}"
        number = self.place + 1 if isinstance(self.place, int) else "new"
        attrs = {
            "id": f"id_{full}",
            "class": "input",
            "placeholder": column.label,
            "aria-label": f"{self._field.label}, row {number}: {column.label}",
        }
        widget = column.widget
        rendered: SafeString = widget.render(
            full, self._values.get(name, ""), {**widget.attrs, **attrs}
        )
        return rendered


def rendered_rows(field: BoundField) -> list[Row]:
    """The rows to show: those that are there, or a blank one."""
    values = field.value() or [{}]
    return [Row(field, place, row) for place, row in enumerate(values)]
