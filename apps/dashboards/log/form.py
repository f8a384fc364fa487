"""What the change log takes from its address."""

from datetime import UTC, datetime

from django import forms
from django.http import QueryDict

from apps.accounts.audit import SOURCES
from apps.dashboards.forms import Chip
from apps.dashboards.moment_field import MomentField
from apps.dashboards.page_form import PageForm
from apps.policies.log import READS, LogFilter, Sight, authors

SOURCE_WORDS = {
    "code": "a configuration file",
    "command": "a command",
    "page": "a page",
    "api": "the API",
}
_FILTERS = ("kind", "object", "person", "source", "from", "to")


class LogFilters(PageForm):
    """Filters, by their names in the address. Only what `sight` reaches can be chosen."""

    kind = forms.ChoiceField(required=False)
    object = forms.CharField(required=False, max_length=254)
    person = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)
    source = forms.ChoiceField(
        required=False, choices=[("", "Any"), *((name, SOURCE_WORDS[name]) for name in SOURCES)]
    )
    to = MomentField(label="To")
    cursor = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    def __init__(self, said: QueryDict, sight: Sight) -> None:
        super().__init__(said)
        self.said = said
        self._offered: dict[str, dict[str, str]] = {"source": SOURCE_WORDS}
        kinds = [READS[kind][0] for kind in READS if kind in sight.kinds]
        self._offer("kind", [(word, word.capitalize()) for word in kinds])
        self._offer("person", [(str(one.pk), one.get_full_name()) for one in authors(sight)])

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Any"), *choices]
        self._offered[name] = dict(choices)

    def log_filter(self) -> LogFilter:
        """Raises KeyError unless the form is valid."""
        said = self.cleaned_data
        return LogFilter(
            kind=said["kind"] or None,
            object=said["object"] or None,
            person=said["person"],
            source=said["source"] or None,
            from_at=_at(said["from"]),
            to_at=_at(said["to"]),
        )

    def chips(self) -> list[Chip]:
        """What is filtered by, each with the query that asks for the rest."""
        return [
            Chip(f"{self[name].label.lower()} is", self._words(name), self.address(name))
            for name in _FILTERS
            if self.said.get(name)
        ]

    def address(self, *without: str) -> str:
        """The query of this list's first page, without some of it."""
        rest = self.said.copy()
        for name in ("cursor", *without):
            rest.pop(name, None)
        return str(rest.urlencode())

    def _words(self, name: str) -> str:
        said = str(self.said[name])
        return self._offered.get(name, {}).get(said, said)


# `from` is a keyword, so the class cannot spell it.
LogFilters.base_fields = {
    name: MomentField(label="From") if name == "from" else LogFilters.base_fields[name]
    for name in (*_FILTERS, "cursor")
}


def _at(moment_ms: int | None) -> datetime | None:
    return None if moment_ms is None else datetime.fromtimestamp(moment_ms / 1000, UTC)
