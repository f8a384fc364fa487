"""Prompts: system texts that routes put before a conversation."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.dashboards.facts import Fact
from apps.dashboards.figures import counted
from apps.dashboards.objects.entry_form import EntryForm, SlugField
from apps.dashboards.objects.kind import Around, Cell, Head, Kind
from apps.policies.editing import Held

_SHOWN = 160


class PromptForm(EntryForm):
    slug = SlugField()
    system = forms.CharField(
        label="System text",
        max_length=200_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14}),
        help_text="Stands before every conversation of the routes that use it.",
    )

    def clean_system(self) -> str:
        """Browsers send line ends as CRLF; the file has LF."""
        system: str = self.cleaned_data["system"]
        return system.replace("\r\n", "\n")


def _length(held: Held) -> str:
    return counted(len(held.entry["system"]), "character")


def _row(held: Held, _around: Around) -> Sequence[Cell]:
    text = " ".join(held.entry["system"].split())
    return (Cell(f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text), Cell(_length(held)))


def _facts(held: Held, _person: User) -> Iterator[Fact]:
    yield Fact("Length", _length(held))


def _context(held: Held, _person: User) -> dict[str, Any]:
    return {"system": held.entry["system"]}


PROMPTS = Kind(
    name="prompts",
    title="Prompts",
    lede="System texts that routes put before a conversation.",
    icon="message-square-text",
    edits=Action.EDIT_POLICY,
    form=PromptForm,
    heads=(Head("Text", wide=True), Head("Length", n=True)),
    row=_row,
    facts=_facts,
    panels="objects/prompt.html",
    context=_context,
)
