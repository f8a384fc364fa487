"""Where rate limits are counted: on Valkey, for all processes together; in each process by its
share while Valkey is away.

A bucket is the moment, in microseconds, at which it is full again (`engine.rate_limits` says how).
A request takes of all its buckets or of none. All of it may be lost: then every bucket is full.
"""

import time
from collections.abc import Callable, Sequence
from hashlib import blake2b

import structlog
from msgspec import Struct
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from routerctl.engine.rate_limits import Bucket

log = structlog.get_logger(__name__)

PATIENCE_S = 0.1
"""How long a request waits for Valkey before its process counts alone."""
AWAY_US = 1_000_000
"""For how long nobody asks Valkey after it did not answer."""
_MOST_CONNECTIONS = 16
_MOST_LOCAL = 100_000

_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ahead, fits = {}, 1
for i, key in ipairs(KEYS) do
  local full_at = math.max(tonumber(redis.call('GET', key) or 0), now)
  ahead[i] = full_at - now + tonumber(ARGV[2 * i - 1])
  if ahead[i] > tonumber(ARGV[2 * i]) then fits = 0 end
end
if fits == 1 then
  for i, key in ipairs(KEYS) do
    local full_at = string.format('%.0f', now + ahead[i])
    redis.call('SET', key, full_at, 'PX', math.ceil(ahead[i] / 1000) + 1000)
  end
end
table.insert(ahead, 1, fits)
return ahead
"""


class Taken(Struct, frozen=True):
    """Whether a request passed its buckets. `ahead_us` says of each how far it is, or would be,
    from full with this request; `share` by how many processes a limit was divided."""

    fits: bool
    ahead_us: tuple[int, ...]
    share: int = 1


class LocalBuckets:
    """Buckets of this process alone, by its own clock."""

    def __init__(self, epoch_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self._epoch_us = epoch_us
        self._full_at: dict[tuple[str, ...], int] = {}

    async def take(self, buckets: Sequence[Bucket]) -> Taken:
        return self.take_share(buckets, 1)

    def take_share(self, buckets: Sequence[Bucket], processes: int) -> Taken:
        """Take as one of so many processes, each of which lets an equal part through, and at least
        one request."""
        now = self._epoch_us()
        ahead, fits = [], True
        for bucket in buckets:
            interval, room = share_of(bucket, processes)
            ahead.append(max(self._full_at.get(bucket.key, 0) - now, 0) + interval)
            fits = fits and ahead[-1] <= room
        if fits:
            self._forget(now)
            for bucket, far in zip(buckets, ahead, strict=True):
                self._full_at[bucket.key] = now + far
        return Taken(fits, tuple(ahead), processes)

    def _forget(self, now: int) -> None:
        if len(self._full_at) >= _MOST_LOCAL:
            self._full_at = {key: at for key, at in self._full_at.items() if at > now}


def share_of(bucket: Bucket, processes: int) -> tuple[int, int]:
    """The interval and the room of a bucket for one of so many processes."""
    requests = bucket.room_us // bucket.limit.interval_us
    interval_us = bucket.limit.interval_us * processes
    return interval_us, interval_us * max(1, requests // processes)


class SharedBuckets:
    """Buckets on Valkey. `processes` says how many count on the same one."""

    def __init__(self, redis_url: str, processes: Callable[[], int]) -> None:
        pool = BlockingConnectionPool.from_url(
            redis_url,
            max_connections=_MOST_CONNECTIONS,
            timeout=PATIENCE_S,
            socket_timeout=PATIENCE_S,
            socket_connect_timeout=PATIENCE_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=pool)
        self._script = self._redis.register_script(_TAKE)
        self._processes = processes
        self._local = LocalBuckets()
        self._ask_again_us = 0

    async def take(self, buckets: Sequence[Bucket]) -> Taken:
        if time.monotonic_ns() // 1000 >= self._ask_again_us:
            try:
                return await self._asked(buckets)
            except (RedisError, OSError) as error:
                self._ask_again_us = time.monotonic_ns() // 1000 + AWAY_US
                log.warning("rate_limits_by_share", why=str(error) or type(error).__name__)
        return self._local.take_share(buckets, max(1, self._processes()))

    async def stop(self) -> None:
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def _asked(self, buckets: Sequence[Bucket]) -> Taken:
        amounts = [n for bucket in buckets for n in (bucket.limit.interval_us, bucket.room_us)]
        fits, *ahead = await self._script([_name(bucket.key) for bucket in buckets], amounts)
        return Taken(bool(fits), tuple(ahead))


def _name(key: tuple[str, ...]) -> str:
    """Values come from callers: short whatever they are, and not readable on Valkey."""
    slug, *values = key
    if not values:
        return f"routerctl:rate:{slug}"
    digest = blake2b("\0".join(values).encode("utf-8", "surrogatepass"), digest_size=16)
    return f"routerctl:rate:{slug}:{digest.hexdigest()}"
