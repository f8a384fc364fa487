"""Time grows with the text and no faster, whatever the text is."""

import time

import pytest

from routerctl.engine.specs import CheckSpec
from routerctl.engine.types import RoutingRequest
from routerctl.redaction.reading import read_text
from routerctl.redaction.scrub import scrub
from tests.engine.builders import revision, route

SIZE_KB = 320
TIMES_LONGER = 8
MOST_TIMES_DEARER = 24
"""A linear reader takes 8 times as long for 8 times the text, a quadratic one 64 times."""
TRIES = 3
"""Another process may take the caches away in the middle of one."""

HOSTILE = (
    "a",
    "1",
    "1 ",
    "4111 ",
    "12-34 ",
    "0(",
    "a@",
    "a@b.",
    "a@b.cc ",
    "sk-",
    "token=",
    "eyJaaaaaaaa.",
    "eyJaaaaaaaa.eyJaaaaaaaa ",
    "://a:",
    "bearer ",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\naaaaaaaaaaaaaaaaaaaa ",
    "DE89 3704 ",
    "DE89 3704 0044 0532 0130 01 ",
    "call 123456789 x ",
    "+49 30 1234567 , ",
    "AB 12 34 56 ",
    ". please ",
    "write ",
    "export ",
    "SELECT ",
    "if (",
    "{\n}",
    "import a\n",
    "日本",
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_takes_more_than_its_length_deserves(piece: str) -> None:
    revised = revision(
        route("a", when={"text_matches": ("refund", "re:double[- ]charge")}),
        checks=(CheckSpec("no-secrets", {}, ("secrets",), "block"),),
    )

    def spent_s(size_kb: int) -> float:
        text = piece * (size_kb * 1024 // len(piece.encode()))
        began = time.process_time()
        scrub(text)
        read_text(RoutingRequest(), revised, (text,), text)
        return time.process_time() - began

    dearer = (spent_s(SIZE_KB) / spent_s(SIZE_KB // TIMES_LONGER) for _ in range(TRIES))
    assert any(times < MOST_TIMES_DEARER for times in dearer)
