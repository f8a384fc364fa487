"""A provider's invoice as CSV: strict, one provider and one period a file, told line by line."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date

from msgspec import Struct

from apps.catalog.listed import SLUG_PATTERN
from apps.catalog.models import TOKEN_CLASSES
from apps.policies import amounts

COLUMNS = ("provider", "model", "token_class", "quantity", "amount_usd", "from_day", "to_day")
CLASSES = (*TOKEN_CLASSES, "requests")

MAX_BYTES = 1024 * 1024
MAX_LINES = 5_000
MAX_PROBLEMS = 20
LONGEST_DAYS = 366
MOST_USD = 1_000_000_000
"""For each line: what fits into 64 bits of nano-USD."""

_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}", re.ASCII)
"""Begins with a letter or digit, so that no spreadsheet takes it for a formula."""
_QUANTITY = re.compile(r"[0-9]{1,15}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Problem(Struct, frozen=True):
    """What is wrong on a line of the file; the header is line 1, 0 is the file as a whole."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class Unreadable(Exception):
    """The file is no invoice; `problems` say why, at most MAX_PROBLEMS of them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems[:MAX_PROBLEMS])
        super().__init__("; ".join(map(str, self.problems)))


class Line(Struct, frozen=True):
    """One billed thing. `quantity` is tokens, or requests where the class says so."""

    model: str
    token_class: str
    quantity: int
    amount_nano_usd: int


class Parsed(Struct, frozen=True):
    """A whole file; both days are within the period."""

    provider: str
    from_day: date
    to_day: date
    lines: tuple[Line, ...]


_Whole = tuple[str, date, date]


def parse(raw: bytes) -> Parsed:
    """Read an invoice. Raises Unreadable with every problem that was found, up to the limit."""
    problems: list[Problem] = []
    wholes: list[_Whole] = []
    lines: dict[tuple[str, str], Line] = {}
    for number, fields in _rows(raw):
        try:
            whole, line = _line(fields)
            if wholes and whole != wholes[0]:
                raise ValueError("a file is one provider's for one period; give others their own")
            if (line.model, line.token_class) in lines:
                raise ValueError(f"{line.model} {line.token_class} was on an earlier line")
        except ValueError as wrong:
            problems.append(Problem(number, str(wrong)))
            continue
        wholes.append(whole)
        lines[line.model, line.token_class] = line
    if problems:
        raise Unreadable(problems)
    if not wholes:
        raise Unreadable([Problem(0, "the file has no lines below its header")])
    return Parsed(*wholes[0], tuple(lines.values()))


def _rows(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    if len(raw) > MAX_BYTES:
        raise Unreadable([Problem(0, f"the file has more than {MAX_BYTES} bytes")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable([Problem(0, "the file is no UTF-8 text")]) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        if tuple(next(reader, ())) != COLUMNS:
            raise Unreadable([Problem(1, f"the header has to be {','.join(COLUMNS)}")])
        for count, fields in enumerate(reader, start=1):
            if count > MAX_LINES:
                raise Unreadable([Problem(0, f"the file has more than {MAX_LINES} lines")])
            yield reader.line_num, fields
    except csv.Error as wrong:
        raise Unreadable([Problem(reader.line_num, f"no CSV: {wrong}")]) from None


def _line(fields: list[str]) -> tuple[_Whole, Line]:
    if len(fields) != len(COLUMNS):
        raise ValueError(f"it has {len(fields)} fields and not {len(COLUMNS)}")
    provider, model, token_class, quantity, amount, first, last = fields
    if len(provider) > 64 or not re.fullmatch(SLUG_PATTERN, provider):
        raise ValueError("`provider` is the slug of a provider")
    if not _MODEL.fullmatch(model):
        raise ValueError("`model` is 1 to 200 letters, digits and . _ : / @ -, first no sign")
    if token_class not in CLASSES:
        raise ValueError(f"`token_class` is one of {', '.join(CLASSES)}")
    if not _QUANTITY.fullmatch(quantity):
        raise ValueError("`quantity` is a whole number of at most 15 digits")
    whole = (provider, *_period(first, last))
    return whole, Line(model, token_class, int(quantity), _amount(amount))


def _amount(text: str) -> int:
    try:
        nano_usd = amounts.parse(text, amounts.NANO)
    except ValueError as wrong:
        raise ValueError(f"`amount_usd`: {wrong}") from None
    if nano_usd > MOST_USD * 10**9:
        raise ValueError(f"`amount_usd` is at most {MOST_USD}")
    return nano_usd


def _period(first: str, last: str) -> tuple[date, date]:
    if not (_DAY.fullmatch(first) and _DAY.fullmatch(last)):
        raise ValueError("`from_day` and `to_day` are days like 2026-01-31")
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise ValueError("`from_day` or `to_day` is no day of the calendar") from None
    if begin.year < 2000 or end.year > 2999 or end < begin:
        raise ValueError("the years are 2000 to 2999, and `to_day` is not before `from_day`")
    if (end - begin).days >= LONGEST_DAYS:
        raise ValueError(f"`to_day` is within {LONGEST_DAYS} days from `from_day` on")
    return begin, end
