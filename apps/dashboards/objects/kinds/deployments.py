"""Deployments: one pinned model each, as one provider serves it in one region."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.permissions import Action, may
from apps.dashboards import clock
from apps.dashboards.facts import Fact
from apps.dashboards.figures import thousands
from apps.dashboards.objects.entry_form import EntryForm, SlugField, listed
from apps.dashboards.objects.health import health_words, state_cell
from apps.dashboards.objects.kind import Apart, Around, Cell, Filter, Head, Kind
from apps.dashboards.objects.prices import PriceForm, in_force, price_words
from apps.dashboards.objects.rows_field import MappingField
from apps.policies.dry_run import known_health
from apps.policies.editing import Held, entries
from routerctl.engine.types import CAPABILITIES

LIMITS = {
    "limits__connect_ms": "Connect within",
    "limits__first_token_ms": "First token within",
    "limits__stall_ms": "Silence at most",
    "limits__total_ms": "Whole answer within",
    "limits__max_input_tokens": "Input at most",
    "limits__max_output_tokens": "Output at most",
}


def _quality_tasks() -> list[tuple[str, str]]:
    return [("", "Task"), ("default", "default"), *((h.slug, h.slug) for h in entries("tasks"))]


def number(label: str, unit: str, *, required: bool = False) -> forms.IntegerField:
    attrs = {"inputmode": "numeric", "data-after": unit}
    widget = forms.TextInput(attrs=attrs)
    return forms.IntegerField(label=label, required=required, min_value=0, widget=widget)


class DeploymentForm(EntryForm):
    slug = SlugField()
    provider = forms.ChoiceField(choices=listed("providers"))
    model = forms.CharField(
        max_length=200, help_text="The vendor's name of it, pinned to a version."
    )
    region = forms.CharField(max_length=64)
    context_window = number("Context window", "tokens", required=True)
    max_output_tokens = number("Longest output", "tokens", required=True)
    capabilities = forms.MultipleChoiceField(
        required=False,
        choices=[(name, name) for name in CAPABILITIES],
        widget=forms.CheckboxSelectMultiple,
    )
    quality = MappingField(
        forms.ChoiceField(label="task", choices=_quality_tasks),
        forms.CharField(label="from 0 to 1", max_length=20),
        noun="quality",
        help_text="From 0 to 1 for a task; default stands for the rest.",
    )
    limits__connect_ms = number(LIMITS["limits__connect_ms"], "ms")
    limits__first_token_ms = number(LIMITS["limits__first_token_ms"], "ms")
    limits__stall_ms = number(LIMITS["limits__stall_ms"], "ms")
    limits__total_ms = number(LIMITS["limits__total_ms"], "ms")
    limits__max_input_tokens = number(LIMITS["limits__max_input_tokens"], "tokens")
    limits__max_output_tokens = number(LIMITS["limits__max_output_tokens"], "tokens")
    enabled = forms.BooleanField(
        label="In use", required=False, initial=True, help_text="When off, nobody is sent there."
    )

    groups = (("Limits", tuple(LIMITS)),)


def _around(_listed: Sequence[Held], _person: User) -> Around:
    return {"health": known_health(clock.now_ms())}


def price_cell(held: Held) -> Cell:
    words = price_words(in_force(held.entry))
    return Cell(words, why_unknown="No price is in force, or none for your eyes")


def told(held: Held) -> str:
    return f"{held.entry['model']} · {held.entry['region']}"


def _row(held: Held, around: Around) -> Sequence[Cell]:
    return (
        Cell(held.entry["provider"], url=reverse("provider", args=[held.entry["provider"]])),
        state_cell(held, around["health"].get(held.slug)),
        Cell(thousands(held.entry["context_window"])),
        price_cell(held),
    )


def _facts(held: Held, _person: User) -> Iterator[Fact]:
    entry = held.entry
    yield Fact("Provider", entry["provider"], url=reverse("provider", args=[entry["provider"]]))
    yield Fact("Model", entry["model"], copied=entry["model"])
    yield Fact("Region", entry["region"])
    yield Fact("In use", "yes" if entry.get("enabled", True) else "no: nobody is sent there")
    yield Fact("Context window", f"{entry['context_window']:,} tokens")
    yield Fact("Longest output", f"{entry['max_output_tokens']:,} tokens")
    offered = ", ".join(entry.get("capabilities", ()))
    yield Fact("Capabilities", offered, why_unknown="None beyond plain text")
    quality = ", ".join(f"{task} {part}" for task, part in entry.get("quality", {}).items())
    yield Fact("Quality", quality, why_unknown="Nobody has rated it")
    for name, label in LIMITS.items():
        value = entry.get("limits", {}).get(name.removeprefix("limits__"))
        if value is not None:
            yield Fact(label, f"{value:,} {'ms' if name.endswith('_ms') else 'tokens'}")


def _context(held: Held, person: User) -> dict[str, Any]:
    health = known_health(clock.now_ms()).get(held.slug)
    found: dict[str, Any] = {
        "health": health,
        "state": state_cell(held, health),
        "health_words": health_words(health, clock.now_ms()),
    }
    if may(person, Action.READ_PRICES):
        force = in_force(held.entry)
        prices = reversed(held.entry.get("prices", []))
        found["prices"] = [(price, price is force) for price in prices]
        found["reads_prices"] = True
    return found


def _providers(listed: Sequence[Held]) -> Iterator[tuple[str, str]]:
    yield from ((name, name) for name in sorted({held.entry["provider"] for held in listed}))


DEPLOYMENTS = Kind(
    name="deployments",
    title="Deployments",
    lede="One pinned model each, as one provider serves it in one region.",
    icon="box",
    edits=Action.EDIT_PROVIDERS,
    form=DeploymentForm,
    heads=(
        Head("Provider", wide=True),
        Head("Health"),
        Head("Context", n=True, wide=True),
        Head("In / out per million", n=True, wide=True),
    ),
    row=_row,
    facts=_facts,
    told=told,
    around=_around,
    filters=(
        Filter("provider", "Provider", _providers, lambda held, v: held.entry["provider"] == v),
    ),
    panels="objects/deployment.html",
    actions="objects/deployment_actions.html",
    context=_context,
    traffic="deployment",
    apart=(Apart("price", "Price", Action.EDIT_PRICES, PriceForm),),
    dangerous=True,
)
