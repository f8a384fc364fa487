"""Providers: accounts at vendors, each an adapter, an origin and at most one secret."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django import forms

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.catalog import secrets
from apps.catalog.models import Provider
from apps.dashboards import clock
from apps.dashboards.facts import Fact
from apps.dashboards.objects.entry_form import EntryForm, SlugField
from apps.dashboards.objects.health import health_words, state_cell
from apps.dashboards.objects.kind import Around, Cell, Filter, Head, Kind
from apps.dashboards.objects.kinds.deployments import price_cell, told
from apps.dashboards.objects.rows_field import MappingField
from apps.dashboards.objects.sight import seen
from apps.policies.dry_run import known_health
from apps.policies.editing import Held, entries
from routerctl.providers import ADAPTERS


class AttributesField(MappingField):
    """What a provider states of itself: `true` and `false` are truths, all else is text."""

    def __init__(self, **kwargs: Any) -> None:
        name = forms.CharField(label="name", max_length=64)
        value = forms.CharField(label="value", max_length=200)
        super().__init__(name, value, noun="attribute", **kwargs)

    def written(self, value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    def read(self, text: str) -> Any:
        return text == "true" if text in ("true", "false") else text


class ProviderForm(EntryForm):
    slug = SlugField()
    adapter = forms.ChoiceField(
        choices=[(name, name) for name in ADAPTERS], help_text="The API that it speaks."
    )
    base_url = forms.CharField(
        label="Base URL",
        max_length=500,
        help_text="At another origin than before, its secret is forgotten and must be given anew.",
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false"}),
    )
    attributes = AttributesField(
        help_text="Gates ask for these, such as dpa_signed = true or region = eu."
    )


def secret_words(held: Held) -> tuple[str, str, str]:
    """Of its secret the tone, the icon and the words."""
    secret = held.secret
    if secret is None:
        return "", "circle-minus", "None"
    said = held.entry.get("secret", "")
    name = said if said.startswith("env:") else "Stored"
    told = f"{name}, ends in …{secret.ends}" if secret.ends else name
    if not secret.usable:
        return "error", "circle-x", f"{told}: not usable, it was given for {secret.origin}"
    return "ok", "lock", told


def _around(_listed: Sequence[Held], _person: User) -> Around:
    return {"deployments": Counter(held.entry["provider"] for held in entries("deployments"))}


def _row(held: Held, around: Around) -> Sequence[Cell]:
    tone, icon, words = secret_words(held)
    return (
        Cell(held.entry["adapter"]),
        Cell(words, tone=tone, icon=icon),
        Cell(str(around["deployments"][held.slug])),
    )


def _facts(held: Held, _person: User) -> Iterator[Fact]:
    yield Fact("Adapter", held.entry["adapter"])
    yield Fact("Base URL", held.entry["base_url"], copied=held.entry["base_url"])
    for name, value in held.entry.get("attributes", {}).items():
        text = ("yes" if value else "no") if isinstance(value, bool) else value
        yield Fact(name.replace("_", " "), text)


def _context(held: Held, person: User) -> dict[str, Any]:
    """What the panels of secret and deployments need."""
    health = known_health(clock.now_ms())
    own = [one for one in entries("deployments") if one.entry["provider"] == held.slug]
    return {
        "secret_words": secret_words(held)[2],
        "refusal": _refusal(held),
        "deployments": [
            {
                "held": one,
                "told": told(one),
                "state": state_cell(one, health.get(one.slug)),
                "price": price_cell(seen(one, person)),
                "words": health_words(health.get(one.slug), clock.now_ms()),
            }
            for one in own
        ],
    }


def _refusal(held: Held) -> str:
    """Why the secret cannot be used by this process; empty when it can."""
    try:
        secrets.secret_of(Provider.objects.get(slug=held.slug))
    except secrets.SecretRefused as refused:
        return str(refused)
    return ""


def _adapters(listed: Sequence[Held]) -> Iterator[tuple[str, str]]:
    yield from ((name, name) for name in sorted({held.entry["adapter"] for held in listed}))


PROVIDERS = Kind(
    name="providers",
    title="Providers",
    lede="Whom we can call: an API, an address and a secret each.",
    icon="server",
    edits=Action.EDIT_PROVIDERS,
    form=ProviderForm,
    heads=(Head("Adapter", wide=True), Head("Secret"), Head("Deployments", n=True, wide=True)),
    row=_row,
    facts=_facts,
    told=lambda held: held.entry["base_url"],
    around=_around,
    filters=(Filter("adapter", "Adapter", _adapters, lambda held, v: held.entry["adapter"] == v),),
    panels="objects/provider.html",
    context=_context,
    traffic="provider",
    dangerous=True,
)
