"""Processes that die or freeze, and who settles what they held."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from apps.ledger.reaper import Reaper
from tests.apps.ledger import made
from tests.apps.ledger.conftest import MakeLedger
from tests.apps.ledger.stored import Stored
from tests.databases import ROOT

LEASE_S = 1.0
Worker = subprocess.Popen[bytes]


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Where workers note each call to a provider."""
    return tmp_path / "calls"


@pytest.fixture
def start_worker(dsn: str, stored: Stored, calls: Path) -> Iterator[Callable[..., Worker]]:
    """Starts processes that serve requests: `start_worker(requests_per_second)`."""
    started: list[Worker] = []

    def start(rate: int) -> Worker:
        command = [sys.executable, "-m", "tests.apps.ledger.worker"]
        arguments = [dsn, str(LEASE_S), str(rate), str(calls)]
        started.append(subprocess.Popen([*command, *arguments], cwd=ROOT, stdin=subprocess.PIPE))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
        worker.wait()


@contextlib.asynccontextmanager
async def reaping(dsn: str, lease_s: float = LEASE_S) -> AsyncIterator[None]:
    task = asyncio.create_task(Reaper(dsn, lease_s=lease_s).run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _until(true: Callable[[], bool], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.05)


def _called(calls: Path) -> list[str]:
    return calls.read_text().split() if calls.exists() else []


async def test_killed_processes_lose_no_trace_and_leave_no_hold(
    dsn: str, stored: Stored, calls: Path, start_worker: Callable[..., Worker]
) -> None:
    async with reaping(dsn):
        workers = [start_worker(150) for _ in range(3)]
        await _until(lambda: len(_called(calls)) > 100)
        for victim in range(3):
            await asyncio.sleep(0.4)
            workers[victim].kill()
            workers.append(start_worker(150))
        await asyncio.sleep(1)
        for worker in workers[3:]:
            assert worker.stdin
            worker.stdin.close()
        for worker in workers[3:]:
            await asyncio.to_thread(worker.wait, 20)

        await _until(lambda: stored.holds() == [])
        # One killed while it held nothing keeps its lease until that ends.
        await _until(lambda: stored.all("SELECT * FROM ledger_workerlease") == [])

    called = _called(calls)
    assert len(called) == len(set(called)) > 200
    assert set(called) <= stored.traces()
    [abandoned] = stored.all(
        "SELECT count(*) AS n FROM ledger_trace WHERE error_code = 'abandoned'"
    )
    assert abandoned["n"] > 0


async def test_a_frozen_process_is_fenced_and_corrects_its_traces_when_it_thaws(
    dsn: str, stored: Stored, calls: Path, start_worker: Callable[..., Worker]
) -> None:
    async with reaping(dsn):
        worker = start_worker(200)
        await _until(lambda: len(_called(calls)) > 50)

        os.kill(worker.pid, signal.SIGSTOP)
        await _until(lambda: bool(stored.traces()) and stored.holds() == [])
        while_frozen = stored.all("SELECT trace_id, error_code FROM ledger_trace")
        abandoned = {row["trace_id"] for row in while_frozen if row["error_code"] == "abandoned"}
        assert abandoned
        os.kill(worker.pid, signal.SIGCONT)

        before = len(_called(calls))
        await _until(lambda: len(_called(calls)) > before + 50)
        assert worker.stdin
        worker.stdin.close()
        await asyncio.to_thread(worker.wait, 20)
        await _until(lambda: stored.holds() == [])

    called = _called(calls)
    assert set(called) <= stored.traces()
    corrected = stored.all(
        "SELECT trace_id FROM ledger_trace WHERE error_code IS NULL AND trace_id = ANY(%s)",
        list(abandoned),
    )
    assert corrected


async def test_a_reaper_waits_a_lease_before_it_takes_anything(
    dsn: str, make_ledger: MakeLedger, stored: Stored
) -> None:
    ledger = await make_ledger()
    await ledger.reserve(made.hold(known := made.head()))
    stored.expire(ledger.worker)

    async with reaping(dsn, lease_s=1.0):
        await asyncio.sleep(0.7)
        assert [id_ for id_, _, _ in stored.holds()] == [known.trace_id]
        await _until(lambda: stored.holds() == [], within_s=3)

    assert stored.trace(known.trace_id)["error_code"] == "abandoned"


def test_nothing_is_taken_when_everybody_slept(stored: Stored) -> None:
    stored.all("SELECT ledger_register('sleeper', '-1 s')")

    slept = "SELECT reaped FROM ledger_reap(clock_timestamp() - interval '7 s', '6 s', 500)"
    assert stored.all(slept) == [{"reaped": None}]
    assert len(stored.all("SELECT * FROM ledger_workerlease")) == 1

    awake = "SELECT reaped FROM ledger_reap(clock_timestamp() - interval '5 s', '6 s', 500)"
    assert stored.all(awake) == [{"reaped": 0}]
    assert stored.all("SELECT * FROM ledger_workerlease") == []


async def test_more_holds_than_one_round_takes_are_all_reaped(
    dsn: str, make_ledger: MakeLedger, stored: Stored
) -> None:
    ledger = await make_ledger()
    await asyncio.gather(*(ledger.reserve(made.hold(made.head())) for _ in range(1200)))
    stored.expire(ledger.worker)

    async with reaping(dsn, lease_s=0.5):
        await _until(lambda: stored.holds() == [], within_s=5)

    assert len(stored.traces()) == 1200


async def test_old_keys_and_counts_are_forgotten(dsn: str, stored: Stored) -> None:
    stored.do(
        "INSERT INTO ledger_idempotencyrecord VALUES"
        " ('old', '', gen_random_uuid(), now() - interval '25 h'),"
        " ('new', '', gen_random_uuid(), now())"
    )

    async with reaping(dsn):
        await _until(lambda: len(stored.all("SELECT * FROM ledger_idempotencyrecord")) == 1)

    assert stored.all("SELECT key_hash FROM ledger_idempotencyrecord") == [{"key_hash": "new"}]
