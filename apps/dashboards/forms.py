"""What pages take from their URL."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from apps.dashboards import clock
from apps.traces.filters import STATUSES, TraceFilter
from apps.traces.ids import parse_trace_id
from apps.traces.moments import parse_moment

DEFAULT_FROM = "now-7d"
RANGES = (("now-1h", "1 h"), ("now-6h", "6 h"), ("now-24h", "24 h"), (DEFAULT_FROM, "7 d"))
"""Ranges that are one click away: what `from` says, and the button."""


class MomentField(forms.CharField):
    """`2026-11-18T14:00`, `2026-11-18` or `now-6h`; cleans to milliseconds since the epoch."""

    default_error_messages = {"moment": "Write a moment like 2026-11-18T14:00 or now-6h."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=40, **kwargs)

    def clean(self, value: str) -> int | None:
        text = super().clean(value)
        try:
            return parse_moment(text, clock.now_ms()) if text else None
        except (ValueError, OverflowError):
            raise forms.ValidationError(self.error_messages["moment"], code="moment") from None


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set; `without` is the query that unsets it."""

    label: str
    value: str
    without: str


class TraceFilters(forms.Form):
    """The filters of the list of traces. Names are the URL's, as the API has them."""

    to = MomentField(label="To")
    status = forms.ChoiceField(
        required=False, choices=[("", "Any"), *((s, s.capitalize()) for s in STATUSES)]
    )
    feature = forms.CharField(required=False, max_length=128)
    route = forms.CharField(required=False, max_length=128)
    tenant = forms.CharField(required=False, max_length=128)
    cursor = forms.CharField(required=False, max_length=36, widget=forms.HiddenInput)

    def __init__(self, query: QueryDict) -> None:
        said = {name: value for name, value in query.items() if value}
        super().__init__(said if "from" in query else {"from": DEFAULT_FROM, **said})
        for bound in self.visible_fields():
            bound.field.widget.attrs["class"] = "input"

    def clean_cursor(self) -> Any:
        text = self.cleaned_data["cursor"]
        cursor = parse_trace_id(text)
        if text and cursor is None:
            raise forms.ValidationError("This address is not one of a page of this list.")
        return cursor

    def trace_filter(self) -> TraceFilter:
        """Raises KeyError unless the form is valid."""
        said = self.cleaned_data
        return TraceFilter(
            from_ms=said["from"],
            to_ms=said["to"],
            feature=said["feature"] or None,
            status=said["status"] or None,
            route=said["route"] or None,
            tenant=said["tenant"] or None,
        )

    def chips(self) -> list[Chip]:
        """What is filtered by, besides a range that is one click away."""
        chips = [
            Chip(f"{name} is", self.data[name], self._without(name))
            for name in ("status", "feature", "route", "tenant")
            if name in self.data
        ]
        begin, end = self.data.get("from"), self.data.get("to")
        if end or begin not in dict(RANGES):
            value = f"{begin or 'the beginning'} to {end or 'now'}"
            chips.append(Chip("range is", value, self._without("from", "to")))
        return chips

    def _without(self, *names: str) -> str:
        rest = {k: v for k, v in self.data.items() if k not in (*names, "cursor")}
        return urlencode(rest)


# `from` is a word of the language, so it cannot be written among the fields above.
TraceFilters.base_fields = {"from": MomentField(label="From"), **TraceFilters.base_fields}
