"""The active configuration of this process: one immutable `Snapshot`, swapped whole.

A thread of its own listens for news (NOTIFY) and looks every second in case one was missed. It
compiles what is new and hands it to the event loop; requests in flight keep the snapshot they
began with. While the database is away the last good snapshot goes on serving.
"""

import asyncio
import threading
import time
from collections.abc import Mapping

import structlog
from django.db import close_old_connections, connection
from msgspec import Struct

from apps.accounts.keys import KeyRing
from apps.ledger.heartbeat import Trouble
from apps.ledger.ids import epoch_ms
from apps.policies import live as policies
from apps.policies.compiled import vocabulary
from routerctl.engine.limits import ResolvedLimits, resolve
from routerctl.engine.revision import Revision, compile_revision
from routerctl.engine.specs import DeploymentSpec, Limits
from routerctl.providers import ADAPTERS
from routerctl.providers.ports import Adapter, Target
from routerctl.wire.types import Vocabulary

log = structlog.get_logger(__name__)

CHANNELS = ("routerctl_revision", "routerctl_keys")
POLL_S = 1.0
SILENT_S = 3.0
"""A database that was not read for so long does not answer, though it may not have said so."""


class Endpoint(Struct, frozen=True):
    """A deployment with all that is needed to call it."""

    deployment: DeploymentSpec
    adapter: Adapter
    target: Target


class Snapshot(Struct, frozen=True):
    """What one request works with from its first to its last byte."""

    revision_id: int
    revision: Revision
    keys: KeyRing
    words: Vocabulary
    endpoints: Mapping[str, Endpoint]
    limits: dict[tuple[str | None, str], ResolvedLimits] = {}
    """Filled on first use: limits of a route on a deployment never change in a snapshot."""

    def limits_of(self, route: str | None, limits: Limits, deployment: str) -> ResolvedLimits:
        """The limits that hold for `deployment` on `route`."""
        found = self.limits.get((route, deployment))
        if found is None:
            found = resolve(limits, self.revision.deployments[deployment])
            self.limits[(route, deployment)] = found
        return found


class Live:
    """Keeps `snapshot` fresh. `snapshot` is None until the first load."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.trouble: Trouble | None = None
        """What went wrong last."""
        self._looked = threading.Event()
        self._seen_s = -SILENT_S
        """When the database was last read, by the monotonic clock."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-revision", daemon=True)
        self._marks: tuple[object, ...] = ()

    async def start(self, first_load_s: float = 10.0) -> None:
        """Begin to listen; returns when it has looked, even if nothing was published yet, or
        when `first_load_s` are over because the database is away."""
        self._thread.start()
        deadline = time.monotonic() + first_load_s
        while not self._looked.is_set() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    @property
    def database_ok(self) -> bool:
        """Whether the configuration was compared with the database just now."""
        return time.monotonic() - self._seen_s < SILENT_S

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001  # the thread's outermost edge outlives any
                if self._stop.is_set():
                    return  # the process ends, and its database may be gone already
                self._seen_s = -SILENT_S
                why = " ".join(str(error).split())
                self.trouble = Trouble(epoch_ms(), f"The configuration could not be read: {why}")
                log.warning("configuration.unreachable", error=type(error).__name__, why=why)
                connection.close()
                self._stop.wait(POLL_S)

    def _listen(self) -> None:
        close_old_connections()
        connection.ensure_connection()
        raw = connection.connection
        for channel in CHANNELS:
            raw.execute(f"LISTEN {channel}")
        while not self._stop.is_set():
            self._refresh()
            self._seen_s = time.monotonic()
            self._looked.set()
            for _ in raw.notifies(timeout=POLL_S, stop_after=1):
                pass

    def _refresh(self) -> None:
        marks = (policies.latest(), policies.secrets_version(), KeyRing.version())
        if marks == self._marks:
            return
        snapshot = load_snapshot(self.snapshot, same_revision=marks[:2] == self._marks[:2])
        if snapshot is not None:
            self.snapshot, self._marks = snapshot, marks
            log.info("configuration.loaded", revision=snapshot.revision.hash[:12])


def load_snapshot(previous: Snapshot | None, *, same_revision: bool = False) -> Snapshot | None:
    """The newest configuration from the database; None when none was published yet.

    With `same_revision` only the keys are read again.
    """
    keys = KeyRing.load()
    if previous is not None and same_revision:
        return Snapshot(
            previous.revision_id, previous.revision, keys, previous.words, previous.endpoints
        )
    found = policies.load_document()
    if found is None:
        return None
    revision_id, _, document = found
    revision = compile_revision(document)
    return Snapshot(revision_id, revision, keys, vocabulary(revision), _endpoints(revision))


def _endpoints(revision: Revision) -> dict[str, Endpoint]:
    secrets = policies.load_secrets()
    endpoints = {}
    for slug, deployment in revision.deployments.items():
        provider = revision.providers[deployment.provider]
        target = Target(
            base_url=provider.base_url,
            secret=secrets.get(provider.slug),
            model=deployment.model,
            attributes=provider.attributes,
        )
        endpoints[slug] = Endpoint(deployment, ADAPTERS[provider.adapter], target)
    return endpoints
