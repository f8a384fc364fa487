"""What the pages of traffic take from their address."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from apps.dashboards import clock
from apps.dashboards.columns import COLUMNS, DEFAULT_COLUMNS, Column
from apps.dashboards.moment_field import MomentField, read_moment
from apps.traces import filters
from apps.traces.filters import STATUSES, TraceFilter
from apps.traces.ids import parse_trace_id

DEFAULT_FROM = "now-7d"
RANGES = (
    ("now-1h", "1 h"),
    ("now-6h", "6 h"),
    ("today", "Today"),
    (DEFAULT_FROM, "7 d"),
)
"""Ranges that are one click away: what `from` says, and the button."""

_PAGING = ("cursor", "newer")


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set; `without` is the query that unsets it."""

    label: str
    value: str
    without: str


def _text(label: str, **kwargs: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=128, **kwargs)


class TraceFilters(forms.Form):
    """The filters of the list of traces. Names are the address's, as the API has them."""

    to = MomentField(label="To")
    status = forms.ChoiceField(
        required=False, choices=[("", "Any"), *((s, s.capitalize()) for s in STATUSES)]
    )
    feature = _text("Feature")
    tenant = _text("Tenant")
    plan = _text("Plan")
    route = _text("Route")
    task = _text("Task")
    deployment = _text("Deployment called")
    provider = _text("Provider called")
    error_code = _text("Error code")
    degraded_action = _text("Degraded by")
    cap = _text("Met the cap")
    app = _text("App")
    app_version = _text("App version")
    key = _text("API key prefix")
    session = _text("Session")
    user = _text("User")
    min_latency_ms = forms.IntegerField(
        label="At least, ms", required=False, min_value=0, max_value=10**9
    )
    col = forms.MultipleChoiceField(
        label="Columns",
        required=False,
        choices=[(name, column.title) for name, column in COLUMNS.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    live = forms.BooleanField(required=False, widget=forms.HiddenInput)
    cursor = forms.CharField(required=False, max_length=36, widget=forms.HiddenInput)
    newer = forms.CharField(required=False, max_length=36, widget=forms.HiddenInput)

    def __init__(self, query: QueryDict) -> None:
        said = query.copy()
        for name in [name for name, value in said.items() if not value and name != "from"]:
            del said[name]
        said.setdefault("from", DEFAULT_FROM)
        self.said = said
        super().__init__(said)
        for bound in self.filter_fields():
            bound.field.widget.attrs["class"] = "input"

    def filter_fields(self) -> list[forms.BoundField]:
        return [bound for bound in self.visible_fields() if bound.name != "col"]

    def clean_cursor(self) -> Any:
        return self._place("cursor")

    def clean_newer(self) -> Any:
        return self._place("newer")

    def trace_filter(self) -> TraceFilter:
        """Raises KeyError unless the form is valid."""
        said = self.cleaned_data
        equal = {name: said[name] or None for name in filters.WORDS}
        return TraceFilter(
            from_ms=said["from"], to_ms=said["to"], min_latency_ms=said["min_latency_ms"], **equal
        )

    def columns(self) -> dict[str, Column]:
        """The columns that are shown, by their names in the address."""
        chosen = self.cleaned_data["col"] or DEFAULT_COLUMNS
        return {name: column for name, column in COLUMNS.items() if name in chosen}

    def kept(self) -> list[tuple[str, list[str]]]:
        """What the form of filters must not lose: it has no field for it."""
        return [(name, self.said.getlist(name)) for name in ("col", "live") if name in self.said]

    def chips(self) -> list[Chip]:
        """What is filtered by, besides a range that is one click away."""
        names = (*filters.WORDS, "min_latency_ms")
        chips = [
            Chip(f"{self[name].label.lower()} is", self.data[name], self.address(**{name: None}))
            for name in names
            if name in self.data
        ]
        begin, end = self.data["from"], self.data.get("to")
        if end or begin not in dict(RANGES):
            value = f"{_said(begin) or 'the beginning'} to {_said(end) or 'now'}"
            chips.append(Chip("range is", value, self.address(**{"from": None, "to": None})))
        return chips

    def address(self, **changed: str | None) -> str:
        """The query of this list with some of it changed, on its first page; None takes away."""
        rest = self.said.copy()
        for name in (*_PAGING, *(name for name, value in changed.items() if value is None)):
            rest.pop(name, None)
        for name, value in changed.items():
            if value is not None:
                rest[name] = value
        return str(rest.urlencode())

    def _place(self, name: str) -> Any:
        text = self.cleaned_data[name]
        place = parse_trace_id(text)
        if text and place is None:
            raise forms.ValidationError("This address is not one of a page of this list.")
        return place


# `from` is a keyword, so the class cannot spell it.
TraceFilters.base_fields = {"from": MomentField(label="From"), **TraceFilters.base_fields}


def _said(text: str | None) -> str:
    """A moment as a chip shows it: a word as it was written, a date in the page's zone."""
    if not text or not text[0].isdigit():
        return text or ""
    try:
        moment = clock.local(read_moment(text))
    except (ValueError, OverflowError):
        return text
    return f"{moment.day} {moment:%b} {moment:%H:%M}"
