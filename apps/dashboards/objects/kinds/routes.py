"""Routes: who answers which requests. The first that matches decides."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.permissions import Action, may, tenants_of
from apps.dashboards import clock
from apps.dashboards.facts import Fact
from apps.dashboards.objects.entry_form import SlugField, listed
from apps.dashboards.objects.kind import Around, Cell, Head, Kind, Switch
from apps.dashboards.objects.kinds.deployments import LIMITS, number
from apps.dashboards.objects.policy_fields import CandidatesField, PolicyForm, WhenField, WordsField
from apps.dashboards.objects.policy_words import (
    candidates,
    recovery_words,
    route_words,
    sentence_of_route,
    shadowed_by,
    when_words,
)
from apps.dashboards.objects.predicted import predictions
from apps.dashboards.objects.rows_field import MappingField
from apps.policies.dry_run import known_health
from apps.policies.editing import Held, entries
from apps.policies.models import ON_REFUSAL, STICKY_BY, STREAM_RECOVERIES
from routerctl.engine.strategies import DIMENSIONS, STRATEGIES

_LIMITS = {"limits__attempts": "Calls at most", **LIMITS}


class RouteForm(PolicyForm):
    slug = SlugField()
    when = WhenField(help_text="All of them; of rows with one condition, any. None: every request.")
    strategy = forms.ChoiceField(choices=[(name, name) for name in STRATEGIES])
    candidates = CandidatesField(
        listed("deployments", "Deployment"),
        help_text="In order. Weights are for the strategy weighted.",
    )
    fallback = WordsField(
        forms.ChoiceField(label="deployment", choices=listed("deployments", "Deployment")),
        noun="fallback",
        help_text="Asked in this order when no candidate could answer.",
    )
    prompt = forms.ChoiceField(required=False, choices=listed("prompts", "None"))
    weights = MappingField(
        forms.ChoiceField(
            label="dimension", choices=[("", "Dimension"), *((d, d) for d in DIMENSIONS)]
        ),
        forms.CharField(label="weight", max_length=20),
        noun="weight",
        label="Weights of the score",
        help_text="For the strategy score alone.",
    )
    quality_floor = forms.CharField(
        required=False,
        max_length=20,
        help_text="From 0 to 1. No model below it answers on this route.",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    stream_recovery = forms.ChoiceField(
        required=False, choices=[(name, name) for name in STREAM_RECOVERIES]
    )
    on_refusal = forms.ChoiceField(
        required=False,
        label="When a vendor refuses",
        choices=[(name, name) for name in ON_REFUSAL],
        help_text="Its content policy, not ours: stop, or ask another provider.",
    )
    sticky_by = forms.ChoiceField(
        required=False,
        label="Stays with",
        choices=[("", "nobody"), *((name, name) for name in STICKY_BY)],
        help_text="For weighted: who gets the same deployment each time.",
    )
    limits__attempts = number(_LIMITS["limits__attempts"], "calls")
    limits__connect_ms = number(_LIMITS["limits__connect_ms"], "ms")
    limits__first_token_ms = number(_LIMITS["limits__first_token_ms"], "ms")
    limits__stall_ms = number(_LIMITS["limits__stall_ms"], "ms")
    limits__total_ms = number(_LIMITS["limits__total_ms"], "ms")
    limits__max_input_tokens = number(_LIMITS["limits__max_input_tokens"], "tokens")
    limits__max_output_tokens = number(_LIMITS["limits__max_output_tokens"], "tokens")

    groups = (("Limits", tuple(_LIMITS)),)


def _around(_listed: Sequence[Held], _person: User) -> Around:
    order = [held.entry for held in entries("routes")]
    return {"order": [entry["slug"] for entry in order], "shadowed": shadowed_by(order)}


def _switch(held: Held) -> Switch:
    return Switch(held.entry.get("enabled", True), reverse("route_switch", args=[held.slug]))


def _row(held: Held, around: Around) -> Sequence[Cell]:
    over = around["shadowed"].get(held.slug)
    place = str(around["order"].index(held.slug) + 1)
    return (
        Cell(place, sub=f"never reached: {over} takes it all" if over else ""),
        Cell(switch=_switch(held)),
        Cell(when_words(held.entry)),
        Cell(route_words(held.entry)),
    )


def _facts(held: Held, _person: User) -> Iterator[Fact]:
    entry = held.entry
    yield Fact("In use", "yes" if entry.get("enabled", True) else "no: its requests are refused")
    if "prompt" in entry:
        yield Fact("Prompt", entry["prompt"])
    if "weights" in entry:
        told = ", ".join(f"{name} {part}" for name, part in entry["weights"].items())
        yield Fact("Score", told)
    floor = entry.get("quality_floor", "")
    yield Fact("Quality floor", floor, why_unknown="None: any quality will do")
    yield Fact("Broken streams", recovery_words(entry))
    if "on_refusal" in entry:
        yield Fact("When a vendor refuses", "another provider is asked")
    if "sticky_by" in entry:
        yield Fact("Drawn once for each", entry["sticky_by"])
    for name, label in _LIMITS.items():
        value = entry.get("limits", {}).get(name.removeprefix("limits__"))
        if value is not None:
            unit = " ms" if name.endswith("_ms") else " tokens" if name.endswith("tokens") else ""
            yield Fact(label, f"{value:,}{unit}")


def _context(held: Held, person: User) -> dict[str, Any]:
    around, health = _around((), person), known_health(clock.now_ms())
    known = {one.slug: one for one in entries("deployments")}
    slugs = [*candidates(held.entry), *held.entry.get("fallback", [])]
    # The means are over all tenants, so they are for those alone who see every one.
    reads_spend = may(person, Action.READ_SPEND) and tenants_of(person).every
    return {
        "switch": _switch(held),
        "sentence": sentence_of_route(held.entry),
        "place": around["order"].index(held.slug) + 1,
        "of": len(around["order"]),
        "shadowed": around["shadowed"].get(held.slug),
        "ladder": [(slug, known[slug], health.get(slug)) for slug in slugs],
        "reads_spend": reads_spend,
        "predictions": predictions(held.slug, clock.now_ms()) if reads_spend else (),
    }


ROUTES = Kind(
    name="routes",
    title="Routes",
    lede="Who answers which requests. They are tried in this order, and the first that matches "
    "decides.",
    icon="route",
    edits=Action.EDIT_POLICY,
    form=RouteForm,
    heads=(Head("Order", n=True), Head("State"), Head("When", text=True), Head("Then", wide=True)),
    row=_row,
    facts=_facts,
    around=_around,
    panels="objects/route.html",
    actions="objects/route_actions.html",
    context=_context,
    traffic="route",
    words_first=True,
    moved_at="route_move",
    dangerous=True,
)
