"""What is odd about a price: a slip of the decimal point, a unit mistaken, a price gone missing."""

from collections.abc import Iterator
from fractions import Fraction

from pydantic import ValidationError

from apps.policies.export import Entry
from apps.policies.prices.classes import Row, rows_between
from apps.policies.prices.values import Mark
from apps.policies.schema.catalog import PriceEntry
from routerctl.engine.sentences import dollars

FAR_PERCENT = 50
UNIT_FACTORS = (1_000, 1_000_000)
_NEAR = Fraction(1, 10)
"""How far from a factor a change may lie to look like a mistake of units."""

_LOWEST, _HIGHEST = 10**6, 10**12  # nano-USD per million tokens: $0.001 and $1 000
"""Between these lie all models that there are."""


def marks_of(before: Entry | None, after: Entry, later: tuple[str, ...]) -> tuple[Mark, ...]:
    """Every oddity of `after` in the place of `before`. `later` are the days on which prices
    that stand already begin after it."""
    return (*_of_rows(rows_between(before, after)), *_impossible(after), *_followed(later))


def _of_rows(rows: tuple[Row, ...]) -> Iterator[Mark]:
    for row in rows:
        if row.was is None:
            yield from _unheard_of(row)
        elif not row.now and row.was:
            yield Mark("zero", f"{row.title}: nothing, where there was a price.")
        elif row.was and (factor := _unit_factor(row.was, row.now)):
            yield Mark("unit", f"{row.title}: about {factor} of what it was; a unit mistaken?")
        elif row.percent is not None and abs(row.percent) > FAR_PERCENT:
            yield Mark("far", f"{row.title}: changes by {row.percent:+,} percent.")


def _unheard_of(row: Row) -> Iterator[Mark]:
    if row.now and row.per_mtok and not _LOWEST <= row.now <= _HIGHEST:
        said = f"{row.title}: {dollars(row.now)} per million tokens; a unit mistaken?"
        yield Mark("unit", said)


def _unit_factor(was: int, now: int) -> str | None:
    for factor in UNIT_FACTORS:
        if abs(Fraction(now, was) / factor - 1) <= _NEAR:
            return f"{factor:,} times"
        if abs(Fraction(was, now) / factor - 1) <= _NEAR:
            return f"a {factor:,}th"
    return None


def _impossible(after: Entry) -> Iterator[Mark]:
    """What no configuration may say, such as a cached read that is dearer than input."""
    try:
        PriceEntry.model_validate(after)
    except ValidationError as wrong:
        for error in wrong.errors():
            where = ".".join(map(str, error["loc"]))
            yield Mark("impossible", f"Cannot stand: {where}: {error['msg']}.", refused=True)


def _followed(later: tuple[str, ...]) -> Iterator[Mark]:
    if later:
        said = f"Another price begins on {later[0]} and would end this one then."
        yield Mark("followed", said)
