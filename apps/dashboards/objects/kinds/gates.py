"""Gates: hard requirements on deployments, which no ranking and no fallback gets around."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.dashboards.facts import Fact
from apps.dashboards.objects.entry_form import SlugField
from apps.dashboards.objects.kind import Around, Cell, Head, Kind
from apps.dashboards.objects.policy_fields import DemandsField, PolicyForm, WhenField
from apps.dashboards.objects.policy_words import gate_words, when_words
from apps.policies.compiled import current_revision
from apps.policies.editing import Held
from routerctl.engine.gates import OTHERWISE


class GateForm(PolicyForm):
    slug = SlugField()
    when = WhenField(help_text="All of them; of rows with one condition, any. None: every request.")
    require = DemandsField(
        help_text="provider.ATTRIBUTE, region, deployment or capability. All; of one name, any."
    )
    forbid = DemandsField(help_text="The same names; whoever has one of these is turned away.")
    otherwise = forms.ChoiceField(
        choices=[(name, name) for name in OTHERWISE],
        label="If nobody is left",
        required=False,
    )


def turned_away() -> dict[str, list[tuple[str, str]]]:
    """By gate, the deployments that it turns away now, each with the reason."""
    return {
        gate.slug: [(name, reason.message) for name, reason in gate.rejects.items()]
        for gate in current_revision().gates
    }


def _around(listed: Sequence[Held], _person: User) -> Around:
    return turned_away() if listed else {}


def _row(held: Held, around: Around) -> Sequence[Cell]:
    away = ", ".join(name for name, _ in around[held.slug])
    return (
        Cell(when_words(held.entry)),
        Cell(gate_words(held.entry)),
        Cell(away, why_unknown="Every deployment passes it"),
    )


def _facts(held: Held, _person: User) -> Iterator[Fact]:
    yield Fact("When", when_words(held.entry))
    yield Fact("Then", gate_words(held.entry))


def _context(held: Held, _person: User) -> dict[str, Any]:
    return {"turned_away": turned_away()[held.slug]}


GATES = Kind(
    name="gates",
    title="Gates",
    lede="Hard requirements, asked before any ranking and of every fallback.",
    icon="shield-check",
    edits=Action.EDIT_GATES,
    form=GateForm,
    heads=(Head("When", text=True), Head("Then", wide=True), Head("Turns away now", wide=True)),
    row=_row,
    around=_around,
    facts=_facts,
    panels="objects/gate.html",
    context=_context,
    dangerous=True,
)
