"""What a vendor's error repeats of the request is not kept; what it says is."""

import time

import pytest

from routerctl.redaction.quotes import unquoted

KEY = "9f86d081884c7d659a2feaa0c55ad015"
PROMPT = "My name is Ada Lovelace,\nand I was   charged twice for my subscription."


@pytest.mark.parametrize("length", [8, 12, 31, 32])
@pytest.mark.parametrize("start", [0, 3])
def test_a_key_is_taken_out_whole_or_in_part(start: int, length: int) -> None:
    part = KEY[start : start + length]
    said = unquoted(f"Bad key {part} given.", KEY, ())
    assert said == "Bad key [quoted] given."


@pytest.mark.parametrize("start", range(0, 40, 3))
def test_a_piece_of_the_prompt_is_taken_out_wherever_it_stands(start: int) -> None:
    piece = " ".join(PROMPT.split())[start : start + 16]
    assert unquoted(f"<{piece}> is not allowed", None, ["other", PROMPT]) == (
        "<[quoted]> is not allowed"
    )


def test_several_quotes_are_taken_out_and_the_rest_stays() -> None:
    message = f"'My name is Ada Lovelace' with {KEY}: 'charged twice for my sub'? No."
    assert unquoted(message, KEY, [PROMPT]) == "'[quoted]' with [quoted]: '[quoted]'? No."


@pytest.mark.parametrize(
    "message",
    ["", "short", "The model is overloaded.", "No charged card.", f"Request {KEY[:7]} failed."],
)
def test_what_is_not_quoted_stays(message: str) -> None:
    assert unquoted(message, KEY, [PROMPT]) == message


def test_without_a_key_and_a_prompt_nothing_is_quoted() -> None:
    assert unquoted("Anything at all, really.", None, []) == "Anything at all, really."


def test_a_huge_prompt_is_compared_in_bounded_time() -> None:
    began = time.perf_counter()
    unquoted("ab" * 150, KEY, ["ab " * 7_000_000])
    assert time.perf_counter() - began < 1
