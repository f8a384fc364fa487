"""Simulated time: nobody waits, everything happens in its order."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from apps.ledger.ids import moment_of
from routerctl.demo.simulation import SimulatedLoop, clock


def test_two_weeks_pass_in_their_order_and_nobody_waits():
    loop = SimulatedLoop()
    told: list[tuple[str, float]] = []

    async def sleep(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        told.append((name, loop.time()))

    async def all_of_it() -> None:
        await asyncio.gather(sleep("late", 14 * 86400), sleep("early", 0.25), sleep("mid", 3600))

    loop.run_until_complete(all_of_it())
    loop.close()
    assert [name for name, _ in told] == ["early", "mid", "late"]
    assert [moment for _, moment in told] == pytest.approx([0.25, 3600, 14 * 86400])


def test_what_waits_for_what_never_comes_is_said():
    loop = SimulatedLoop()
    with pytest.raises(RuntimeError, match="never come"):
        loop.run_until_complete(loop.create_future())
    loop.close()


def test_requests_are_told_the_time_of_the_loop():
    loop = SimulatedLoop()
    begins_ms = 1_770_000_000_000
    told = clock(loop, begins_ms, Random(1))
    loop.run_until_complete(asyncio.sleep(90))
    assert told.epoch_ms() == begins_ms + 90_000
    assert told.monotonic_ns() == 90_000_000_000
    assert moment_of(told.trace_id()) == begins_ms + 90_000
    loop.close()
