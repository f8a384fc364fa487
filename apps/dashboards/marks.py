"""Changes of the configuration as marks on a chart, and the list that explains their letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from string import ascii_uppercase

from apps.dashboards.chart import Mark
from apps.dashboards.timeline import Timeline
from apps.policies.changes import Published, published

_MOST = 12
_NEAR = 0.025
"""Two marks that are nearer than this share of the axis are one."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A change with the letter of its mark."""

    change: Published
    letter: str


def changes_of(axis: Timeline) -> list[Published]:
    """What was published while the axis lasts, newest first."""
    first, last = (datetime.fromtimestamp(at / 1000, UTC) for at in _ends(axis))
    return published(since=first, until=last, most=_MOST)


def marks(axis: Timeline, changes: Sequence[Published]) -> tuple[list[Mark], list[Marked]]:
    """The marks, and the `changes`, newest first, with the letters of theirs."""
    drawn: list[tuple[float, str]] = []
    marked = []
    for change in reversed(changes):
        share = axis.share(change.at_ms)
        if not drawn or share - drawn[-1][0] > _NEAR:
            drawn.append((share, ascii_uppercase[len(drawn)]))
        marked.append(Marked(change, drawn[-1][1]))
    lines = [Mark(f"{share * 100:.3f}%", letter) for share, letter in drawn]
    return lines, marked[::-1]


def _ends(axis: Timeline) -> tuple[int, int]:
    return axis.edges_ms[0], axis.edges_ms[-1]
