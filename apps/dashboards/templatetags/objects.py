"""Objects of the configuration in templates: links to them, and what differs between two states."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.forms import BoundField
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.dashboards.objects.health import error_words
from apps.dashboards.objects.kind import Cell, Head, Kind
from apps.dashboards.objects.prices import is_to_come, price_facts
from apps.dashboards.objects.registry import KINDS
from apps.dashboards.objects.rows_field import Row, RowsField, rendered_rows
from apps.dashboards.objects.sight import shown
from apps.policies.editing import Change, Saved

register = template.Library()

register.filter("shown", shown)
register.filter("error_words", error_words)
register.filter("is_to_come", is_to_come)


@register.simple_tag
def object_link(kind: str, slug: str) -> SafeString:
    """A link to an object, or its name alone when its kind has no pages."""
    if kind not in KINDS:
        return format_html("{}", slug)
    return format_html('<a href="{}">{}</a>', KINDS[kind].url(slug), slug)


@register.simple_tag
def object_url(kind: str, slug: str, page: str = "") -> str:
    """The address of an object, or of its page `edit` or `delete`."""
    return KINDS[kind].url(slug, page)


@register.simple_tag
def move_url(kind: Kind, slug: str) -> str:
    return kind.move_url(slug)


@register.filter
def is_rows(field: BoundField) -> bool:
    return isinstance(field.field, RowsField)


@register.filter
def rows(field: BoundField) -> list[Row]:
    return rendered_rows(field)


@register.filter
def blank_row(field: BoundField) -> Row:
    """The row that app.js copies; it puts a number for the `__n__` in its names."""
    return Row(field, "__n__", {})


@register.filter
def beside(cells: Sequence[Cell], heads: Sequence[Head]) -> list[tuple[Cell, Head]]:
    """Each cell of a row with the head of its column."""
    return list(zip(cells, heads, strict=True))


@register.filter
def article(noun: str) -> str:
    """`an attribute`, `a candidate`."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


@register.filter
def who(change: Change | Saved) -> str:
    """Whoever made a change, as a sentence calls them."""
    if change.person is not None:
        return change.person.get_full_name()
    return {"code": "a configuration file", "api": "an API key"}.get(change.source, "a command")


@register.filter
def and_beside(price: dict[str, Any]) -> str:
    """What a price states beside input and output, in one line."""
    _input, _output, *rest = price_facts(price)
    return "; ".join(f"{label.lower()} {amount}" for label, amount in rest)


@register.filter
def unit(field: BoundField) -> str:
    """What stands behind the number in a field; empty for most."""
    return str(field.field.widget.attrs.get("data-after", ""))
