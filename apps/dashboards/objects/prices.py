"""The prices of a deployment: which one holds, and the form that adds one. None is ever changed;
a price for a day that has one corrects it, and the old one stays in the history."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Self

from django import forms
from django.http import QueryDict

from apps.catalog.models import TOKEN_CLASSES
from apps.dashboards.objects.entry_form import EntryForm
from apps.dashboards.objects.rows_field import RowsField
from apps.policies.export import Entry

_LABELS = {
    "input": "Input",
    "output": "Output",
    "cached_input": "Cached input",
    "cache_write": "Cache write",
    "reasoning": "Reasoning",
}


def in_force(entry: Entry) -> Entry | None:
    """The price that holds today (UTC); None when none does."""
    today = datetime.now(UTC).date().isoformat()
    begun = [price for price in entry.get("prices", ()) if price["from"] <= today]
    return begun[-1] if begun else None


def is_to_come(price: Entry) -> bool:
    """Whether it begins after today (UTC)."""
    return bool(price["from"] > datetime.now(UTC).date().isoformat())


def price_words(price: Entry | None) -> str:
    """`$0.15 / $0.60`: input and output per million tokens; empty without a price."""
    if price is None:
        return ""
    return f"${price['input_usd_per_mtok']} / ${price['output_usd_per_mtok']}"


def _amount(label: str, *, required: bool = False, hint: str = "") -> forms.CharField:
    attrs = {"inputmode": "decimal", "autocomplete": "off"}
    if hint:
        attrs["placeholder"] = hint
    widget = forms.TextInput(attrs=attrs)
    return forms.CharField(label=label, required=required, max_length=40, widget=widget)


class PriceForm(EntryForm):
    """A price from a day on, in US dollars per million tokens."""

    day = forms.DateField(
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="In force from midnight UTC. For a day that has a price, this corrects it.",
    )
    withdraw = forms.BooleanField(
        label="Withdraw the price of that day; what is below does not count", required=False
    )
    input_usd_per_mtok = _amount("Input", required=True)
    output_usd_per_mtok = _amount("Output", required=True)
    cached_input_usd_per_mtok = _amount("Cached input")
    cache_write_usd_per_mtok = _amount("Cache write")
    reasoning_usd_per_mtok = _amount("Reasoning")
    request_usd = _amount("For each call, beside its tokens")
    above = RowsField(
        {
            "input_tokens": forms.IntegerField(
                label="more input tokens than",
                min_value=1,
                widget=forms.NumberInput(attrs={"placeholder": "Over"}),
            ),
            **{
                f"{name}_usd_per_mtok": _amount(_LABELS[name].lower(), hint=_LABELS[name])
                for name in TOKEN_CLASSES
            },
        },
        noun="tier",
        label="For long inputs",
        help_text="All tokens of a request with more input than this cost that; what is empty "
        "stays as above.",
    )

    groups = (
        (
            "US dollars per million tokens",
            tuple(f"{name}_usd_per_mtok" for name in TOKEN_CLASSES),
        ),
        ("Beside tokens", ("request_usd",)),
        ("Dearer when long", ("above",)),
    )

    @classmethod
    def of(cls, entry: Entry, data: QueryDict | None = None, **facts: Any) -> Self:
        """Begins with the newest price, from today on."""
        newest = (entry.get("prices") or [{}])[-1]
        today = datetime.now(UTC).date()
        return cls(data, initial={**newest, "day": today}, **facts)

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if said.get("withdraw"):
            for name in ("input_usd_per_mtok", "output_usd_per_mtok"):
                self.errors.pop(name, None)
        return said

    def entry(self, base: Entry) -> Entry:
        said = self.cleaned_data
        day = said["day"].isoformat()
        others = [price for price in base.get("prices", ()) if price["from"] != day]
        prices = others if said["withdraw"] else [*others, self._price(day)]
        kept = {name: value for name, value in base.items() if name != "prices"}
        return {**kept, "prices": sorted(prices, key=lambda price: price["from"])}

    def _price(self, day: str) -> Entry:
        said = self.cleaned_data
        tiers = [_stated(tier) for tier in said["above"]]
        names = (*(f"{name}_usd_per_mtok" for name in TOKEN_CLASSES), "request_usd")
        stated = _stated({name: said.get(name) for name in names})
        return {"from": day, **stated, **({"above": tiers} if tiers else {})}

    def _field_of(self, path: str) -> tuple[str, str]:
        """`prices.3.above.0.input_tokens` is about the field `above`."""
        kind, *inside = path.split(".")
        if kind == "prices" and len(inside) > 1:
            name = "day" if inside[1] == "from" else inside[1]
            if name in self.fields:
                return name, ".".join(inside[2:])
        return "", ""


def _stated(values: Mapping[str, Any]) -> Entry:
    return {name: value for name, value in values.items() if value not in (None, "")}


def price_facts(price: Entry) -> Iterable[tuple[str, str]]:
    """What a price states, beside its day: labels and amounts."""
    for name in TOKEN_CLASSES:
        if (amount := price.get(f"{name}_usd_per_mtok")) is not None:
            yield _LABELS[name], f"${amount}"
    if fee := price.get("request_usd"):
        yield "Each call", f"${fee}"
    for tier in price.get("above", ()):
        told = ", ".join(f"{label.lower()} {amount}" for label, amount in price_facts(tier))
        yield f"Over {tier['input_tokens']:,} input tokens", told
