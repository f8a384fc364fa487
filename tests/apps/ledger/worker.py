"""A process that serves requests: holds, "calls the provider" (a line in a file), settles.

    python -m tests.apps.ledger.worker DSN LEASE_S REQUESTS_PER_SECOND CALLS_FILE

Every third request falls back once. Ends when its standard input does; tests kill it.
"""

import asyncio
import contextlib
import os
import random
import sys

from apps.ledger.batcher import Ledger
from apps.ledger.records import TraceHead
from routerctl.engine.errors import RouterError
from tests.apps.ledger import made


async def _serve(ledger: Ledger, known: TraceHead, calls: int) -> None:
    with contextlib.suppress(RouterError):
        await ledger.reserve(made.hold(known))
        os.write(calls, f"{known.trace_id}\n".encode())
        await asyncio.sleep(random.expovariate(20))
        n = 1
        if random.random() < 1 / 3:
            await ledger.advance(made.hold(known, 2), made.attempt(1, outcome="failed"))
            n = 2
            await asyncio.sleep(random.expovariate(20))
        ledger.settle(made.settlement(known, made.attempt(n), n=n))


async def _main(dsn: str, lease_s: float, rate: float, path: str) -> None:
    calls = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    ledger = Ledger(dsn, lease_s=lease_s)
    await ledger.start()
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    serving: set[asyncio.Task[None]] = set()
    while not ended.done():
        task = asyncio.create_task(_serve(ledger, made.head(), calls))
        serving.add(task)
        task.add_done_callback(serving.discard)
        await asyncio.sleep(random.expovariate(rate))
    await asyncio.gather(*serving)
    await ledger.drain(10)
    await ledger.stop()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
