"""Prices in templates."""

from django import template

from apps.dashboards.objects.prices import price_facts
from apps.dashboards.prices.page import amount, amount_before, in_cents
from apps.policies.export import Entry

register = template.Library()

register.filter("amount", amount)
register.filter("amount_before", amount_before)
register.filter("in_cents", in_cents)


@register.filter
def usd_of(entry: Entry, name: str) -> str:
    """`$0.15`; empty where the price says nothing of that class of token."""
    stated = entry.get(f"{name}_usd_per_mtok")
    return f"${stated}" if stated is not None else ""


@register.filter
def further(entry: Entry) -> list[tuple[str, str]]:
    """What a price states beside the classes that have a column."""
    apart = ("Input", "Output", "Cached input", "Cache write")
    return [(label, said) for label, said in price_facts(entry) if label not in apart]
