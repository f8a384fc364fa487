"""Fifty thousand calls of providers that their callers gave up."""

import asyncio
from pathlib import Path

import pytest

from routerctl.providers.ports import UpstreamRequest
from routerctl.providers.transport import Transport
from tests.providers.scripted import Reply, provider
from tests.providers.test_transport import LOOPBACK

pytestmark = pytest.mark.chaos

CALLS = 50_000
AT_ONCE = 250


async def test_fifty_thousand_cancelled_calls_leave_pool_and_descriptors_as_they_were() -> None:
    transport = Transport(LOOPBACK)
    async with provider(Reply(body=b"fine")) as said:
        request = UpstreamRequest(f"{said.url}/v1/x", {"content-type": "application/json"}, b"{}")

        async def call() -> bytes:
            return (await transport.send(request, connect_ms=5000, total_ms=60_000)).body

        assert await call() == b"fine"
        before = descriptors()
        said.say(Reply(mute=True))
        for _ in range(CALLS // AT_ONCE):
            calls = [asyncio.create_task(call()) for _ in range(AT_ONCE)]
            await asyncio.sleep(0.02)
            for one in calls:
                one.cancel()
            ended = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError) for end in ended)
            said.heard.clear()
        await said.until(lambda said: said.live == 0)
        assert descriptors() <= before
        said.say(Reply(body=b"fine"))
        assert await call() == b"fine"
    await transport.close()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
