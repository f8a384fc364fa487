"""`manage.py serve`: one socket, workers that drain, and a parent that keeps them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests import databases
from tests.processes import Server

POLICY = """
version: 1
providers:
  - {slug: openai, adapter: openai, base_url: "{mock}/openai/v1", secret: env:OPENAI_API_KEY}
deployments:
  - slug: small
    provider: openai
    model: gpt-4o-mini
    region: eu
    context_window: 128000
    max_output_tokens: 4096
    capabilities: [streaming]
    quality: {default: "0.7"}
    prices: [{from: 2024-07-18, input_usd_per_mtok: "0.15", output_usd_per_mtok: "0.60"}]
tasks: [chat]
routes:
  - {slug: all, when: {}, strategy: priority, candidates: [small]}
"""
Make = Callable[..., Server]


def workers(server: Server) -> list[int]:
    path = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def lives(pid: int) -> bool:
    """A zombie does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def until(done: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.05)


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_signal_lets_open_streams_end_and_settles_them(make_server: Make, count: str):
    server = make_server()
    server.start("--workers", count)
    server.apply(POLICY)
    key = server.create_key("--scopes", "generate,read")
    headers = {"authorization": f"Bearer {key}"}
    body = {"input": "Hello [mock gap=40 words=40]", "stream": True}

    with httpx2.stream("POST", f"{server.url}/v1/generate", json=body, headers=headers) as answer:
        lines = answer.iter_lines()
        next(lines)
        with ThreadPoolExecutor(1) as pool:
            code = pool.submit(server.stop)
            received = list(lines)
            assert code.result() == 0
    done = json.loads(next(line for line in received if '"finish_status"' in line)[6:])
    assert (done["status"], done["finish_status"]) == ("succeeded", "stop")

    server.start()
    trace = httpx2.get(f"{server.url}/api/v1/traces/{done['trace_id']}", headers=headers).json()
    assert trace["status"] == "succeeded"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_idle_server_ends_at_once(server: Server, number: signal.Signals):
    began = time.monotonic()
    assert server.stop(number) == 0
    assert time.monotonic() - began < 5


def test_a_dead_worker_is_replaced(make_server: Make):
    server = make_server()
    server.start("--workers", "2")
    until(lambda: len(workers(server)) == 2)
    killed, kept = workers(server)
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(workers(server)) == 2 and killed not in workers(server))
    assert kept in workers(server)
    assert server.status("/healthz") == 200
    assert server.stop() == 0


def test_workers_end_when_their_parent_is_killed(make_server: Make):
    server = make_server()
    server.start("--workers", "2")
    until(lambda: len(workers(server)) == 2)
    orphans = workers(server)
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: not any(lives(pid) for pid in orphans))


def test_roles_serve_their_doors_alone(make_server: Make):
    server = make_server()
    server.start()
    server.apply(POLICY)
    server.stop()
    expected = {
        "all": {"/v1/models": 401, "/sign-in/": 200, "/healthz": 200},
        "gateway": {"/v1/models": 401, "/sign-in/": 404, "/healthz": 200},
        "web": {"/v1/models": 404, "/sign-in/": 200, "/healthz": 200},
    }
    for role, statuses in expected.items():
        server.start("--role", role)
        assert {path: server.status(path) for path in statuses} == statuses, role
        server.stop()


def test_metrics_add_up_all_workers_and_survive_a_dead_one(make_server: Make):
    server = make_server()
    server.start("--workers", "2")
    server.apply(POLICY)
    headers = {"authorization": f"Bearer {server.create_key()}"}

    def ask(_: int) -> int:
        answer = httpx2.post(f"{server.url}/v1/generate", json={"input": "Hi"}, headers=headers)
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(40))) == {200}

    def counted() -> float:
        text = httpx2.get(f"{server.url}/metrics").text
        found = re.findall(r"^routerctl_requests_total{.*} (\S+)$", text, re.MULTILINE)
        return sum(map(float, found))

    until(lambda: counted() == 40)
    os.kill(workers(server)[0], signal.SIGKILL)
    until(lambda: server.status("/healthz") == 200)
    assert counted() == 40


def test_a_taken_port_is_told_in_one_line(make_server: Make):
    server = make_server()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = server.manage_error("serve", "--port", str(port))
    assert told == (
        f"CommandError: Port {port} on 127.0.0.1 is taken: stop what uses it or choose another "
        "--port.\n"
    )


def test_the_collector_leaves_alone_what_was_loaded():
    asked = "from routerctl import serving; serving.rest_the_collector(); import gc; print("
    asked += "gc.get_freeze_count() > 10_000, gc.get_count()[0] < gc.get_threshold()[0])"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "True"]


def test_missing_migrations_are_told_before_serving(make_server: Make):
    server = make_server()
    databases.drop(server.database_url)
    databases.create_empty(server.database_url)
    told = server.manage_error("serve", "--port", "0")
    assert re.fullmatch(
        r"CommandError: The database lacks \d+ migrations: run `manage.py migrate` first.\n", told
    )


def test_a_database_that_is_away_is_told_in_one_line():
    environment = {**os.environ, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    done = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", "0"],
        cwd=databases.ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("CommandError: The database does not answer: ")
