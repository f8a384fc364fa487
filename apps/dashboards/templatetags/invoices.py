"""Invoices in templates."""

from collections.abc import Callable

from django import template
from django.utils.safestring import SafeString

from apps.dashboards.figures import dollars
from apps.dashboards.templatetags.parts import state
from apps.policies import amounts
from apps.policies.invoices import Row
from apps.policies.prices import TITLES

register = template.Library()

_STATES = {
    "within": ("ok", "circle-check", "Agrees"),
    "over": ("warn", "triangle-alert", "Differs"),
    "unknown": ("error", "circle-alert", "Not recorded"),
    "not_billed": ("info", "info", "Not billed"),
}
_FURTHER = {"requests": "Requests", "unattributed": "Settled without usage"}


@register.filter
def state_of(row: Row) -> SafeString:
    return state(*_STATES[row.state])


@register.filter
def class_word(row: Row) -> str:
    """`Cached read`, as the pages of prices call it."""
    return {**TITLES, **_FURTHER}[row.token_class]


@register.filter
def exact(nano_usd: int) -> str:
    """`$0.000692`: every decimal place that there is."""
    return f"${amounts.written(nano_usd, amounts.NANO)}"


@register.filter
def difference(row: Row) -> str:
    """`+$0.03` where more was billed than was settled."""
    return _signed(row, exact)


@register.filter
def rounded_difference(row: Row) -> str:
    """The same beside amounts that are rounded for reading."""
    return _signed(row, dollars)


def _signed(row: Row, written: Callable[[int], str]) -> str:
    more = row.difference_nano_usd
    sign = "+" if more > 0 else "-" if more < 0 else ""
    return f"{sign}{written(abs(more))}"
