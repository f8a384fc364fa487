"""What is learnt by reading a request's text."""

import pytest

from routerctl.engine.specs import CheckSpec, When
from routerctl.engine.types import Finding, RoutingRequest, Sensitivity, TextReading
from routerctl.redaction.reading import read_text
from tests.engine.builders import revision, route
from tests.redaction.texts import ORDINARY, PERSONAL, SECRETS


def read(
    *texts: str,
    matches: tuple[str, ...] = (),
    checks: tuple[CheckSpec, ...] = (),
    request: RoutingRequest | None = None,
) -> TextReading:
    """The last of `texts` is the last user message."""
    when: When = {"text_matches": matches} if matches else {}
    revised = revision(
        route("a", when=when),
        checks=checks,
        tasks=("chat", "summary", "coding", "extraction", "classification", "translation"),
    )
    return read_text(request or RoutingRequest(), revised, texts, texts[-1])


def test_ordinary_text_is_public_and_easy() -> None:
    assert read("Where is my parcel?") == TextReading(difficulty="easy")


# --------------------------------------------------------------------------- text conditions


@pytest.mark.parametrize(
    ("pattern", "text", "holds"),
    [
        ("charged twice", "I was CHARGED TWICE!", True),
        ("charged twice", "I was charged once", False),
        ("c++ (beta)", "about C++ (Beta)", True),
        ("größe", "Welche GRÖSSE?", False),
        ("größe", "Welche GRÖßE?", True),
        ("re:double[- ]charge", "a Double-Charge", True),
        ("re:^refund$", "refund please", False),
        ("re:a|b", "xbx", True),
    ],
)
def test_a_text_condition_ignores_case(pattern: str, text: str, holds: bool) -> None:
    assert read(text, matches=(pattern, "zebra")).truths == {pattern: holds, "zebra": False}


def test_text_conditions_look_at_the_last_user_message_alone() -> None:
    assert read("a refund", "no thanks", matches=("refund",)).truths == {"refund": False}
    assert read("no thanks", "a refund", matches=("refund",)).truths == {"refund": True}


# --------------------------------------------------------------------------- personal data


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in PERSONAL.items() for text in texts]
)
def test_personal_data_raises_the_sensitivity(kind: str, text: str) -> None:
    reading = read(f"It is {text}, I think.")
    assert kind in reading.personal_data
    assert reading.sensitivity is Sensitivity.PII


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_has_no_personal_data_and_no_secrets(text: str) -> None:
    reading = read(text, checks=(CheckSpec("no-secrets", {}, ("secrets",), "block"),))
    assert (reading.personal_data, reading.findings) == ((), ())


def test_personal_data_is_found_in_every_piece_of_text() -> None:
    assert read("System: mail a@b.example", "hello").personal_data == ("email",)


def test_pieces_of_text_are_not_read_across() -> None:
    assert read("4111 1111", "1111 1111").personal_data == ()


# --------------------------------------------------------------------------- checks


@pytest.mark.parametrize(("kind", "secret"), SECRETS.items())
def test_a_check_for_secrets_names_the_kind_never_the_text(kind: str, secret: str) -> None:
    check = CheckSpec("no-secrets", {}, ("secrets",), "block")
    reading = read(f"use {secret} please", checks=(check,))
    assert reading.findings == (Finding("no-secrets", "block", (f"secret:{kind}",)),)


def test_a_check_may_look_for_personal_data_phrases_and_patterns() -> None:
    check = CheckSpec("c", {}, ("personal_data", "project heron", "re:case [0-9]+"), "flag")
    found = read("Project Heron, case 7: a@b.example", checks=(check,)).findings
    assert found == (Finding("c", "flag", ("email", "phrase", "pattern")),)


def test_a_check_looks_at_every_piece_of_text() -> None:
    check = CheckSpec("c", {}, ("heron",), "flag")
    assert read("the heron", "hello", checks=(check,)).findings != ()
    assert read("the crow", "hello", checks=(check,)).findings == ()


def test_a_check_applies_where_its_conditions_hold() -> None:
    check = CheckSpec("c", {"plan": "free", "sensitivity": "pii"}, ("heron",), "flag")
    assert read("heron a@b.example", checks=(check,), request=RoutingRequest(plan="free")).findings
    for text, plan in (("heron", "free"), ("heron a@b.example", "pro")):
        asked = RoutingRequest(plan=plan)
        assert read(text, checks=(check,), request=asked).findings == ()


# --------------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("Please summarise this thread for me: ...", "summary"),
        ("Long text here.\nSummarize the above.", "summary"),
        ("Kannst du bitte diesen Text zusammenfassen?", None),
        ("Fasse den Text zusammen.", "summary"),
        ("TL;DR", "summary"),
        ("The summary on my bill is wrong.", None),
        ("Extract all dates from this letter.", "extraction"),
        ("Classify these reviews.", "classification"),
        ("Could you please translate this into French?", "translation"),
        ("Write a Python function that sorts a list.", "coding"),
        ("Fix the bug in this class", "coding"),
        ("Write a poem about rain.", None),
        ("I want you to write a letter to my landlord.", None),
        ("```\nfor x in y: pass\n```", "coding"),
        ("Where is my parcel?", None),
    ],
)
def test_a_wish_at_the_beginning_of_a_sentence_names_the_task(text: str, task: str | None) -> None:
    scores = read(text).task_scores
    assert (max(scores, key=scores.__getitem__) if scores else None) == task


def test_an_inferred_task_has_its_reason() -> None:
    assert read("Summarise this.").task_reason == "The message asks for a summary."
    assert read("```\nx\n```").task_reason == "The message has source code in it."


def test_words_beat_pasted_code() -> None:
    assert read("Summarise this:\n```\nx = 1\n```").task_scores == {"summary": 800}


def test_nothing_is_inferred_for_a_request_with_a_label() -> None:
    reading = read("Summarise a@b.example", request=RoutingRequest(task="chat"))
    assert reading.task_scores == {}


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint(1)\n```",
        "def main(argv):\n    return 1",
        "#include <stdio.h>\nint main() {\n  return 0;\n}",
        "const x = 1;",
        "SELECT name FROM users WHERE id = 1",
        "Traceback (most recent call last):\n  File",
        "<div>hello</div>",
        "from os import path",
    ],
)
def test_source_code_is_recognised(text: str) -> None:
    assert read(text).code


@pytest.mark.parametrize(
    "text",
    [
        "Please select an item from the menu where you like it.",
        "I come from Berlin; my brother lives in Rome; we meet seldom.",
        "Let me know, or import the goods yourself.",
        "The class starts at nine: bring a pen.",
    ],
)
def test_prose_is_not_taken_for_code(text: str) -> None:
    assert not read(text).code


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Where is my parcel?", "easy"),
        ("word " * 100, "normal"),
        ("word " * 1_000, "normal"),
        ("Prove it step by step.", "normal"),
        ("Prove it step by step. " + "word " * 1_000, "hard"),
        ("Optimize this:\n```\nx = 1\n```", "hard"),
    ],
)
def test_difficulty_comes_from_length_code_and_telling_words(text: str, level: str) -> None:
    assert read(text).difficulty == level
