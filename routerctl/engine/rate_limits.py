"""How many requests of whom may come in how short a time: token buckets, as numbers.

A bucket is one whole number, the moment at which it is full again: a request moves that moment on
by `interval_us`, and passes while it is not further ahead of now than `room_us` (the generic cell
rate algorithm). Counting is the gateway's affair; here stands what is counted.
"""

from collections.abc import Iterable

from msgspec import UNSET, Struct

from routerctl.engine.scopes import ScopeIndex, values_of
from routerctl.engine.specs import RateLimitSpec
from routerctl.engine.types import RoutingRequest

PERIODS_US = {"second": 1_000_000, "minute": 60_000_000, "hour": 3_600_000_000}

SCOPES = ("feature", "plan", "tenant", "key", "app")
"""What a limit may name: what is known of a request before anything is decided."""

_DIMENSIONS = {
    "feature": lambda request: request.feature,
    "plan": lambda request: request.plan,
    "tenant": lambda request: request.tenant,
    "key": lambda request: request.key,
    "app": lambda request: request.app,
}


class RateLimit(Struct, frozen=True):
    """A compiled rate limit. `interval_us` is what one request takes of a bucket, `room_us` all
    that a bucket holds; `common_us` the part which is not reserved."""

    position: int
    slug: str
    spec: RateLimitSpec
    interval_us: int
    room_us: int
    common_us: int

    def room_for(self, request: RoutingRequest) -> int:
        """The microseconds of the bucket that `request` may use."""
        reserved = self.spec.reserved
        if reserved is UNSET or request.plan in reserved.plan:
            return self.room_us
        return self.common_us


class Bucket(Struct, frozen=True):
    """What one request takes of one limit: the bucket's `key`, and how far it may go."""

    limit: RateLimit
    key: tuple[str, ...]
    room_us: int


RateLimits = ScopeIndex[RateLimit]


def compile_rate_limits(specs: Iterable[RateLimitSpec]) -> RateLimits:
    return ScopeIndex((_compiled(place, spec) for place, spec in enumerate(specs)), _DIMENSIONS)


def buckets_of(limits: RateLimits, request: RoutingRequest) -> list[Bucket]:
    """The buckets from which `request` takes, in the order of the limits."""
    return [
        Bucket(limit, (limit.slug, *values_of(limit.spec.per, request)), limit.room_for(request))
        for limit in limits.counting(request)
    ]


def requests_for_all(spec: RateLimitSpec) -> int:
    """How many requests a full bucket lets through that have no part in what is reserved."""
    percent = 0 if spec.reserved is UNSET else spec.reserved.percent
    return burst_of(spec) * (100 - percent) // 100


def burst_of(spec: RateLimitSpec) -> int:
    """How many requests a full bucket lets through at once."""
    return spec.limit_requests if spec.burst is UNSET else spec.burst


def _compiled(position: int, spec: RateLimitSpec) -> RateLimit:
    # Rounded up: never more than the limit.
    interval_us = -(-PERIODS_US[spec.period] // spec.limit_requests)
    return RateLimit(
        position=position,
        slug=spec.slug,
        spec=spec,
        interval_us=interval_us,
        room_us=interval_us * burst_of(spec),
        common_us=interval_us * requests_for_all(spec),
    )
