"""Hundreds of slow streams at once, for a minute: none is dropped, and memory stays small."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flow.books import Books
from tests.flow.crowd import CROWDED
from tests.flow.load import Load
from tests.processes import Server

pytestmark = pytest.mark.chaos

MINUTE_S = 60
STREAMS = 500
MOST_MB_PER_WORKER = 400
NOTHING_HELD_AFTER_S = 30


@pytest.fixture
def crowded(make_server: Callable[..., Server]) -> Server:
    """Two workers, and a configuration for a mixed crowd."""
    server = make_server()
    server.start("--workers", "2")
    server.apply(CROWDED)
    return server


def test_five_hundred_streams_for_a_minute_lose_nothing_and_stay_small(crowded: Server):
    key = crowded.create_key()

    def slowly(number: int) -> dict[str, object]:
        text = f"Hello {number} [mock gap=400 words=24]"
        return {"feature": "stream", "stream": True, "input": text}

    with Load(crowded.url, key, slowly, clients=STREAMS, keep_alive=True) as load:
        end, largest_mb = time.monotonic() + MINUTE_S, 0.0
        while time.monotonic() < end:
            time.sleep(2)
            largest_mb = max(largest_mb, *map(memory_mb, crowded.workers()))
    assert load.failed() == []
    assert len(load.asked) >= STREAMS * 3
    assert largest_mb < MOST_MB_PER_WORKER
    books = Books(crowded.database_url)
    books.nothing_held_after_s(NOTHING_HELD_AFTER_S)
    assert books.wrong(load.asked, crowded.mock) == []


def memory_mb(pid: int) -> float:
    """Resident memory, what is shared with the parent included."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024
