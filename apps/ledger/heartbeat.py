"""What each serving process says of itself, every few seconds, on Valkey or Redis: who it is, what
it runs, what it has yet to store. For people to read, and as advice to each other: which
deployments fail elsewhere, and by how many a rate limit is shared while Valkey is away. Losing all
of it loses nothing.

The beats of all processes are the fields of one hash. A process that ends takes its own away; one
that was killed leaves its last, which tells since when it is silent until the next process to
start clears it away.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog
from msgspec import Struct
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

BEAT_S = 5.0
SILENT_MS = 15_000
"""Who was not heard for so long does not live, or cannot reach Valkey."""
_FORGOTTEN_MS = 3_600_000
_PATIENCE_S = 1.0
_HASH = "routerctl:processes"


class Trouble(Struct, frozen=True):
    """Something that went wrong in a process and did not end it."""

    at_ms: int
    why: str


class Beat(Struct, frozen=True):
    """What a process says. `worker` is its name in the ledger; `revision` is the number and hash
    that it decides by, None until it has loaded one; `pending` counts settlements not stored yet,
    `in_flight` requests under way. Moments are milliseconds since the epoch."""

    worker: str
    role: str
    host: str
    pid: int
    started_ms: int
    at_ms: int
    revision: tuple[int, str] | None
    ledger_open: bool
    pending: int
    in_flight: int
    trouble: Trouble | None = None
    resting: tuple[str, ...] = ()
    """The deployments that it leaves alone just now."""

    def is_silent(self, now_ms: int) -> bool:
        return now_ms - self.at_ms > SILENT_MS


class Heart:
    """Beats until it is cancelled; lives in the process's loop."""

    def __init__(
        self,
        redis_url: str,
        tell: Callable[[], Beat],
        hear: Callable[[Sequence[Beat]], None] = lambda _others: None,
    ) -> None:
        """`tell` is asked for the own beat; `hear` is given those of the others that live."""
        self._redis = AsyncRedis.from_url(
            redis_url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S
        )
        self._tell = tell
        self._hear = hear
        self._heard = True
        self.company = 1
        """How many processes lived when Valkey was heard last, this one included."""

    async def run(self) -> None:
        await self._tried(self._clear_away)
        while True:
            await self._tried(self._beat)
            await asyncio.sleep(BEAT_S)

    async def stop(self) -> None:
        """Take the own beat away, and hang up."""
        with contextlib.suppress(RedisError, OSError):
            await self._redis.hdel(_HASH, self._tell().worker)
        with contextlib.suppress(RedisError, OSError):
            await self._redis.aclose()

    async def _beat(self) -> None:
        beat = self._tell()
        await self._redis.hset(_HASH, beat.worker, msgspec.json.encode(beat))
        known = map(_read, (await self._redis.hvals(_HASH)))
        living = [one for one in known if one is not None and not one.is_silent(beat.at_ms)]
        self.company = len(living) or 1
        self._hear([one for one in living if one.worker != beat.worker])

    async def _clear_away(self) -> None:
        now_ms = time.time_ns() // 1_000_000
        for name, text in (await self._redis.hgetall(_HASH)).items():
            beat = _read(text)
            if beat is None or now_ms - beat.at_ms > _FORGOTTEN_MS:
                await self._redis.hdel(_HASH, name)

    async def _tried(self, errand: Callable[[], Awaitable[None]]) -> None:
        """Without Valkey nobody is told, once."""
        try:
            await errand()
            self._heard = True
        except (RedisError, OSError) as error:
            if self._heard:
                log.warning("heartbeat_away", why=str(error))
            self._heard = False


def beats(redis: Redis) -> list[Beat]:
    """The last of every process that is known. Raises RedisError when Valkey is away."""
    found = (_read(text) for text in redis.hgetall(_HASH).values())
    return [beat for beat in found if beat is not None]


def _read(text: bytes | str) -> Beat | None:
    """None for what another version of the program wrote."""
    try:
        return msgspec.json.decode(text, type=Beat)
    except msgspec.DecodeError:
        return None
