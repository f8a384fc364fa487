"""Reads YAML as version 1.2 means it, and nothing that could surprise.

`on`, `yes` and dates are words; only `true`, `false`, `null` and numbers are more than text.
Duplicate keys, tags, merge keys and anchors that multiply are errors. `read` goes on after most
errors, so that all of them are told at once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_BYTES = 4 * 1024 * 1024
MAX_EXPANDED = 16 * 1024 * 1024
"""Characters and values together, with every alias written out."""
MAX_DEPTH = 32

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a configuration. `path` is like `routes[2].limits.total_ms`."""

    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        line = f" (line {self.line})" if self.line else ""
        return f"{self.path or 'file'}: {self.message}{line}"


@dataclass(frozen=True, slots=True)
class Fraction:
    """A number like 0.15 without quotes, as written. No field takes one: amounts are text, so
    that they stay exact."""

    text: str


@dataclass(slots=True)
class Document:
    """What was read: `data`, the line of each path, and what was wrong on the way."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, path: Path, message: str, line: int | None = None) -> None:
        self.problems.append(Problem(spoken(path), message, line or self.line_of(path)))

    def line_of(self, path: Path) -> int | None:
        """The line of `path`, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def spoken(path: Path) -> str:
    """`("routes", 2, "when")` as `routes[2].when`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def read(text: bytes) -> Document:
    """The one document in `text`. Never raises: what cannot be read is a problem."""
    document = Document()
    if len(text) > MAX_BYTES:
        document.problem((), f"the file is larger than {MAX_BYTES} bytes")
        return document
    try:
        _Builder(document, yaml.parse(text.decode(), Loader=yaml.CSafeLoader)).build()
    except UnicodeDecodeError:
        document.problem((), "the file is not UTF-8")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = error.problem or "this is not YAML"
        document.problem((), f"not YAML: {said}", mark.line + 1 if mark else None)
    except yaml.YAMLError:
        document.problem((), "the file has characters which YAML does not allow")
    except _Stop as stop:
        document.problem(stop.path, stop.message, stop.line)
    return document


class _Stop(Exception):
    """Reading on would not help."""

    def __init__(self, path: Path, message: str, line: int) -> None:
        self.path, self.message, self.line = path, message, line


class _Builder:
    """Builds values from the parser's events, so that nothing is made before it is checked."""

    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self._document = document
        self._events = events
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._size = 0

    def build(self) -> None:
        next(self._events)  # the stream begins
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return
        self._document.data = self._value(next(self._events), ())
        next(self._events)  # the document ends
        rest = next(self._events)
        if not isinstance(rest, yaml.StreamEndEvent):
            raise _Stop((), "the file holds more than one document", _line(rest))

    def _value(self, event: Any, path: Path) -> Any:
        self._document.lines[path] = _line(event)
        if len(path) > MAX_DEPTH:
            raise _Stop(path[:3], f"nested deeper than {MAX_DEPTH}", _line(event))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before = self._size
        self._grow(1, event, path)
        if event.tag not in (None, "!"):
            self._document.problem(path, f"tags such as {event.tag} are not allowed")
        value = self._untagged(event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._size - before)
        return value

    def _untagged(self, event: Any, path: Path) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            self._grow(len(event.value), event, path)
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._mapping(path)

    def _alias(self, event: Any, path: Path) -> Any:
        if event.anchor not in self._anchors:
            raise _Stop(path, f"*{event.anchor} stands for nothing that is complete", _line(event))
        value, size = self._anchors[event.anchor]
        self._grow(size, event, path)
        return value

    def _grow(self, by: int, event: Any, path: Path) -> None:
        self._size += by
        if self._size > MAX_EXPANDED:
            raise _Stop(path, "too large with its aliases written out", _line(event))

    def _scalar(self, event: Any, path: Path) -> Any:
        text: str = event.value
        if not is_storable(text):
            self._document.problem(path, "holds a character which text cannot have")
        return _plain(text) if event.implicit[0] and event.style in (None, "") else text

    def _sequence(self, path: Path) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            values.append(self._value(event, (*path, len(values))))
        return values

    def _mapping(self, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _Stop(path, "keys must be words", _line(event))
            key, line = event.value, _line(event)
            if key in values:
                self._document.problem((*path, key), "this key stands here twice", line)
            values[key] = self._value(next(self._events), (*path, key))
            self._document.lines[(*path, key)] = line
        return values


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}", re.ASCII)
_FRACTION = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    re.ASCII,
)


def _plain(text: str) -> bool | int | str | Fraction | None:
    """A scalar without quotes, by YAML 1.2's core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return Fraction(text) if _FRACTION.fullmatch(text) else text


def is_storable(text: str) -> bool:
    """Whether the database can keep `text`: no NUL, and no half of a surrogate pair."""
    return not ("\0" in text or any("\ud800" <= character <= "\udfff" for character in text))


def is_plain_text(text: str) -> bool:
    """Whether `text` without quotes would be read as that text."""
    return isinstance(_plain(text), str)
