"""What processes say of themselves, made up."""

import msgspec
from redis import Redis

from apps.dashboards import clock
from apps.ledger.heartbeat import Beat


def beat(worker: str = "gamma:71:ab", **facts: object) -> Beat:
    """A process that does well and was heard just now."""
    now_ms = clock.now_ms()
    said = {
        "role": "gateway",
        "host": worker.partition(":")[0],
        "pid": int(worker.split(":")[1]),
        "started_ms": now_ms - 3_600_000,
        "at_ms": now_ms,
        "revision": None,
        "ledger_open": True,
        "pending": 12,
        "in_flight": 3,
    }
    return msgspec.convert({"worker": worker, **said, **facts}, Beat)


def say(redis: Redis, one: Beat) -> None:
    redis.hset("routerctl:processes", one.worker, msgspec.json.encode(one))
