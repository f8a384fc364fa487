"""Counters of this process, and the sum over all processes for /metrics.

A request touches plain integers only. Once a second, and when somebody asks, they are poured
into prometheus_client's files, which add up whatever number of processes there is.
"""

import asyncio
import os
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from apps.gateway import families
from apps.ledger.records import AttemptRecord
from routerctl.engine.errors import CATALOGUE

L = TypeVar("L", bound=tuple[str, ...])

POUR_S = 1.0
MOST_NAMES = 1000
"""Of one kind, in the life of a process: who renames routes all day does not fill Prometheus."""
MOST_OLD_CLIENTS = 500
"""Clients name their app and version themselves: beyond so many the rest counts as one."""
OTHER = "other"


class State(Struct, frozen=True, kw_only=True):
    """What a process knows of itself when it pours: the names of the revision in force, which may
    be labels; its gauges, by `families.GAUGES`; and (call, ms) of the ledger's calls since."""

    routes: Collection[str] = ()
    deployments: Collection[str] = ()
    rate_limits: Collection[str] = ()
    gauges: dict[str, int] = {}
    ticks: Sequence[tuple[str, float]] = ()


class Names:
    """Which names of one kind are labels; all others are `other`."""

    def __init__(self) -> None:
        self._seen = {""}

    def label(self, name: str, in_force: Collection[str]) -> str:
        """`name` if it has been a label, or is `in_force` and there is room for one more."""
        if name not in self._seen:
            if name not in in_force or len(self._seen) > MOST_NAMES:
                return OTHER
            self._seen.add(name)
        return name


class Metrics:
    """What this process has counted since it last poured. Durations are in ms."""

    def __init__(self, state: Callable[[], State] = State) -> None:
        self.requests: Tally[tuple[str, str, str, str]] = Tally()
        self.latency: Tally[tuple[str, float]] = Tally()
        self.first_token: Tally[tuple[str, float]] = Tally()
        self.route_cost: Tally[tuple[str]] = Tally()
        self.fallbacks: Tally[tuple[str, str]] = Tally()
        self.retries: Tally[tuple[str]] = Tally()
        self.attempts: Tally[tuple[str, str, str]] = Tally()
        self.tokens: Tally[tuple[str, str]] = Tally()
        self.cost: Tally[tuple[str]] = Tally()
        self.held: Tally[tuple[str]] = Tally()
        self.rate_limited: Tally[tuple[str]] = Tally()
        self.legacy: Tally[tuple[str, str]] = Tally()
        self.unauthenticated = 0
        self.in_flight = 0
        self.holds = 0
        self.books_wrong = 0
        self._state = state
        self._old_clients: set[tuple[str, str]] = set()
        self._routes, self._deployments, self._rate_limits = Names(), Names(), Names()

    def count_attempt(self, record: AttemptRecord) -> None:
        """A call to a provider ended."""
        deployment, tokens = record.deployment, self.tokens
        self.attempts[deployment, record.outcome, record.error_class or ""] += 1
        tokens[deployment, "input"] += record.input_tokens
        tokens[deployment, "output"] += record.output_tokens
        if record.cached_input_tokens:
            tokens[deployment, "cached_input"] += record.cached_input_tokens
        if record.cache_write_tokens:
            tokens[deployment, "cache_write"] += record.cache_write_tokens
        if record.reasoning_tokens:
            tokens[deployment, "reasoning"] += record.reasoning_tokens
        self.cost[(deployment,)] += record.cost_nano_usd
        self.held[(deployment,)] += record.held_nano_usd

    def count_moves(self, route: str, attempts: Sequence[AttemptRecord]) -> None:
        """How one request went from attempt to attempt."""
        for failed, following in pairwise(attempts):
            if failed.deployment == following.deployment:
                self.retries[(following.deployment,)] += 1
            else:
                self.fallbacks[route, failed.error_class or ""] += 1

    def count_legacy(self, app: str, app_version: str) -> None:
        """A request in which a legacy key's fields were ignored."""
        client = (app, app_version)
        if client not in self._old_clients:
            if len(self._old_clients) < MOST_OLD_CLIENTS:
                self._old_clients.add(client)
            else:
                client = (OTHER, OTHER)
        self.legacy[client] += 1

    def pour(self) -> None:
        """Hand over what was counted."""
        state = self._state()

        def route(name: str) -> str:
            return self._routes.label(name, state.routes)

        def deployment(name: str) -> str:
            return self._deployments.label(name, state.deployments)

        for (door, name, status, code), count in _taken(self.requests):
            families.REQUESTS.labels(door, route(name), status, code, _class(code)).inc(count)
        for (name, error_class), count in _taken(self.fallbacks):
            families.FALLBACKS.labels(route(name), error_class).inc(count)
        for (name, outcome, error_class), count in _taken(self.attempts):
            families.ATTEMPTS.labels(deployment(name), outcome, error_class).inc(count)
        for (name, kind), count in _taken(self.tokens):
            families.TOKENS.labels(deployment(name), kind).inc(count)
        _pour(self.route_cost, families.ROUTE_COST, route)
        _pour(self.retries, families.RETRIES, deployment)
        _pour(self.cost, families.COST, deployment)
        _pour(self.held, families.HELD, deployment)
        _pour(
            self.rate_limited,
            families.RATE_LIMITED,
            lambda name: self._rate_limits.label(name, state.rate_limits),
        )
        _observe(self.latency, families.REQUEST_DURATION, families.REQUEST_BUCKETS_MS, route)
        _observe(self.first_token, families.FIRST_TOKEN, families.REQUEST_BUCKETS_MS, route)
        self._pour_own(state)

    def _pour_own(self, state: State) -> None:
        """What has no name of the configuration in it."""
        for client, count in _taken(self.legacy):
            families.LEGACY.labels(*client).inc(count)
        families.UNAUTHENTICATED.inc(self.unauthenticated)
        self.unauthenticated = 0
        _observe(Tally(state.ticks), families.TICK_DURATION, families.TICK_BUCKETS_MS, str)
        gauges = {
            "in_flight": self.in_flight,
            "holds": self.holds,
            "books_wrong": self.books_wrong,
            **state.gauges,
        }
        for name, value in gauges.items():
            families.GAUGES[name].set(value)

    async def keep_pouring(self) -> None:
        while True:
            await asyncio.sleep(POUR_S)
            self.pour()

    def exposition(self) -> bytes:
        """All processes' metrics in Prometheus' text format."""
        self.pour()
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types here
        return generate_latest(registry)

    def close(self) -> None:
        self.pour()
        mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]  # as above


def _class(code: str) -> str:
    """2xx, 4xx or 5xx, by the error's code; none is a success."""
    return f"{CATALOGUE[code].status // 100}xx" if code else "2xx"


def _taken(tally: Tally[L]) -> Iterable[tuple[L, int]]:
    """What `tally` holds, which it then holds no more."""
    counted = list(tally.items())
    tally.clear()
    return counted


def _pour(tally: Tally[tuple[str]], counter: Counter, label: Callable[[str], str]) -> None:
    for (name,), count in _taken(tally):
        counter.labels(label(name)).inc(count)


def _observe(
    tally: Tally[tuple[str, float]],
    histogram: families.Histogram,
    bounds_ms: tuple[float, ...],
    label: Callable[[str], str],
) -> None:
    seen: dict[str, Tally[float]] = {}
    for (name, took_ms), count in tally.items():
        seen.setdefault(label(name), Tally())[took_ms] += count
    tally.clear()
    for name, durations in seen.items():
        histogram.labels(name).observe_all(durations, bounds_ms)
