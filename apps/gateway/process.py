"""The data plane's parts of one process, from its start to its last settled request."""

import asyncio
import contextlib
import time

from apps.gateway.health import HealthBook
from apps.gateway.live import Live
from apps.gateway.metrics import Metrics
from apps.ledger.batcher import Ledger
from apps.ledger.reaper import Reaper
from apps.ledger.records import AttemptRecord, Outcome, Refused, Settlement, TraceHead
from routerctl.env import Env
from routerctl.providers.transport import Transport


class Process:
    """What all requests of this process share. Made by `start` inside the running loop."""

    def __init__(self, env: Env, dsn: str) -> None:
        self.max_body_bytes = env.max_body_bytes
        self.live = Live()
        self.ledger = Ledger(dsn)
        self._reaper = Reaper(dsn)
        self.transport = Transport(env.private_origins)
        self.health = HealthBook()
        self.metrics = Metrics()
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

    # ------------------------------------------------------------------ what requests leave

    def noted(self, record: AttemptRecord) -> None:
        """An attempt ended: learn from it and count it."""
        failed = record.outcome == "failed"
        if record.outcome != "cancelled":
            self.health.note(
                record.deployment,
                failed=failed,
                latency_ms=record.duration_ms,
                first_token_ms=record.first_token_ms,
            )
        deployment, metrics = record.deployment, self.metrics
        metrics.attempts[deployment, record.outcome, record.error_class or ""] += 1
        metrics.tokens[deployment, "input"] += record.input_tokens
        metrics.tokens[deployment, "output"] += record.output_tokens
        metrics.cost[(deployment,)] += record.cost_nano_usd

    def settle(self, settlement: Settlement) -> None:
        """The end of an admitted request; returns at once."""
        self._count(settlement.head, settlement.outcome)
        self.ledger.settle(settlement)

    def refuse(self, refused: Refused) -> None:
        """The end of a request that was turned away; returns at once."""
        self._count(refused.head, refused.outcome)
        self.ledger.refuse(refused)

    def _count(self, head: TraceHead, outcome: Outcome) -> None:
        metrics, route = self.metrics, head.decision.route or ""
        metrics.requests[head.door, route, outcome.status, outcome.error_code or ""] += 1
        metrics.latency[head.door, outcome.latency_ms] += 1
        metrics.pending = self.ledger.pending
        if head.ignored_fields:
            metrics.count_legacy(head.request.app or "", head.request.app_version or "")
