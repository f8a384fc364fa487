"""Flags: something on or off for a share of the customers."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.dashboards.facts import Fact
from apps.dashboards.objects.entry_form import EntryForm, SlugField
from apps.dashboards.objects.kind import Around, Cell, Filter, Head, Kind, Switch
from apps.policies.editing import Held, entries
from routerctl.engine.flags import SUBJECTS
from routerctl.engine.when import flags_of

_CONDITIONED = ("routes", "gates", "checks")


class FlagForm(EntryForm):
    slug = SlugField()
    enabled = forms.BooleanField(label="On", required=False)
    percent = forms.IntegerField(
        label="Share",
        initial=100,
        min_value=0,
        max_value=100,
        help_text="Percent of the subjects below for whom it is on, once it is on.",
    )
    sticky_by = forms.ChoiceField(
        choices=[(subject, subject) for subject in SUBJECTS],
        help_text="Whoever has it keeps it: the share is drawn once for each of these.",
    )


def share_words(held: Held) -> str:
    """For whom it is on: `25 % of tenants`."""
    entry = held.entry
    if not entry["enabled"]:
        return "Nobody"
    if entry["percent"] >= 100:
        return "Everyone"
    return f"{entry['percent']} % of {entry['sticky_by']}s"


def _around(_listed: Sequence[Held], _person: User) -> Around:
    used = defaultdict(list)
    for kind in _CONDITIONED:
        for held in entries(kind):
            for flag in flags_of(held.entry.get("when", {})):
                used[flag].append(held.slug)
    return {"used": used}


def _switch(held: Held) -> Switch:
    return Switch(held.entry["enabled"], reverse("flag_switch", args=[held.slug]))


def _row(held: Held, around: Around) -> Sequence[Cell]:
    used = ", ".join(around["used"][held.slug])
    share = held.entry["percent"] if held.entry["enabled"] else 0
    return (
        Cell(switch=_switch(held)),
        Cell(share_words(held), meter=share),
        Cell(used, why_unknown="Nothing asks for it"),
        Cell(at=held.saved.at if held.saved else None, why_unknown="Nobody has saved it yet"),
    )


def _facts(held: Held, _person: User) -> Iterator[Fact]:
    yield Fact("State", "On" if held.entry["enabled"] else "Off")
    yield Fact("On for", share_words(held))
    yield Fact("Share once on", f"{held.entry['percent']} %")
    yield Fact("Drawn once for each", held.entry["sticky_by"])


def _context(held: Held, _person: User) -> dict[str, Any]:
    return {"switch": _switch(held)}


_STATES = (("on", "On"), ("off", "Off"))

FLAGS = Kind(
    name="flags",
    title="Flags",
    lede="Switch something on or off for a share of your customers. At once, with a reason, and in "
    "the log.",
    icon="flag",
    edits=Action.SWITCH,
    form=FlagForm,
    heads=(
        Head("State"),
        Head("Share"),
        Head("Asked for by", wide=True),
        Head("Last change", wide=True),
    ),
    row=_row,
    facts=_facts,
    around=_around,
    filters=(
        Filter(
            "state",
            "State",
            lambda _: _STATES,
            lambda held, value: held.entry["enabled"] == (value == "on"),
        ),
    ),
    actions="objects/flag_actions.html",
    context=_context,
    meters=True,
)
