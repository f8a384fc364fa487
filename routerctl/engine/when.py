"""A whole `when`: a mapping of conditions, all of which must hold."""

from collections.abc import Iterator, Mapping

from routerctl.engine.conditions import CONDITIONS, Condition, Test, Values, Words
from routerctl.engine.sentences import all_of, capitalised
from routerctl.engine.specs import When


def compile_when(when: When) -> Test:
    """The test for `when`: every entry must hold. Raises ValueError for what `problems` finds."""
    tests = [condition.make(values, argument) for condition, values, argument in _entries(when)]
    if not tests:
        return lambda _case: True
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        one, two = tests
        return lambda case: one(case) and two(case)
    one, two, *others = tests
    return lambda case: one(case) and two(case) and all(test(case) for test in others)


def sentence(when: When) -> str:
    """`when` in plain words: "Task is chat and plan is free"."""
    said = [condition.say(values, argument) for condition, values, argument in _entries(when)]
    return capitalised(all_of(said)) if said else "Every request"


def problems(when: Mapping[str, object], path: str, words: Words) -> Iterator[tuple[str, str]]:
    """Everything that is wrong with `when`, as (path, what is wrong)."""
    for key, written in when.items():
        here = f"{path}.{key}"
        name, dot, argument = key.partition(".")
        condition = CONDITIONS.get(name)
        if condition is None:
            yield here, f"unknown condition; there are {all_of(sorted(CONDITIONS))}"
        elif condition.takes_argument != bool(argument) or bool(dot) != bool(argument):
            yield here, "write metadata.KEY" if name == "metadata" else "takes no dot"
        else:
            values = _values(written)
            if not values:
                yield here, "needs a word or a list of words"
            else:
                yield from ((here, wrong) for wrong in condition.check(values, argument, words))


def text_patterns(when: When) -> Values:
    """The patterns whose truth the reading of a text must bring."""
    return _values(when.get("text_matches", ()))


def flags_of(when: When) -> Values:
    """The flags that `when` looks at."""
    return _values(when.get("flag", ()))


def _entries(when: When) -> Iterator[tuple[Condition, Values, str]]:
    for key, written in when.items():
        name, _, argument = key.partition(".")
        condition = CONDITIONS.get(name)
        if condition is None:
            raise ValueError(f"unknown condition {key!r}")
        yield condition, _values(written), argument


def _values(written: object) -> Values:
    """What was written as a tuple of words; empty when it is neither a word nor a list."""
    if isinstance(written, str):
        return (written,)
    if isinstance(written, tuple | list) and all(isinstance(word, str) for word in written):
        return tuple(written)
    return ()
