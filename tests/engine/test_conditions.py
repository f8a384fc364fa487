"""Each condition: when it holds, how it is said, what is wrong with it."""

from typing import Any

import pytest

from routerctl.engine.conditions import CONDITIONS, Words, version
from routerctl.engine.specs import FlagSpec, When
from routerctl.engine.types import Sensitivity, TextReading
from routerctl.engine.when import compile_when, problems, sentence
from tests.engine.builders import case

WORDS = Words(
    tasks=frozenset({"chat", "summary"}),
    features=frozenset({"support"}),
    plans=frozenset({"free", "pro"}),
    flags=frozenset({"beta"}),
)


def holds(when: When, **asked: Any) -> bool:
    return compile_when(when)(case(**asked))


HOLDS: list[tuple[When, dict[str, Any]]] = [
    ({}, {}),
    ({"task": "chat"}, {"task": "chat"}),
    ({"task": ("summary", "chat")}, {"task": "chat"}),
    ({"feature": "support"}, {"feature": "support"}),
    ({"plan": ("free", "pro")}, {"plan": "pro"}),
    ({"tenant": "acme"}, {"tenant": "acme"}),
    ({"app": "ios"}, {"app": "ios"}),
    ({"app_version": "<2.4"}, {"app_version": "2.3.9"}),
    ({"app_version": "<=2.4"}, {"app_version": "2.4.0"}),
    ({"app_version": "2.4"}, {"app_version": "2.4.0-beta"}),
    ({"app_version": ">=2.4"}, {"app_version": "2.10"}),
    ({"app_version": ("<1", ">3")}, {"app_version": "3.1"}),
    ({"sensitivity": ("pii", "regulated")}, {"sensitivity": Sensitivity.REGULATED}),
    ({"sensitivity": "pii"}, {"reading": TextReading(sensitivity=Sensitivity.PII)}),
    ({"residency": "eu"}, {"residency": "eu"}),
    ({"latency_class": "batch"}, {"latency_class": "batch"}),
    ({"language": "de"}, {"language": "de-AT"}),
    ({"language": "DE"}, {"language": "de"}),
    ({"difficulty": "hard"}, {"reading": TextReading(difficulty="hard")}),
    ({"input_tokens": ">50000"}, {"text_bytes": 200_004}),
    ({"has": "tools"}, {"needs": ("tools",)}),
    ({"has": "schema"}, {"needs": ("schema",)}),
    ({"has": ("tools", "images")}, {"images": 1}),
    ({"has": "code"}, {"reading": TextReading(code=True)}),
    ({"text_matches": ("refund", "re:x+")}, {"reading": TextReading(truths={"re:x+": True})}),
    ({"metadata.ticket": "T-1"}, {"metadata": {"ticket": "T-1"}}),
    ({"flag": "beta"}, {"flags": (FlagSpec("beta", enabled=True, percent=100),)}),
    ({"task": "chat", "plan": "free", "app": "ios"}, {"plan": "free", "app": "ios"}),
]

FAILS: list[tuple[When, dict[str, Any]]] = [
    ({"task": "summary"}, {"task": "chat"}),
    ({"feature": "support"}, {}),
    ({"plan": ("free", "pro")}, {}),
    ({"app_version": "<2.4"}, {"app_version": "2.4"}),
    ({"app_version": "<2.4"}, {"app_version": "nightly"}),
    ({"app_version": "<2.4"}, {}),
    ({"sensitivity": "pii"}, {}),
    ({"language": "de"}, {"language": "den"}),
    ({"language": "de"}, {}),
    ({"input_tokens": ">50000"}, {"text_bytes": 200_000}),
    ({"has": ("tools", "code")}, {}),
    ({"text_matches": "refund"}, {"reading": TextReading(truths={"refund": False})}),
    ({"text_matches": "refund"}, {}),
    ({"metadata.ticket": "T-1"}, {"metadata": {"ticket": "T-2"}}),
    ({"metadata.ticket": "T-1"}, {}),
    ({"flag": "beta"}, {"flags": (FlagSpec("beta", enabled=False, percent=100),)}),
    ({"task": "chat", "plan": "free"}, {"plan": "pro"}),
    ({"task": "chat", "plan": "free", "app": "ios"}, {"plan": "free", "app": "web"}),
]


@pytest.mark.parametrize(("when", "asked"), HOLDS)
def test_a_condition_holds(when: When, asked: dict[str, Any]) -> None:
    assert holds(when, **asked)


@pytest.mark.parametrize(("when", "asked"), FAILS)
def test_a_condition_does_not_hold(when: When, asked: dict[str, Any]) -> None:
    assert not holds(when, **asked)


def test_every_condition_is_tried_here_both_ways() -> None:
    for table in (HOLDS, FAILS):
        tried = {key.partition(".")[0] for when, _ in table for key in when}
        untried = CONDITIONS.keys() - tried
        assert untried <= {"tenant", "app", "residency", "latency_class", "difficulty"}


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({}, "Every request"),
        ({"task": "chat", "plan": "free"}, "Task is chat and plan is free"),
        ({"plan": ("free", "pro", "team")}, "Plan is free, pro or team"),
        ({"app_version": "<2.4"}, "App version is below 2.4"),
        ({"input_tokens": ">50000"}, "Input is above 50000 tokens"),
        ({"has": ("tools", "images")}, "The request has tools or images"),
        (
            {"text_matches": ("charged twice", "re:double[- ]charge")},
            'The last message matches "charged twice" or /double[- ]charge/',
        ),
        ({"metadata.ticket": "T-1"}, "Metadata ticket is T-1"),
        ({"flag": "beta"}, "Flag beta is on"),
        ({"latency_class": "batch"}, "Latency class is batch"),
    ],
)
def test_a_condition_is_said_in_plain_words(when: When, said: str) -> None:
    assert sentence(when) == said


@pytest.mark.parametrize(
    ("when", "path", "part"),
    [
        ({"taks": "chat"}, "w.taks", "unknown condition"),
        ({"task": "poetry"}, "w.task", "poetry is not listed"),
        ({"feature": "nowhere"}, "w.feature", "not listed"),
        ({"plan": ["free", "gold"]}, "w.plan", "gold is not listed"),
        ({"flag": "unknown"}, "w.flag", "no flag unknown"),
        ({"sensitivity": "secret"}, "w.sensitivity", "secret is not listed"),
        ({"difficulty": "extreme"}, "w.difficulty", "not listed"),
        ({"latency_class": "soon"}, "w.latency_class", "not listed"),
        ({"has": "magic"}, "w.has", "magic is not one of"),
        ({"app_version": "<two"}, "w.app_version", "no comparison"),
        ({"input_tokens": ">-5"}, "w.input_tokens", "no comparison"),
        ({"text_matches": "re:"}, "w.text_matches", "empty"),
        ({"metadata": "T-1"}, "w.metadata", "metadata.KEY"),
        ({"plan.x": "free"}, "w.plan.x", "no dot"),
        ({"plan": []}, "w.plan", "needs a word"),
        ({"plan": {"a": "b"}}, "w.plan", "needs a word"),
    ],
)
def test_a_wrong_condition_is_told_with_its_path(
    when: dict[str, Any], path: str, part: str
) -> None:
    found = list(problems(when, "w", WORDS))
    assert [where for where, _ in found] == [path]
    assert part in found[0][1]


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert len(list(problems({"task": ["a", "b"], "has": "c", "x": "d"}, "w", WORDS))) == 4


def test_a_right_condition_has_no_problems() -> None:
    right: When = {"task": "chat", "plan": ("free", "pro"), "flag": "beta", "metadata.k": "v"}
    assert list(problems(right, "w", WORDS)) == []


def test_an_unknown_condition_cannot_be_compiled() -> None:
    with pytest.raises(ValueError, match="unknown condition"):
        compile_when({"taks": "chat"})


@pytest.mark.parametrize(
    ("text", "parts"),
    [("3.2.0-beta", (3, 2)), ("0", ()), ("10.0.1", (10, 0, 1)), ("v2", None), (None, None)],
)
def test_a_version_is_read_as_numbers(text: str | None, parts: tuple[int, ...] | None) -> None:
    assert version(text) == parts
