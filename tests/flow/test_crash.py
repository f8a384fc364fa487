"""`kill -9`: whoever dies, every call a provider saw has one trace, and nothing stays held."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.flow.books import Books
from tests.flow.documents import deployment, document, provider, route
from tests.flow.load import Json, Load
from tests.processes import Server

KILLS = 10
NOTHING_HELD_AFTER_S = 30


def crowded() -> str:
    """Whole answers, streams, and a deployment that fails every other call."""
    return document(
        [provider("alpha"), provider("beta", "anthropic")],
        [
            deployment("alpha/whole", model="whole~latency=40"),
            deployment("alpha/stream", model="stream~first=20~gap=5~words=20"),
            deployment("alpha/flaky", model="flaky~latency=20~status=500~percent=50"),
            deployment("beta/steady", model="steady~latency=40"),
        ],
        [
            route("whole", "alpha/whole", "beta/steady"),
            route("stream", "alpha/stream", "beta/steady"),
            route("flaky", "alpha/flaky", "beta/steady"),
        ],
    )


def ask(number: int) -> Json:
    """Of each kind a third."""
    feature = ("whole", "stream", "flaky")[number % 3]
    return {"feature": feature, "stream": feature == "stream", "max_output_tokens": 200}


def workers(server: Server) -> list[int]:
    """The process numbers of the server's workers."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def port_of(server: Server) -> str:
    return str(urlsplit(server.url).port)


def test_ten_kills_under_load_lose_no_trace_and_leave_nothing_held(
    make_server: Callable[..., Server],
) -> None:
    server = make_server()
    server.start("--workers", "2")
    server.apply(crowded())
    port, books = port_of(server), Books(server.database_url)

    with Load(server.url, server.create_key(), ask) as load:
        for turn in range(KILLS):
            time.sleep(1)
            if turn % 2:
                os.kill(workers(server)[turn % 4 // 2], signal.SIGKILL)
            else:
                server.kill()
                server.start("--workers", "2", "--port", port)
    server.kill()
    server.start("--workers", "2", "--port", port)

    books.nothing_held_after_s(NOTHING_HELD_AFTER_S)
    assert books.wrong(load.asked, server.mock) == []
    abandoned = [t for t in books.traces() if t["error_code"] == "abandoned"]
    assert len(abandoned) >= KILLS / 2
    assert len(load.answered()) > 10 * KILLS


@pytest.fixture
def unreachable() -> Iterator[int]:
    """A port where connections are neither accepted nor refused."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield int(full.getsockname()[1])


def test_what_was_admitted_and_never_sent_has_an_abandoned_trace(
    make_server: Callable[..., Server], unreachable: int
) -> None:
    server = make_server()
    server.start()
    nowhere = provider("nowhere") | {"base_url": f"http://127.0.0.1:{unreachable}/v1"}
    limits = {"connect_ms": 60000, "total_ms": 60000}
    server.apply(
        document([nowhere], [deployment("nowhere/a", limits=limits)], [route("r", "nowhere/a")])
    )
    books = Books(server.database_url)

    with Load(server.url, server.create_key(), lambda _: {"feature": "r"}, clients=3) as load:
        while books.held() < 3:
            time.sleep(0.05)
        load.stop_soon()
        server.kill()
    server.start()
    books.nothing_held_after_s(NOTHING_HELD_AFTER_S)

    assert server.mock.calls() == []
    traces = {trace["marker"]: trace for trace in books.traces()}
    assert set(traces) >= {"load-1", "load-2", "load-3"}
    for trace in traces.values():
        assert (trace["status"], trace["error_code"]) == ("failed", "abandoned")
        assert (trace["attempts"], trace["cost_nano_usd"] > 0) == (0, True)
