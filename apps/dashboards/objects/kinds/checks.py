"""Checks: what is looked for in the text before any provider is called."""

from collections.abc import Iterator, Sequence

from django import forms

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.dashboards.facts import Fact
from apps.dashboards.objects.entry_form import SlugField
from apps.dashboards.objects.kind import Around, Cell, Head, Kind
from apps.dashboards.objects.policy_fields import PolicyForm, WhenField, WordsField
from apps.dashboards.objects.policy_words import check_words, when_words
from apps.policies.editing import Held
from apps.policies.models import CHECK_ACTIONS


class CheckForm(PolicyForm):
    slug = SlugField()
    when = WhenField(help_text="All of them; of rows with one condition, any. None: every request.")
    match = WordsField(
        forms.CharField(label="what to look for", max_length=503),
        noun="pattern",
        label="Looks for",
        help_text="secrets, personal_data, a phrase, or re: and an RE2 expression.",
    )
    do = forms.ChoiceField(choices=[(name, name) for name in CHECK_ACTIONS], label="If found")


def _row(held: Held, _around: Around) -> Sequence[Cell]:
    return (Cell(when_words(held.entry)), Cell(check_words(held.entry)))


def _facts(held: Held, _person: User) -> Iterator[Fact]:
    yield Fact("When", when_words(held.entry))
    yield Fact("Then", check_words(held.entry))


CHECKS = Kind(
    name="checks",
    title="Checks",
    lede="What is looked for in the text before anybody is called, and what happens then.",
    icon="search",
    edits=Action.EDIT_GATES,
    form=CheckForm,
    heads=(Head("When", text=True), Head("Then", wide=True)),
    row=_row,
    facts=_facts,
    dangerous=True,
)
