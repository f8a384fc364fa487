"""What the pages of traffic draw beside the common parts."""

from django import template

from apps.dashboards.columns import Column
from apps.traces.values import StoredTrace

register = template.Library()


@register.simple_tag
def cell(column: Column, trace: StoredTrace) -> str:
    """What `trace` shows in a column of the list; columns escape it themselves."""
    return column.cell(trace)
