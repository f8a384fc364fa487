"""Every moment of a span is read from rollups or from traces, and from one of them alone."""

import itertools
from datetime import UTC, datetime

import pytest

from apps.ledger.ids import first_id_at
from apps.ledger.models import LateTrace
from apps.rollups.models import RolledSlot
from apps.rollups.reading import Split, split

pytestmark = pytest.mark.django_db

QUARTER = 900_000
START = 1_760_000_400_000


def rolled(*places: int) -> None:
    """The quarters at these places after START are summed up."""
    RolledSlot.objects.bulk_create(
        RolledSlot(
            starts_at=datetime.fromtimestamp((START + place * QUARTER) / 1000, UTC),
            traces=0,
            rolled_at=datetime.now(UTC),
        )
        for place in places
    )


def spans(told: Split) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """In quarters after START."""
    return tuple(  # type: ignore[return-value]  # two
        [((a - START) / QUARTER, (b - START) / QUARTER) for a, b in part]
        for part in (told.rolled, told.raw)
    )


def test_the_ends_of_a_span_and_what_is_not_summed_up_are_read_from_traces() -> None:
    rolled(0, 1, 2, 4, 5)
    half = QUARTER // 2
    assert spans(split(START + half, START + 5 * QUARTER + half)) == (
        [(1, 3), (4, 5)], [(0.5, 1), (3, 4), (5, 5.5)],
    )  # fmt: skip


def test_a_quarter_with_a_mark_or_with_an_edge_inside_is_read_from_traces() -> None:
    rolled(0, 1, 2, 3)
    LateTrace.objects.create(trace_id=first_id_at(START + 2 * QUARTER - 1))
    edges = [START, START + 3 * QUARTER + 1]
    assert spans(split(START, START + 4 * QUARTER, edges)) == ([(0, 1), (2, 3)], [(1, 2), (3, 4)])


def test_a_span_within_one_quarter_is_read_from_traces() -> None:
    rolled(0, 1)
    assert spans(split(START + 9, START + 10)) == ([], [(9 / QUARTER, 10 / QUARTER)])
    assert split(START, START) == Split((), ())
    assert split(START, START).of_rollups("x") == split(START, START).of_traces("x") == "false"


def test_many_gaps_are_joined_where_they_are_nearest_and_nothing_is_read_twice() -> None:
    rolled(*range(1, 200, 2), *range(200, 300))
    told = split(START, START + 400 * QUARTER)
    assert len(told.raw) == 16
    assert (199, 300) in spans(told)[0]
    every = sorted([*told.rolled, *told.raw])
    assert (every[0][0], every[-1][1]) == (START, START + 400 * QUARTER)
    assert all(end == begins for (_, end), (begins, _) in itertools.pairwise(every))
