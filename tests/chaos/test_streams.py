"""Hundreds of slow streams at once, for a minute: none is dropped, and memory stays small."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.flow.books import Books
from tests.flow.crowd import CROWDED
from tests.flow.documents import deployment, document, provider, route
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


READERS = 100
MOST_MB_PER_READER = 4
"""Half a megabyte of the provider's answer, and what it is while it is translated."""
CUT_WITHIN_S = 75
"""Thirty seconds of patience, and time for the scripted provider to write it all."""
PATIENT = {"max_output_tokens": 500000, "first_token_ms": 90000}
LONG = document(
    providers=[provider("first")],
    deployments=[deployment("first/one", context_window=1000000, max_output_tokens=500000)],
    routes=[route("long", "first/one", limits=PATIENT)],
)


def test_a_hundred_clients_that_do_not_read_are_cut_and_cost_little_memory(
    make_server: Callable[..., Server],
) -> None:
    server = make_server()
    server.start("--workers", "1")
    server.apply(LONG)
    key = server.create_key()
    pid = server.pid  # one worker serves in the process that was started
    books, before_mb = Books(server.database_url), memory_mb(pid)
    with contextlib.ExitStack() as open_still:
        for number in range(READERS):
            text = f"Hello {number} [mock words=80000]"
            time.sleep(0.3)  # the scripted provider writes them all at once
            open_still.enter_context(unread(server, key, {"input": text, "feature": "long"}))
        end, largest_mb = time.monotonic() + CUT_WITHIN_S, 0.0
        while len(ended := books.rows(ENDED)) < READERS:
            assert time.monotonic() < end, f"only {len(ended)} were cut"
            largest_mb = max(largest_mb, memory_mb(pid))
            time.sleep(1)
        assert {row["error_code"] for row in ended} == {"client_disconnected"}
        assert all("took nothing" in row["error_message"] for row in ended)
        books.nothing_held_after_s(NOTHING_HELD_AFTER_S)
    assert largest_mb - before_mb < READERS * MOST_MB_PER_READER


ENDED = "SELECT error_code, error_message FROM ledger_trace"


def unread(server: Server, key: str, body: dict[str, object]) -> socket.socket:
    """A stream that was asked for by somebody who takes nothing of it."""
    address = urlsplit(server.url)
    written = json.dumps({**body, "stream": True}).encode()
    head = (
        f"POST /v1/generate HTTP/1.1\r\nhost: {address.netloc}\r\n"
        f"authorization: Bearer {key}\r\ncontent-length: {len(written)}\r\n\r\n"
    )
    asking = socket.socket()
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    asking.connect((address.hostname, address.port))
    asking.sendall(head.encode() + written)
    return asking


def memory_mb(pid: int) -> float:
    """Resident memory, what is shared with the parent included."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024
