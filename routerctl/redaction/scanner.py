"""One automaton for everything that is wanted to be known of a text."""

from collections.abc import Iterable

import re2

_MAX_MEMORY_BYTES = 64 << 20
"""Room for the automaton's states, which are made as texts need them."""


class Scan:
    """Which of many expressions match: `scan(data)` gives their marks, in one pass whose time is
    linear in the text."""

    def __init__(self, expressions: Iterable[tuple[str, str]]) -> None:
        """`expressions` are pairs of a mark and an RE2 expression; several may share a mark."""
        options = re2.Options()
        options.max_mem = _MAX_MEMORY_BYTES
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        self._marks: list[str] = []
        for mark, expression in expressions:
            self._set.Add(expression)
            self._marks.append(mark)
        if self._marks:
            self._set.Compile()

    def __call__(self, data: bytes) -> frozenset[str] | set[str]:
        if not self._marks:
            return _NONE
        found = self._set.Match(data)
        return {self._marks[index] for index in found} if found else _NONE


_NONE: frozenset[str] = frozenset()
