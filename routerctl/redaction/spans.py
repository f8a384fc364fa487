"""A detector and what it finds. Texts are UTF-8 bytes here, and offsets count bytes."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import re2
from msgspec import Struct


class Span(NamedTuple):
    """`data[start:end]` is of this kind."""

    start: int
    end: int
    kind: str


class Detector(Struct, frozen=True):
    """Finds things of one shape. `hint` is a cheap RE2 expression without which `find` finds
    nothing; it is all that ordinary text has to bear."""

    name: str
    hint: str
    find: Callable[[bytes], Iterator[Span]]
    kinds: tuple[str, ...]
    """What its spans may be."""


def expression(pattern: str) -> "re2._Regexp":
    """A compiled RE2 expression for bytes."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def by_expression(
    kind: str, hint: str, pattern: str, holds: Callable[[bytes], bool] | None = None
) -> Detector:
    """A detector for matches of `pattern` (of its first group, if it has one) for which
    `holds`: a checksum, a measure of entropy."""
    compiled = expression(pattern)
    group = 1 if compiled.groups else 0

    def find(data: bytes) -> Iterator[Span]:
        for match in compiled.finditer(data):
            start, end = match.span(group)
            if holds is None or holds(data[start:end]):
                yield Span(start, end, kind)

    return Detector(kind, hint, find, kinds=(kind,))


def replaced(data: bytes, spans: Iterable[Span]) -> bytes:
    """`data` with each span replaced by its kind in brackets; where spans overlap, the one that
    begins first stands for both."""
    pieces: list[bytes] = []
    at = 0
    for start, end, kind in sorted(spans):
        if start >= at:
            pieces += (data[at:start], b"[", kind.encode(), b"]")
            at = end
        elif end > at:
            at = end
    pieces.append(data[at:])
    return b"".join(pieces)
