"""Time grows with the text and no faster, whatever the text is."""

import time

import pytest

from routerctl.engine.types import CheckSpec, RoutingRequest
from routerctl.redaction.reading import read_text
from routerctl.redaction.scrub import scrub
from tests.engine.builders import revision, route

SIZE_KB = 300
MOST_MS_PER_KB = 3
"""Ten times what the slowest takes on a busy machine, a third of what a quadratic one would."""

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
    text = piece * (SIZE_KB * 1024 // len(piece.encode()))
    revised = revision(
        route("a", when={"text_matches": ("refund", "re:double[- ]charge")}),
        checks=(CheckSpec("no-secrets", {}, ("secrets",), "block"),),
    )
    began = time.process_time()
    scrub(text)
    read_text(RoutingRequest(), revised, (text,), text)
    spent_ms = (time.process_time() - began) * 1_000
    assert spent_ms < SIZE_KB * MOST_MS_PER_KB
