"""The kinds of values which entries of the file are made of."""

from collections.abc import Collection, Hashable, Iterable, Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from apps.policies import amounts
from apps.policies.schema.names import names_in, refuse, refuse_all
from apps.policies.yaml12 import Fraction, Path
from routerctl.engine.when import problems
from routerctl.redaction.patterns import problem as pattern_problem

MAX_USD = 1_000_000_000
MAX_WEIGHT = 1_000 * 1_000
MAX_TOKENS = 1_000_000_000
MAX_MS = 24 * 60 * 60 * 1000


class Entry(BaseModel):
    """Part of a file. Strict: an unknown key is an error, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)


def amount(places: int, maximum: int) -> BeforeValidator:
    """A decimal string as a whole number of 10^-`places`, at most `maximum`."""

    def parse(value: Any) -> int:
        if isinstance(value, Fraction | int) and not isinstance(value, bool):
            as_written = value.text if isinstance(value, Fraction) else value
            raise refuse(f'amounts are text, so that they stay exact: write "{as_written}"')
        if not isinstance(value, str):
            raise refuse('must be an amount as text, such as "0.15"')
        try:
            parsed = amounts.parse(value, places)
        except ValueError as error:
            raise refuse(str(error)) from None
        if parsed > maximum:
            raise refuse(f"{value} is more than {amounts.written(maximum, places, 0)}")
        return parsed

    return BeforeValidator(parse)


Share = Annotated[int, amount(amounts.THOUSANDTHS, 1000)]
"""A decimal string from 0 to 1, as thousandths."""
Weight = Annotated[int, amount(amounts.THOUSANDTHS, MAX_WEIGHT)]
"""A decimal string, as thousandths."""
Usd = Annotated[int, amount(amounts.NANO, MAX_USD * 10**amounts.NANO)]
"""A decimal string of US dollars, as nano-USD."""

Count = Annotated[int, Field(ge=1, le=MAX_TOKENS)]
Milliseconds = Annotated[int, Field(ge=1, le=MAX_MS)]
Text = Annotated[str, Field(min_length=1, max_length=200)]


def repeats(values: Iterable[Hashable]) -> Iterator[int]:
    """Where a value stands which stood before."""
    seen = set()
    for index, value in enumerate(values):
        if value in seen:
            yield index
        seen.add(value)


def _distinct(values: list[Any]) -> list[Any]:
    refuse_all((((index,), "stands here twice") for index in repeats(values)), values)
    return values


Distinct = AfterValidator(_distinct)
"""No value of the list stands there twice."""


def one_of(known: Collection[str], what: str) -> AfterValidator:
    """The word is one of `known`; `what` names them in the message."""

    def check(value: str) -> str:
        if value not in known:
            raise refuse(f"{value!r} is no {what}; there are {', '.join(known)}")
        return value

    return AfterValidator(check)


# --------------------------------------------------------------------------- conditions


def _when(when: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    found: list[tuple[Path, str]] = [
        ((path.removeprefix("."),), message)
        for path, message in problems(when, "", names_in(info).words)
    ]
    patterns = when.get("text_matches", [])
    if isinstance(patterns, str):
        patterns = [patterns]
    if isinstance(patterns, list):
        found.extend((("text_matches", *path), said) for path, said in _bad_patterns(patterns))
    refuse_all(found, when)
    return when


def _bad_patterns(patterns: list[Any]) -> Iterator[tuple[Path, str]]:
    for index, pattern in enumerate(patterns):
        wrong = pattern_problem(pattern) if isinstance(pattern, str) and pattern else None
        if wrong:
            yield (index,), wrong


When = Annotated[dict[str, Any], AfterValidator(_when)]
"""A mapping of conditions, as `engine.conditions` knows them."""
