"""Whether a request comes too soon after the others, and what its caller is told of it."""

from msgspec import Struct

from apps.gateway.buckets import Taken, share_of
from apps.gateway.surroundings import Buckets
from routerctl.engine.errors import RouterError
from routerctl.engine.rate_limits import Bucket, RateLimits, buckets_of
from routerctl.engine.sentences import all_of
from routerctl.engine.specs import RateLimitSpec
from routerctl.engine.types import RoutingRequest

Headers = list[tuple[bytes, bytes]]

HEADERS = (b"ratelimit-limit", b"ratelimit-remaining", b"ratelimit-reset")


class Rate(Struct, frozen=True):
    """How a request stands to one of its limits: `limit` requests at once, of which `remaining`
    are left, and all of them again in `reset_s`; `wait_s` is 0 for one that passed."""

    spec: RateLimitSpec
    limit: int
    remaining: int
    reset_s: int
    wait_s: int

    def headers(self) -> Headers:
        """For the answer: those of the IETF's draft that clients know (RateLimit-*)."""
        values = (self.limit, self.remaining, self.reset_s)
        return [(name, b"%d" % value) for name, value in zip(HEADERS, values, strict=True)]


async def rate_of(buckets: Buckets, limits: RateLimits, request: RoutingRequest) -> Rate | None:
    """Count `request`; the limit that leaves it the least, None when nothing limits it. A request
    that passes one limit and not another takes of neither."""
    wanted = buckets_of(limits, request)
    if not wanted:
        return None
    taken = await buckets.take(wanted)
    rates = [_rate(bucket, place, taken) for place, bucket in enumerate(wanted)]
    return max(rates, key=lambda rate: (rate.wait_s, -rate.remaining))


def too_soon(rate: Rate) -> RouterError:
    """What its caller is told when `rate` lets it wait."""
    spec = rate.spec
    an = "an" if spec.period == "hour" else "a"
    whom = f" for each {all_of(spec.per)}" if spec.per else ""
    message = f"Rate limit {spec.slug}: {spec.limit_requests} requests {an} {spec.period}{whom}."
    details = {
        "rate_limit": spec.slug,
        "limit_requests": spec.limit_requests,
        "period": spec.period,
        "per": list(spec.per),
    }
    return RouterError("rate_limited", message, details=details, retry_after_s=rate.wait_s)


def _rate(bucket: Bucket, place: int, taken: Taken) -> Rate:
    interval_us, room_us = share_of(bucket, taken.share)
    ahead_us = taken.ahead_us[place]
    over_us = max(ahead_us - room_us, 0)
    if not taken.fits:
        ahead_us -= interval_us  # it was not counted
    return Rate(
        spec=bucket.limit.spec,
        limit=room_us // interval_us,
        remaining=max(room_us - ahead_us, 0) // interval_us,
        reset_s=_seconds(ahead_us),
        wait_s=_seconds(over_us),
    )


def _seconds(us: int) -> int:
    return -(-us // 1_000_000)
