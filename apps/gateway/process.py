"""The data plane's parts of one process, from its start to its last settled request."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Sequence

import structlog
from django.db import DatabaseError, connection

from apps.gateway.buckets import SharedBuckets
from apps.gateway.live import Live
from apps.gateway.metrics import State
from apps.gateway.shared import Shared
from apps.ledger.batcher import Ledger
from apps.ledger.heartbeat import Beat, Heart
from apps.ledger.ids import epoch_ms
from apps.ledger.reaper import Reaper
from apps.ledger.reconciler import Reconciler
from routerctl.env import Env
from routerctl.providers.transport import Transport

log = structlog.get_logger(__name__)

USUAL_EVERY_S = 600.0
"""A week changes slowly; what was not known at the start is known soon after."""


class Process(Shared):
    """A serving process. Made by `start` inside the running loop."""

    ledger: Ledger
    transport: Transport
    buckets: SharedBuckets

    def __init__(self, env: Env, dsn: str) -> None:
        self.live = Live()
        super().__init__(
            ledger=Ledger(dsn, limits=self._limits, spool=env.data_dir / "spool"),
            transport=Transport(env.private_origins),
            buckets=SharedBuckets(env.redis_url, lambda: self._heart.company),
            max_body_bytes=env.max_body_bytes,
            state=self._state,
            breaks=env.breakers,
        )
        self._reaper = Reaper(dsn)
        self._reconciler = Reconciler(dsn, self._books_looked_at)
        self._role = env.role
        self._started_ms = epoch_ms()
        self._heart = Heart(env.redis_url, self.beat, self._hear)
        self.draining = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the ledger, load the configuration. Returns even when the database is away:
        the process then is alive, not ready, and goes on trying."""
        await asyncio.gather(self.ledger.start(), self.live.start())
        for errand in (
            self.metrics.keep_pouring(),
            self._reaper.run(),
            self._reconciler.run(),
            self._heart.run(),
            self._keep_usual(),
        ):
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
        await self._heart.stop()
        self.live.stop()
        await self.ledger.stop()
        await self.transport.close()
        await self.buckets.stop()
        self.metrics.close()

    def beat(self) -> Beat:
        """What this process says of itself now."""
        snapshot, troubles = (
            self.live.snapshot,
            (
                self.live.trouble,
                self.ledger.trouble,
                self._reconciler.trouble,
            ),
        )
        return Beat(
            worker=self.ledger.worker,
            role=self._role,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_ms=self._started_ms,
            at_ms=epoch_ms(),
            revision=(snapshot.revision_id, snapshot.revision.hash) if snapshot else None,
            ledger_open=self.ledger.is_open,
            pending=self.ledger.pending,
            in_flight=self.metrics.in_flight,
            resting=self.health.resting(),
            trouble=max(filter(None, troubles), key=lambda one: one.at_ms, default=None),
        )

    def _hear(self, others: Sequence[Beat]) -> None:
        """What the other processes said of themselves."""
        failing = {deployment for beat in others for deployment in beat.resting}
        self.health.warn(failing, epoch_ms())

    async def _keep_usual(self) -> None:
        """Know what requests usually come to, read in a thread of its own."""
        while True:
            await asyncio.to_thread(self._read_usual)
            await asyncio.sleep(USUAL_EVERY_S)

    def _read_usual(self) -> None:
        try:
            self.usual.refresh(epoch_ms())
        except DatabaseError as error:
            log.warning("usual.unreachable", error=type(error).__name__)
        finally:
            connection.close()

    def _books_looked_at(self, findings: int) -> None:
        self.metrics.books_wrong = findings

    def _state(self) -> State:
        """For the metrics, which pour it every second."""
        revision = self.live.snapshot.revision if self.live.snapshot else None
        return State(
            routes={route.slug for route in revision.routes} if revision else (),
            deployments=revision.deployments if revision else (),
            rate_limits=revision.rate_limits.named if revision else (),
            gauges={
                "queued": self.ledger.queued,
                "unsettled": self.ledger.pending,
                "on_disk": self.ledger.on_disk,
                "ready": int(self.is_ready),
                "database_away": int(not self.live.database_ok),
            },
            ticks=self.ledger.ticks(),
        )

    def _limits(self) -> dict[str, int]:
        """Each cap's limit of now, as the revision in force has it."""
        snapshot = self.live.snapshot
        caps = snapshot.revision.caps.named if snapshot else {}
        now_ms = epoch_ms()
        return {slug: cap.limit_at(now_ms) for slug, cap in caps.items()}

    @property
    def is_ready(self) -> bool:
        return self.live.snapshot is not None and not self.draining
