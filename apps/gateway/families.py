"""The metrics that /metrics tells, by their names there.

Seconds are seconds, money is whole nano-USD. Labels hold words of ours (doors, codes, classes) and
names of the configuration, which `metrics.Names` bounds; nothing that a caller sends, but for an
old client's app and version, which are bounded too.
"""

from bisect import bisect_left
from collections.abc import Mapping

from prometheus_client import Counter, Gauge
from prometheus_client import Histogram as PlainHistogram

REQUEST_BUCKETS_MS = (
    2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 120000,
)  # fmt: skip
TICK_BUCKETS_MS = (0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000)


class Histogram(PlainHistogram):
    """A histogram in seconds that takes many observations at once: one by one each of them costs
    three microseconds, which is a tenth of what a request may cost."""

    def observe_all(self, seen_ms: Mapping[float, int], bounds_ms: tuple[float, ...]) -> None:
        """`seen_ms` says how often each duration was seen; `bounds_ms` are this one's buckets."""
        counts = [0] * (len(bounds_ms) + 1)
        for took_ms, count in seen_ms.items():
            counts[bisect_left(bounds_ms, took_ms)] += count
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        self._sum.inc(sum(took_ms * count for took_ms, count in seen_ms.items()) / 1000)


def _seconds(bounds_ms: tuple[float, ...]) -> tuple[float, ...]:
    return tuple([bound / 1000 for bound in bounds_ms])


REQUESTS = Counter(
    "routerctl_requests", "Requests by door, route, status, error code and class of HTTP status.",
    ("door", "route", "status", "code", "status_class"),
)  # fmt: skip
REQUEST_DURATION = Histogram(
    "routerctl_request_duration_seconds", "From a request's first byte to its answer's last.",
    ("route",), buckets=_seconds(REQUEST_BUCKETS_MS),
)  # fmt: skip
FIRST_TOKEN = Histogram(
    "routerctl_first_token_seconds", "From a request's first byte to the first token for it.",
    ("route",), buckets=_seconds(REQUEST_BUCKETS_MS),
)  # fmt: skip
ROUTE_COST = Counter(
    "routerctl_route_cost_nano_usd", "Settled cost of requests in nano-USD.", ("route",)
)
FALLBACKS = Counter(
    "routerctl_fallbacks", "Moves to the next deployment, by what the one before did.",
    ("route", "error_class"),
)  # fmt: skip
RETRIES = Counter(
    "routerctl_retries", "Attempts which asked the same deployment again.", ("deployment",)
)
ATTEMPTS = Counter(
    "routerctl_attempts", "Calls to providers by deployment, outcome and error class.",
    ("deployment", "outcome", "error_class"),
)  # fmt: skip
TOKENS = Counter(
    "routerctl_tokens",
    "Tokens by kind. The cached ones are also among input, reasoning is also among output.",
    ("deployment", "kind"),
)
COST = Counter("routerctl_cost_nano_usd", "Settled cost of attempts in nano-USD.", ("deployment",))
HELD = Counter(
    "routerctl_held_nano_usd", "What was held for the attempts that were settled, in nano-USD.",
    ("deployment",),
)  # fmt: skip
RATE_LIMITED = Counter(
    "routerctl_rate_limited", "Requests that came too soon, by rate limit.", ("rate_limit",)
)
LEGACY = Counter(
    "routerctl_legacy_requests", "Requests in which a legacy key's fields were ignored.",
    ("app", "app_version"),
)  # fmt: skip
UNAUTHENTICATED = Counter("routerctl_unauthenticated", "Requests without a valid key.")
TICK_DURATION = Histogram(
    "routerctl_ledger_tick_duration_seconds", "One call of the ledger, for all that it batched.",
    ("call",), buckets=_seconds(TICK_BUCKETS_MS),
)  # fmt: skip


def _sum(name: str, what: str) -> Gauge:
    return Gauge(name, what, multiprocess_mode="livesum")


GAUGES = {
    "in_flight": _sum("routerctl_in_flight", "Requests in flight."),
    "holds": _sum("routerctl_holds", "Requests in flight for which money is held."),
    "queued": _sum("routerctl_ledger_queue", "Attempts that wait for their hold."),
    "unsettled": _sum("routerctl_unsettled", "Settlements waiting for the database."),
    "on_disk": _sum("routerctl_spooled", "Those of them that are on disk until it is back."),
    "books_wrong": Gauge(
        "routerctl_books_wrong", "Contradictions that the last look at caps' windows found.",
        multiprocess_mode="livemax",
    ),
    "ready": _sum("routerctl_ready", "Processes that are ready for requests."),
    "database_away": _sum(
        "routerctl_database_away", "Processes that cannot reach the database just now."
    ),
}  # fmt: skip
