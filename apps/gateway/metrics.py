"""Counters of this process, and the sum over all processes for /metrics.

A request touches plain integers only. Once a second, and when somebody asks, they are poured
into prometheus_client's files, which add up whatever number of processes there is.
"""

import asyncio
import os
from collections import Counter as Tally
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

L = TypeVar("L", bound=tuple[str, ...])

POUR_S = 1.0
MOST_OLD_CLIENTS = 500
"""Clients name their app and version themselves: beyond so many the rest counts as one."""
OTHER = ("other", "other")
BUCKETS_MS = (2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 120000)

_REQUESTS = Counter(
    "routerctl_requests", "Requests by door, route, status and error code.",
    ("door", "route", "status", "code"),
)  # fmt: skip
_ATTEMPTS = Counter(
    "routerctl_attempts", "Calls to providers by deployment, outcome and error class.",
    ("deployment", "outcome", "error_class"),
)  # fmt: skip
_TOKENS = Counter(
    "routerctl_tokens", "Tokens by deployment and direction.", ("deployment", "direction")
)
_COST = Counter("routerctl_cost_nano_usd", "Settled cost in nano-USD.", ("deployment",))
_LATENCY = Histogram(
    "routerctl_request_duration_ms", "From the request's first byte to its answer's last, in ms.",
    ("door",), buckets=BUCKETS_MS,
)  # fmt: skip
_LEGACY = Counter(
    "routerctl_legacy_requests", "Requests in which a legacy key's fields were ignored.",
    ("app", "app_version"),
)  # fmt: skip
_UNAUTHENTICATED = Counter("routerctl_unauthenticated", "Requests without a valid key.")
_PENDING = Gauge(
    "routerctl_unsettled", "Settlements waiting for the database.", multiprocess_mode="livesum"
)
_BOOKS_WRONG = Gauge(
    "routerctl_books_wrong", "Contradictions that the last look at caps' windows found.",
    multiprocess_mode="livemax",
)  # fmt: skip
_IN_FLIGHT = Gauge("routerctl_in_flight", "Requests in flight.", multiprocess_mode="livesum")


class Metrics:
    """What this process has counted since it last poured."""

    def __init__(self) -> None:
        self.requests: Tally[tuple[str, str, str, str]] = Tally()
        self.attempts: Tally[tuple[str, str, str]] = Tally()
        self.tokens: Tally[tuple[str, str]] = Tally()
        self.cost: Tally[tuple[str]] = Tally()
        self.latency: Tally[tuple[str, int]] = Tally()
        self.legacy: Tally[tuple[str, str]] = Tally()
        self._old_clients: set[tuple[str, str]] = set()
        self.unauthenticated = 0
        self.in_flight = 0
        self.pending = 0
        self.books_wrong = 0

    def count_legacy(self, app: str, app_version: str) -> None:
        """A request in which a legacy key's fields were ignored."""
        client = (app, app_version)
        if client not in self._old_clients:
            if len(self._old_clients) < MOST_OLD_CLIENTS:
                self._old_clients.add(client)
            else:
                client = OTHER
        self.legacy[client] += 1

    def pour(self) -> None:
        """Hand over what was counted."""
        _pour(self.requests, _REQUESTS)
        _pour(self.attempts, _ATTEMPTS)
        _pour(self.tokens, _TOKENS)
        _pour(self.cost, _COST)
        _pour(self.legacy, _LEGACY)
        for (door, took_ms), count in self.latency.items():
            observe = _LATENCY.labels(door).observe
            for _ in range(count):
                observe(took_ms)
        self.latency.clear()
        _UNAUTHENTICATED.inc(self.unauthenticated)
        self.unauthenticated = 0
        _IN_FLIGHT.set(self.in_flight)
        _PENDING.set(self.pending)
        _BOOKS_WRONG.set(self.books_wrong)

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


def _pour(tally: Tally[L], counter: Counter) -> None:
    for labels, count in tally.items():
        counter.labels(*labels).inc(count)
    tally.clear()
