"""Sums over many traces, each one pass over the range in the database.

Filters may ask for what rollups do not tell apart, so these read traces: what a page asks for costs
time in proportion to the requests of its range.
Moments are cut into parts by `edges`, the beginnings of the parts in order; what lies before the
first counts into the first.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, DateTimeField, F, Func, IntegerField, Value
from django.db.models.functions import Greatest

from apps.accounts.tenants import Tenants
from apps.traces.filters import STATUSES, TraceFilter, matching


def histogram(
    wanted: TraceFilter, edges_ms: Sequence[int], *, tenants: Tenants
) -> dict[str, tuple[int, ...]]:
    """How many traces began in each part, by status. One query."""
    found = matching(wanted, tenants).annotate(part=_part(edges_ms)).values_list("part", "status")
    counts = {status: [0] * len(edges_ms) for status in STATUSES}
    for part, status, number in found.annotate(number=Count("*")):
        counts[status][part - 1] += number
    return {status: tuple(numbers) for status, numbers in counts.items()}


def _part(edges_ms: Sequence[int]) -> Greatest:
    """The number of the part that a trace began in, from 1."""
    edges = [datetime.fromtimestamp(edge / 1000, UTC) for edge in edges_ms]
    bucket = Func(
        F("started_at"),
        Value(edges, output_field=ArrayField(DateTimeField())),
        function="width_bucket",
        output_field=IntegerField(),
    )
    return Greatest(bucket, Value(1))
