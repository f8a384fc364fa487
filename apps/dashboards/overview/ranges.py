"""The range that the overview is of, and the one that it is compared with."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from apps.dashboards import clock
from apps.dashboards.moment_field import MomentField, read_moment

DAY_MS = 86_400_000
DEFAULT = ("today", "")
RANGES: dict[tuple[str, str], str] = {
    ("now-1h", ""): "Last hour",
    ("now-6h", ""): "Last 6 hours",
    DEFAULT: "Today",
    ("yesterday", "today"): "Yesterday",
    ("now-7d", ""): "Last 7 days",
    ("now-30d", ""): "Last 30 days",
}
"""Ranges that are one click away: what `from` and `to` say, and the words."""

LONGEST_MS = 31 * DAY_MS


@dataclass(frozen=True, slots=True)
class Range:
    """From `from_ms` on and before `to_ms`. `query` says it in an address; what is compared with
    began `earlier_by_ms` before, and is called `compared`."""

    from_ms: int
    to_ms: int
    title: str
    query: str

    @property
    def _days(self) -> int:
        return max(1, -(-(self.to_ms - self.from_ms) // DAY_MS))

    @property
    def earlier_by_ms(self) -> int:
        """Whole days: mornings are compared with mornings."""
        return self._days * DAY_MS

    @property
    def compared(self) -> str:
        return "on the day before" if self._days == 1 else f"on the {self._days} days before"

    @property
    def lede(self) -> str:
        """`Wednesday 18 November 2026, 00:00 to 14:32 UTC`."""
        begin, end = clock.local(self.from_ms), clock.local(self.to_ms)
        first = f"{begin:%A} {begin.day} {begin:%B %Y}, {begin:%H:%M}"
        if begin.date() == clock.local(self.to_ms - 1).date():
            last = "24:00" if end.date() != begin.date() else f"{end:%H:%M}"
        else:
            last = f"{end:%A} {end.day} {end:%B %Y}, {end:%H:%M}"
        return f"{first} to {last} {end:%Z}"


class RangeForm(forms.Form):
    """`from` and `to` as the address has them; the `default` (of `RANGES`) without either."""

    to = MomentField(label="To")

    def __init__(self, query: QueryDict, default: tuple[str, str] = DEFAULT) -> None:
        begin, end = query.get("from", ""), query.get("to", "")
        self.said = (begin, end) if begin or end else default
        super().__init__(dict(zip(("from", "to"), self.said, strict=True)))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        begin, end = said.get("from"), said.get("to") or clock.now_ms()
        if not self.errors and (begin is None or not 0 < end - begin <= LONGEST_MS):
            raise forms.ValidationError(
                "Choose a range of at most 31 days that ends after it began."
            )
        return said

    def range(self) -> Range:
        """Raises KeyError unless the form is valid. The end is never after now."""
        now_ms = clock.now_ms()
        end = min(self.cleaned_data["to"] or now_ms, now_ms)
        begin = min(self.cleaned_data["from"], end - 1)
        said = {"from": self.said[0], **({"to": self.said[1]} if self.said[1] else {})}
        return Range(begin, end, RANGES.get(self.said, "Chosen range"), urlencode(said))


# `from` is a keyword, so the class cannot spell it.
RangeForm.base_fields = {"from": MomentField(label="From"), **RangeForm.base_fields}


def today() -> Range:
    """The range that is shown when nothing else was asked for, or could be understood."""
    return Range(
        read_moment("today"), max(clock.now_ms(), read_moment("today") + 1), "Today", "from=today"
    )
