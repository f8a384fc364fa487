"""CSV that spreadsheets open as what it is: text, and no formula."""

import csv
from collections.abc import Iterable
from io import StringIO

Cell = str | int | None

_FORMULA = ("=", "+", "-", "@", "|", "%")


def csv_text(rows: Iterable[Iterable[Cell]]) -> str:
    """`rows` as lines of a file, each text defused."""
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(map(defused, row) for row in rows)
    return text.getvalue()


def defused(value: Cell) -> Cell:
    """`value` so that no spreadsheet takes it for a formula: what begins like one is quoted."""
    if not isinstance(value, str):
        return value
    risky = value.lstrip().startswith(_FORMULA) or value.startswith(("\t", "\r", "\n"))
    return f"'{value}" if risky else value
