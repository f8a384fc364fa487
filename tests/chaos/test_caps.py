"""Two thousand at once against one dollar: nobody passes, and the last cent can be spent."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.flow.books import Books
from tests.flow.documents import deployment, document, provider, route
from tests.flow.load import Load
from tests.processes import Server

pytestmark = pytest.mark.chaos

AT_ONCE = 2_000
WORKERS = 8
SEED = 11
LIMIT_NANO_USD = 1_000_000_000
DEAR = [{"from": "2026-01-01", "input_usd_per_mtok": "1", "output_usd_per_mtok": "20"}]
"""100 tokens of output are a fifth of a cent."""
POLICY = document(
    [provider("acme")],
    [deployment("acme/dear", prices=DEAR)],
    [route("answers", "acme/dear", limits={"max_output_tokens": 100})],
    caps=[{"slug": "one-dollar", "period": "day", "limit_usd": "1.00"}],
)


def refused(load: Load) -> int:
    return sum(one.code == "cap_reached" for one in load.asked)


def test_two_thousand_at_once_never_pass_a_dollar_and_can_spend_it(
    make_server: Callable[..., Server],
    pytestconfig: pytest.Config,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = make_server()
    server.start("--workers", str(WORKERS))
    server.apply(POLICY)
    books, chance = Books(server.database_url), random.Random(SEED)
    lengths = [chance.randint(1, 100) for _ in range(1000)]

    def of_unknown_length(number: int) -> dict[str, object]:
        words = lengths[number % len(lengths)]
        return {"feature": "answers", "input": f"Hello {number} [mock words={words} gap=2]"}

    most, looks, done = 0, 0, threading.Event()

    def watch() -> None:
        nonlocal most, looks
        while not done.is_set():
            for row in books.rows("SELECT settled + held AS taken FROM ledger_capwindow"):
                most, looks = max(most, row["taken"]), looks + 1
            time.sleep(0.002)

    watching = threading.Thread(target=watch)
    watching.start()
    with Load(server.url, server.create_key(), of_unknown_length, clients=AT_ONCE) as load:
        end = time.monotonic() + 120
        while time.monotonic() < end and refused(load) < 2 * AT_ONCE:
            time.sleep(0.5)
    books.nothing_held_after_s(30)
    done.set()
    watching.join()
    [window] = books.rows("SELECT settled FROM ledger_capwindow")
    endings = Counter(one.code or str(one.status) for one in load.asked)
    with capsys.disabled():
        told = pytestconfig.get_terminal_writer().line
        told(f"\nEndings: {dict(endings)}; most ever taken: {most} of {LIMIT_NANO_USD} nano-USD")
        told(f"in {looks} looks; settled in the end: {window['settled']}")
    assert looks > 100
    assert most <= LIMIT_NANO_USD
    assert window["settled"] >= LIMIT_NANO_USD * 0.95
    assert endings["cap_reached"] >= AT_ONCE
    # Of a flood of refusals of one key only the first twenty a second have a trace.
    admitted = [one for one in load.asked if one.code != "cap_reached"]
    assert books.wrong(admitted, server.mock) == []
