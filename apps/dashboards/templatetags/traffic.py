"""What the pages of traffic draw beside the common parts."""

from django import template

from apps.dashboards.columns import Column
from apps.dashboards.story import FAILED_AS
from apps.traces.values import StoredTrace

register = template.Library()


@register.simple_tag
def cell(column: Column, trace: StoredTrace) -> str:
    """What `trace` shows in a column of the list; columns escape it themselves."""
    return column.cell(trace)


@register.filter
def failed_as(error_class: str | None) -> str:
    """A class of provider error in a word or two; empty for none."""
    return FAILED_AS.get(error_class or "", "")
