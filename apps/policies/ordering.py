"""Places in a list, with gaps, so that one new entry does not move all that come after it."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

GAP = 1 << 20


def positions(wanted: Sequence[str], held: Mapping[str, int]) -> dict[str, int]:
    """A rising position for each slug of `wanted`; as many as can be keep the one they hold."""
    staying = _longest_rising([(slug, held[slug]) for slug in wanted if slug in held])
    placed: dict[str, int] = {}
    waiting: list[str] = []
    low: int | None = None
    for slug in wanted:
        waiting.append(slug)
        if slug in staying:
            steps, high = len(waiting), held[slug]
            start = high - steps * GAP if low is None else low
            if high - start < steps:  # no room left between: begin anew
                return {slug: place * GAP for place, slug in enumerate(wanted, 1)}
            for step, newcomer in enumerate(waiting, 1):
                placed[newcomer] = start + (high - start) * step // steps
            waiting, low = [], high
    return placed | {slug: (low or 0) + step * GAP for step, slug in enumerate(waiting, 1)}


def _longest_rising(held: Sequence[tuple[str, int]]) -> set[str]:
    """The slugs of a longest subsequence whose positions rise (patience sorting)."""
    tops: list[int] = []
    piles: list[tuple[str, int | None]] = []
    ends: list[int] = []
    for index, (slug, position) in enumerate(held):
        pile = bisect_left(tops, position)
        piles.append((slug, ends[pile - 1] if pile else None))
        tops[pile : pile + 1] = [position]
        ends[pile : pile + 1] = [index]
    found: set[str] = set()
    walk = ends[-1] if ends else None
    while walk is not None:
        slug, walk = piles[walk]
        found.add(slug)
    return found
