"""Lives through a fortnight: every request through the gateway's own rooms, on a simulated clock.

Doors, decision, fallbacks and settlement are those of a serving process; only time, the providers
and the way to the database are others (`simulation`, `vendors`, `books`). What people changed in
between is changed in between, so each request was decided under the revision of its moment.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC
from itertools import groupby
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from apps.accounts import audit
from apps.accounts.models import User
from apps.gateway.asgi import DOORS
from apps.gateway.buckets import LocalBuckets
from apps.gateway.exchange import Exchange
from apps.gateway.flow import Flow
from apps.gateway.live import Snapshot, load_snapshot
from apps.gateway.shared import Shared
from apps.policies.apply import apply
from routerctl.demo.books import PastBooks
from routerctl.demo.callers import Post
from routerctl.demo.fortnight import Fortnight, Sent
from routerctl.demo.simulation import SimulatedLoop, clock
from routerctl.demo.turns import Turn, edited, file_before, turns
from routerctl.demo.vendors import ScriptedUpstream

_AT_ONCE = 1000
"""So many requests are simulated before they are written."""
_MAX_BODY_BYTES = 20 * 1024 * 1024


def live_through(
    fortnight: Fortnight, file: str, people: dict[str, User], key: str, old_key: str
) -> int:
    """Send a fortnight's requests, with its changes of configuration, in one transaction.

    `file` is the configuration after the last change; before the first one must be in force.
    `people` are known by their role, `key` and `old_key` are the tokens. Returns how many traces
    there are of it.
    """
    made = turns(fortnight)
    said = file_before(made, file)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT ensure_partitions(%s, %s)",
            [moment.astimezone(UTC).date() for moment in (fortnight.begins, fortnight.until)],
        )
        simulation = _Simulation(fortnight, (key, old_key))
        for number, requests in _stretches(fortnight.requests(), made):
            if number:
                turn = made[number - 1]
                said = edited(said, turn.before, turn.after)
                with audit.dated(turn.at):
                    apply(said.encode(), person=people[turn.by], source="page", reason=turn.reason)
            simulation.run(requests, cursor)
        simulation.close(cursor)
        return simulation.sent


def _stretches(
    requests: Iterator[Sent], made: tuple[Turn, ...]
) -> Iterator[tuple[int, list[Sent]]]:
    """The requests between one change and the next, with the number of changes before them."""
    moments_ms = [int(turn.at.timestamp() * 1000) for turn in made]
    between: dict[int, list[Sent]] = {number: [] for number in range(len(made) + 1)}
    for number, sent in groupby(
        requests, key=lambda sent: sum(moment_ms <= sent.at_ms for moment_ms in moments_ms)
    ):
        between[number].extend(sent)
    yield from between.items()


class _Simulation:
    """A process of another time: it serves what `run` sends it."""

    def __init__(self, fortnight: Fortnight, tokens: tuple[str, str]) -> None:
        self.sent = 0
        self._tokens = tokens
        self._loop = SimulatedLoop()
        self._begins_ms = int(fortnight.begins.timestamp() * 1000)
        self._clock = clock(self._loop, self._begins_ms, fortnight.random("clock"))
        self._books = PastBooks(f"past:{fortnight.first_day}")
        self._shared = Shared(
            ledger=self._books,
            transport=ScriptedUpstream(
                self._clock.epoch_ms, fortnight.random("vendors"), fortnight.weather
            ),
            buckets=LocalBuckets(lambda: self._clock.epoch_ms() * 1000),
            max_body_bytes=_MAX_BODY_BYTES,
            clock=self._clock,
        )
        self._under_way: set[asyncio.Task[None]] = set()

    def run(self, requests: list[Sent], cursor: CursorWrapper) -> None:
        """Send `requests` under the configuration in force, and write what has ended."""
        snapshot = load_snapshot(None)
        assert snapshot is not None, "nothing is configured"
        for start in range(0, len(requests), _AT_ONCE):
            part = requests[start : start + _AT_ONCE]
            self._loop.run_until_complete(self._send(snapshot, part))
            self._books.write(cursor)

    def close(self, cursor: CursorWrapper) -> None:
        """Let the last ones end."""
        while self._under_way:
            self._loop.run_until_complete(asyncio.wait(self._under_way))
        self._books.write(cursor)
        self._loop.close()

    async def _send(self, snapshot: Snapshot, requests: list[Sent]) -> None:
        for sent in requests:
            await asyncio.sleep((sent.at_ms - self._begins_ms) / 1000 - self._loop.time())
            task = self._loop.create_task(self._flow(snapshot, sent.post).run())
            self._under_way.add(task)
            task.add_done_callback(self._ended)
            self.sent += 1

    def _flow(self, snapshot: Snapshot, post: Post) -> Flow:
        key = snapshot.keys.authenticate(
            self._tokens[post.old].encode(), now_ms=self._clock.epoch_ms()
        )
        assert key is not None, "the demo's keys are no keys"
        exchange = Exchange(
            {"method": "POST", "path": post.path, "headers": []}, _Caller(post), _nobody_reads
        )
        return Flow(self._shared, snapshot, DOORS[post.path], exchange, key)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        task.result()


class _Caller:
    """Sends its request and waits for the answer, however long that takes."""

    def __init__(self, post: Post) -> None:
        self._body: bytes | None = msgspec.json.encode(post.body)

    async def __call__(self) -> dict[str, Any]:
        body, self._body = self._body, None
        if body is None:
            await asyncio.get_running_loop().create_future()
        return {"type": "http.request", "body": body}


async def _nobody_reads(_message: Any) -> None:
    """What is answered is on the trace."""
