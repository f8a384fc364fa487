"""What a `when` may ask: the registry of conditions, each compiled once to a closure.

A condition is three small functions in one value: `make` builds the test that runs for every
request, `say` puts it in plain words, `check` tells what is wrong with it. To add one, write a
maker (or use one that stands here) and add its line to `CONDITIONS`.
"""

import re
from collections.abc import Callable, Iterator
from operator import attrgetter, eq, ge, gt, le, lt
from typing import Any

from msgspec import Struct

from routerctl.engine.case import Case
from routerctl.engine.sentences import any_of
from routerctl.engine.types import Sensitivity

Test = Callable[[Case], bool]
Values = tuple[str, ...]


class Words(Struct, frozen=True):
    """The names which a configuration defines, for checking conditions against."""

    tasks: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    plans: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()


class Condition(Struct, frozen=True):
    """One word of the language. `argument` is what follows the dot, as in `metadata.KEY`."""

    make: Callable[[Values, str], Test]
    say: Callable[[Values, str], str]
    check: Callable[[Values, str, Words], Iterator[str]]
    takes_argument: bool = False


def _any_value(_values: Values, _argument: str, _words: Words) -> Iterator[str]:
    return iter(())


# --------------------------------------------------------------------------- labels


def _label(
    attribute: str, spoken: str, listed: Callable[[Words], frozenset[str]] | None = None
) -> Condition:
    """The request or its labels carry one of the words; those of `listed` alone exist."""
    read: Callable[[Case], Any] = attrgetter(attribute)

    def make(values: Values, _argument: str) -> Test:
        if len(values) == 1:
            only = values[0]
            return lambda case: read(case) == only
        wanted = frozenset(values)
        return lambda case: read(case) in wanted

    def check(values: Values, _argument: str, words: Words) -> Iterator[str]:
        if listed is not None:
            known = listed(words)
            yield from (f"{value} is not listed" for value in values if value not in known)

    return Condition(make, lambda values, _: f"{spoken} is {any_of(values)}", check)


def _one_of(*choices: str) -> Callable[[Words], frozenset[str]]:
    known = frozenset(choices)
    return lambda _words: known


def _language() -> Condition:
    """The client's language; `de` also means `de-AT`."""

    def make(values: Values, _argument: str) -> Test:
        wanted = frozenset(value.lower() for value in values)

        def test(case: Case) -> bool:
            language = (case.request.language or "").lower()
            return language in wanted or language.partition("-")[0] in wanted

        return test

    return Condition(make, lambda values, _: f"language is {any_of(values)}", _any_value)


def _metadata() -> Condition:
    def make(values: Values, argument: str) -> Test:
        wanted = frozenset(values)
        return lambda case: case.request.metadata.get(argument) in wanted

    def say(values: Values, argument: str) -> str:
        return f"metadata {argument} is {any_of(values)}"

    return Condition(make, say, _any_value, takes_argument=True)


# --------------------------------------------------------------------------- comparisons

_COMPARISON = re.compile(r"(<=|>=|==|<|>|=)?\s*(\S+)", re.ASCII)
_VERSION = re.compile(r"\d+(?:\.\d+)*", re.ASCII)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lt, "<=": le, ">": gt, ">=": ge, "=": eq, "==": eq,
}  # fmt: skip
_SPOKEN = {"<": "below ", "<=": "at most ", ">": "above ", ">=": "at least ", "=": "", "==": ""}


def _compared(
    spoken: str, unit: str, parse: Callable[[str], Any], read: Callable[[Case], Any]
) -> Condition:
    """A number or version against `<2.4`, `>=3`, `7`; an unparsed or absent one is false."""

    def split(value: str) -> tuple[str, Any] | None:
        found = _COMPARISON.fullmatch(value.strip())
        right = parse(found[2]) if found else None
        return (found[1] or "=", right) if found and right is not None else None

    def compile_one(value: str) -> Test:
        parts = split(value)
        if parts is None:
            raise ValueError(f"not a comparison: {value!r}")
        compare, right = _OPERATORS[parts[0]], parts[1]

        def test(case: Case) -> bool:
            left = read(case)
            return left is not None and compare(left, right)

        return test

    def make(values: Values, _argument: str) -> Test:
        tests = [compile_one(value) for value in values]
        return tests[0] if len(tests) == 1 else lambda case: any(test(case) for test in tests)

    def say_one(value: str) -> str:
        found = _COMPARISON.fullmatch(value.strip())
        return f"{_SPOKEN[found[1] or '=']}{found[2]}" if found else value

    def check(values: Values, _argument: str, _words: Words) -> Iterator[str]:
        wrong = [value for value in values if split(value) is None]
        yield from (
            f'{value!r} is no comparison; write one like "<2.4" or ">500"' for value in wrong
        )

    return Condition(
        make, lambda values, _: f"{spoken} {any_of([say_one(v) for v in values])}{unit}", check
    )


def version(text: str | None) -> tuple[int, ...] | None:
    """`3.2.0-beta` as (3, 2): trailing zeros do not count, so that 2.4 equals 2.4.0. None
    when it does not begin with a number."""
    found = _VERSION.match(text or "")
    if found is None:
        return None
    parts = [int(part[:9]) for part in found[0].split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


# --------------------------------------------------------------------------- contents

_HAS: dict[str, Test] = {
    "tools": lambda case: "tools" in case.needs,
    "schema": lambda case: "schema" in case.needs,
    "images": lambda case: case.request.images > 0 or "images" in case.needs,
    "code": lambda case: case.reading.code,
}


def _has() -> Condition:
    def make(values: Values, _argument: str) -> Test:
        tests = [_HAS[value] for value in values]
        return tests[0] if len(tests) == 1 else lambda case: any(test(case) for test in tests)

    def check(values: Values, _argument: str, _words: Words) -> Iterator[str]:
        yield from (f"{v} is not one of {any_of(list(_HAS))}" for v in values if v not in _HAS)

    return Condition(make, lambda values, _: f"the request has {any_of(values)}", check)


def _text_matches() -> Condition:
    """The reading knows the truth of each pattern: the engine never sees the text."""

    def make(values: Values, _argument: str) -> Test:
        return lambda case: any(map(case.reading.truths.get, values))

    def say(values: Values, _argument: str) -> str:
        return f"the last message matches {any_of([_quoted(value) for value in values])}"

    def check(values: Values, _argument: str, _words: Words) -> Iterator[str]:
        yield from ("a pattern is empty" for value in values if not value.removeprefix("re:"))

    return Condition(make, say, check)


def _quoted(pattern: str) -> str:
    expression = pattern.removeprefix("re:")
    return f'"{pattern}"' if expression == pattern else f"/{expression}/"


def _flag() -> Condition:
    def make(values: Values, _argument: str) -> Test:
        return lambda case: any(map(case.flags.get, values))

    def check(values: Values, _argument: str, words: Words) -> Iterator[str]:
        yield from (f"there is no flag {value}" for value in values if value not in words.flags)

    return Condition(make, lambda values, _: f"flag {any_of(values)} is on", check)


# --------------------------------------------------------------------------- the registry

CONDITIONS: dict[str, Condition] = {
    "task": _label("task", "task", lambda words: words.tasks),
    "feature": _label("request.feature", "feature", lambda words: words.features),
    "plan": _label("request.plan", "plan", lambda words: words.plans),
    "tenant": _label("request.tenant", "tenant"),
    "app": _label("request.app", "app"),
    "app_version": _compared(
        "app version is", "", version, lambda case: version(case.request.app_version)
    ),
    "sensitivity": _label("sensitivity", "sensitivity", _one_of(*Sensitivity)),
    "residency": _label("request.residency", "residency"),
    "latency_class": _label(
        "request.latency_class", "latency class", _one_of("interactive", "batch")
    ),
    "language": _language(),
    "difficulty": _label("difficulty", "difficulty", _one_of("easy", "normal", "hard")),
    "input_tokens": _compared("input is", " tokens", _whole_number, lambda case: case.input_tokens),
    "has": _has(),
    "text_matches": _text_matches(),
    "metadata": _metadata(),
    "flag": _flag(),
}
