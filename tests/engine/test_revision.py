"""Compiling: one hash for equal documents, and nothing that is not defined."""

from typing import Any

import msgspec
import pytest

from routerctl.engine.revision import compile_revision, content_hash
from routerctl.engine.specs import CheckSpec, FlagSpec, RevisionDocument
from tests.engine.builders import ask, chain, gate, revision, route


def test_equal_documents_have_one_hash_and_others_have_another() -> None:
    first, second = revision(route("a")).document, revision(route("a")).document
    assert content_hash(first) == content_hash(second)
    assert content_hash(first) != content_hash(revision(route("b")).document)


def test_the_hash_survives_storage() -> None:
    document = revision(
        route("a", when={"plan": ("free", "pro"), "metadata.k": "v"}),
        gates=(gate(require={"provider.dpa": True, "region": ("eu", "ch")}),),
    ).document
    stored = msgspec.json.decode(msgspec.json.encode(document), type=RevisionDocument)
    assert content_hash(stored) == content_hash(document)
    assert chain(ask(compile_revision(stored))) == []


def test_the_order_of_a_mappings_keys_is_not_part_of_it() -> None:
    one = revision(route("a", when={"plan": "free", "task": "chat"})).document
    other = revision(route("a", when={"task": "chat", "plan": "free"})).document
    assert content_hash(one) == content_hash(other)


def test_every_text_pattern_stands_once_whoever_asks_for_it() -> None:
    revised = revision(
        route("a", when={"text_matches": ("refund", "re:x+")}),
        gates=(gate(when={"text_matches": "refund"}, require={"region": "us"}),),
        checks=(CheckSpec("c", {"text_matches": "hello"}, ("secrets",), "flag"),),
    )
    assert revised.patterns == ("refund", "re:x+", "hello")


def test_a_flag_in_any_condition_is_looked_at() -> None:
    revised = revision(
        route("a"),
        gates=(gate(when={"flag": "strict"}, require={"region": "us"}),),
        flags=(FlagSpec("strict", enabled=True, percent=100), FlagSpec("idle")),
    )
    assert [flag.slug for flag in revised.flags_in_conditions] == ["strict"]


@pytest.mark.parametrize(
    "broken",
    [
        {"fallback": ("nowhere",)},
        {"prompt": "nowhere"},
        {"strategy": "nowhere"},
    ],
)
def test_a_name_that_is_not_defined_cannot_be_compiled(broken: dict[str, Any]) -> None:
    document = revision(route("a")).document
    wrong = msgspec.structs.replace(document, routes=(route("a", **broken),))
    with pytest.raises(KeyError):
        compile_revision(wrong)
