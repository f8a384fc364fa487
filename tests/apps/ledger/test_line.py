"""One connection, however many want it at once."""

import asyncio

from apps.ledger.line import Line
from tests.apps.ledger.stored import Stored

CONNECTIONS = "SELECT pid FROM pg_stat_activity WHERE query = 'PREPARE two AS SELECT 2'"


async def test_of_those_who_open_a_line_at_once_one_connects(dsn: str, stored: Stored) -> None:
    line = Line(dsn, {"two": "AS SELECT 2"}, answer_within_s=5, on_lost=lambda why: None)

    await asyncio.gather(*(line.open() for _ in range(5)))

    assert len(stored.all(CONNECTIONS)) == 1
    assert await asyncio.gather(*(line.call(b"two") for _ in range(3))) == [b"2"] * 3
    line.close()
