"""Which part of a span can be read from rollups, and which must be from the traces.

Every moment of the span is in exactly one of both, so sums over the two are the sums over all
traces. It is decided once for a page: a quarter that is summed up anew meanwhile is whole before
and after.
"""

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from msgspec import Struct

from apps.ledger.ids import first_id_at

_SLOT_MS = 900_000
_MOST_SPANS = 16
"""More would make a long query. Then traces are read where sums are there too, between the nearest
of them."""
_CLEAN = """
SELECT extract(epoch FROM r.starts_at)::bigint * 1000 FROM rollups_rolledslot r
WHERE r.starts_at >= %(first)s AND r.starts_at < %(end)s
    AND r.starts_at <> ALL (%(cut)s::timestamptz[])
    AND r.starts_at NOT IN (
        SELECT date_bin('15 minutes', to_timestamp(
            ('x' || left(replace(l.trace_id::text, '-', ''), 12))::bit(48)::bigint / 1000),
            timestamptz 'epoch')
        FROM ledger_latetrace l
        WHERE l.trace_id >= %(first_id)s AND l.trace_id < %(end_id)s)
ORDER BY 1
"""


class Split(Struct, frozen=True):
    """Spans in milliseconds since the epoch, ends excluded: of `rolled` the sums are there, `raw`
    are all others. `rolled` begin and end with a quarter."""

    rolled: tuple[tuple[int, int], ...]
    raw: tuple[tuple[int, int], ...]

    def of_traces(self, column: str) -> str:
        """SQL: whether the id in `column` is of `raw`."""
        return _any_of(
            f"{column} >= '{first_id_at(first)}' AND {column} < '{first_id_at(end)}'"
            for first, end in self.raw
        )

    def of_rollups(self, column: str) -> str:
        """SQL: whether the quarter that begins at `column` is of `rolled`."""
        return _any_of(
            f"{column} >= '{_moment(first)}' AND {column} < '{_moment(end)}'"
            for first, end in self.rolled
        )


def split(from_ms: int, to_ms: int, edges_ms: Sequence[int] = ()) -> Split:
    """The span from `from_ms` on and before `to_ms`, to be cut at `edges_ms`: a quarter with an
    edge inside is read from the traces."""
    first = -(-from_ms // _SLOT_MS) * _SLOT_MS
    end = max(first, to_ms // _SLOT_MS * _SLOT_MS)
    cut = [edge // _SLOT_MS * _SLOT_MS for edge in edges_ms if edge % _SLOT_MS]
    facts: dict[str, Any] = {
        "first": _moment(first),
        "end": _moment(end),
        "first_id": first_id_at(first),
        "end_id": first_id_at(end),
        "cut": [_moment(slot) for slot in cut],
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLEAN, facts)
        clean = [row[0] for row in cursor.fetchall()]
    raw = _nearest_joined(_between(from_ms, to_ms, clean))
    return Split(rolled=tuple(_others(from_ms, to_ms, raw)), raw=tuple(raw))


def _between(from_ms: int, to_ms: int, slots: list[int]) -> list[tuple[int, int]]:
    """What is left of the span without `slots`, in order."""
    left, at = [], from_ms
    for slot in slots:
        if slot > at:
            left.append((at, slot))
        at = slot + _SLOT_MS
    return [*left, (at, to_ms)] if at < to_ms else left


def _nearest_joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """At most `_MOST_SPANS`, parted where they are furthest from one another."""
    furthest = sorted(range(1, len(spans)), key=lambda n: spans[n - 1][1] - spans[n][0])
    parted = [0, *sorted(furthest[: _MOST_SPANS - 1]), len(spans)]
    return [
        (spans[first][0], spans[end - 1][1])
        for first, end in itertools.pairwise(parted)
        if first < end
    ]


def _others(from_ms: int, to_ms: int, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    edges = [from_ms, *(edge for span in spans for edge in span), to_ms]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(first, end) for first, end in pairs if first < end]


def _moment(moment_ms: int) -> datetime:
    return datetime.fromtimestamp(moment_ms / 1000, UTC)


def _any_of(conditions: Iterable[str]) -> str:
    return " OR ".join(f"({one})" for one in conditions) or "false"
