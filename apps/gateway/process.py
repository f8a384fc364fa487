"""The data plane's parts of one process, from its start to its last settled request."""

import asyncio
import contextlib
import time

from apps.gateway.live import Live
from apps.gateway.shared import Shared
from apps.ledger.batcher import Ledger
from apps.ledger.reaper import Reaper
from routerctl.env import Env
from routerctl.providers.transport import Transport


class Process(Shared):
    """A serving process. Made by `start` inside the running loop."""

    ledger: Ledger
    transport: Transport

    def __init__(self, env: Env, dsn: str) -> None:
        super().__init__(
            ledger=Ledger(dsn),
            transport=Transport(env.private_origins),
            max_body_bytes=env.max_body_bytes,
        )
        self.live = Live()
        self._reaper = Reaper(dsn)
        self.draining = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the ledger, load the configuration. Returns even when the database is away:
        the process then is alive, not ready, and goes on trying."""
        await asyncio.gather(self.ledger.start(), self.live.start())
        for errand in (self.metrics.keep_pouring(), self._reaper.run()):
            self._tasks.append(asyncio.create_task(errand))

    async def stop(self, patience_s: float = 30.0) -> None:
        """Stop being ready, let requests end, settle everything, close."""
        self.draining = True
        deadline = time.monotonic() + patience_s
        while self.metrics.in_flight and time.monotonic() < deadline:  # noqa: ASYNC110  # once
            await asyncio.sleep(0.02)
        await self.ledger.drain(max(1.0, deadline - time.monotonic()))
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.live.stop()
        await self.ledger.stop()
        await self.transport.close()
        self.metrics.close()

    @property
    def is_ready(self) -> bool:
        return self.live.snapshot is not None and not self.draining
