"""Buckets on a real Valkey, in a process alone, and by shares; both count alike."""

import asyncio
import os
from contextlib import asynccontextmanager

import pytest

from apps.gateway.buckets import LocalBuckets, SharedBuckets
from apps.gateway.rates import rate_of, too_soon
from routerctl.engine.rate_limits import buckets_of, compile_rate_limits
from routerctl.engine.specs import RateLimitSpec, ReservedShare
from routerctl.engine.types import RoutingRequest
from tests.own_valkey import own_valkey

SECOND = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.us = 1_760_000_000 * SECOND

    def __call__(self) -> int:
        return self.us


def hourly(slug, limit_requests, **facts):
    """So slow that nothing flows in while a test runs."""
    return RateLimitSpec(slug, limit_requests, "hour", **facts)


def wanted(*specs, **facts):
    return buckets_of(compile_rate_limits(specs), RoutingRequest(**facts))


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with own_valkey(tmp_path_factory.mktemp("buckets")) as running:
        yield running


@asynccontextmanager
async def shared(url, processes=1):
    buckets = SharedBuckets(url, lambda: processes)
    try:
        yield buckets
    finally:
        await buckets.stop()


def fresh(name):
    return f"{name}-{os.urandom(4).hex()}"


async def passed(buckets, wanted, times):
    return [(await buckets.take(wanted)).fits for _ in range(times)]


async def test_a_bucket_lets_its_burst_through_and_no_more(valkey):
    burst = wanted(hourly(fresh("burst"), 100, burst=3))
    async with shared(valkey.url) as buckets:
        assert await passed(buckets, burst, 5) == [True, True, True, False, False]
    assert await passed(LocalBuckets(Clock()), burst, 5) == [True, True, True, False, False]


async def test_what_was_taken_flows_in_again():
    clock = Clock()
    buckets = LocalBuckets(clock)
    minute = wanted(RateLimitSpec("minute", 60, "minute", burst=2))
    assert await passed(buckets, minute, 3) == [True, True, False]
    clock.us += SECOND
    assert await passed(buckets, minute, 2) == [True, False]


async def test_what_was_taken_flows_in_again_on_valkey_too(valkey):
    quick = wanted(RateLimitSpec(fresh("quick"), 10, "second", burst=1))
    async with shared(valkey.url) as buckets:
        assert await passed(buckets, quick, 2) == [True, False]
        await asyncio.sleep(0.15)
        assert await passed(buckets, quick, 1) == [True]


async def test_all_processes_count_together(valkey):
    burst = wanted(hourly(fresh("together"), 40))
    async with shared(valkey.url) as one, shared(valkey.url) as two:
        asked = [who.take(burst) for who in (one, two) for _ in range(60)]
        taken = await asyncio.gather(*asked)
    assert sum(one.fits for one in taken) == 40


async def test_who_does_not_pass_one_limit_takes_of_no_other(valkey):
    small, large = hourly(fresh("small"), 1), hourly(fresh("large"), 3)
    async with shared(valkey.url) as buckets:
        assert await passed(buckets, wanted(large, small), 3) == [True, False, False]
        assert await passed(buckets, wanted(large), 3) == [True, True, False]


async def test_the_reserved_part_is_left_to_the_plans_that_have_it(valkey):
    kept = hourly(fresh("kept"), 4, reserved=ReservedShare(("pro",), 50))
    async with shared(valkey.url) as buckets:
        assert await passed(buckets, wanted(kept, plan="free"), 3) == [True, True, False]
        assert await passed(buckets, wanted(kept, plan="pro"), 3) == [True, True, False]


async def test_each_value_has_a_bucket_and_none_of_them_is_readable(valkey):
    each = hourly(fresh("each"), 1, per=("user",))
    async with shared(valkey.url) as buckets:
        for user in ("ann", "bob", "x" * 5000, "\ud800"):
            assert await passed(buckets, wanted(each, user=user), 2) == [True, False]
        names = await buckets._redis.keys(f"routerctl:rate:{each.slug}*")
    assert len(names) == 4
    assert all(len(name) < 100 and b"ann" not in name for name in names)


async def test_without_valkey_a_process_lets_its_share_through(tmp_path):
    third = wanted(hourly(fresh("third"), 9))
    async with shared(f"unix://{tmp_path}/nobody.sock?db=0", processes=3) as buckets:
        assert await passed(buckets, third, 5) == [True, True, True, False, False]


async def test_when_valkey_is_back_it_counts_again(tmp_path):
    limit = wanted(hourly(fresh("back"), 2))
    with own_valkey(tmp_path / "own") as own:
        async with shared(own.url, processes=2) as buckets:
            assert await passed(buckets, limit, 1) == [True]
            own.stop()
            assert await passed(buckets, limit, 2) == [True, False]
            own.start()
            await asyncio.sleep(1.1)
            assert await passed(buckets, limit, 3) == [True, True, False]


async def test_the_caller_is_told_what_is_left_and_when_to_come_again():
    clock = Clock()
    buckets = LocalBuckets(clock)
    slow = RateLimitSpec("slow", 6, "minute", per=("key",), burst=2)
    limits = compile_rate_limits([slow, RateLimitSpec("wide", 9, "hour")])
    first = await rate_of(buckets, limits, RoutingRequest(key="k"))
    assert (first.spec.slug, first.limit, first.remaining, first.reset_s) == ("slow", 2, 1, 10)
    await rate_of(buckets, limits, RoutingRequest(key="k"))
    clock.us += 4 * SECOND
    third = await rate_of(buckets, limits, RoutingRequest(key="k"))
    assert (third.remaining, third.reset_s, third.wait_s) == (0, 16, 6)
    error = too_soon(third)
    assert error.retry_after_s == 6
    assert error.details["rate_limit"] == "slow"
    assert error.message == "Rate limit slow: 6 requests a minute for each key."


async def test_a_request_that_nothing_counts_is_told_nothing():
    limits = compile_rate_limits([RateLimitSpec("pro", 1, "hour", scope={"plan": "pro"})])
    assert await rate_of(LocalBuckets(Clock()), limits, RoutingRequest(plan="free")) is None
