"""Answers to clients that do not read."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from apps.gateway import exchange as exchanges
from apps.gateway.exchange import Exchange

Message = MutableMapping[str, Any]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "SLOW_READER_S", 0.5)


def exchange(reads_after_s: float) -> tuple[Exchange, list[Message]]:
    """With a client that takes each piece after so long."""
    taken: list[Message] = []

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(reads_after_s)
        taken.append(message)

    scope = {"method": "POST", "path": "/v1/generate", "headers": []}
    return Exchange(scope, receive, send), taken


async def test_who_takes_nothing_is_gone_and_it_is_said_why() -> None:
    stuck, taken = exchange(60)
    await stuck.write(b"Hello")
    assert (stuck.gone, stuck.slow, taken) == (True, True, [])
    assert "took nothing" in stuck.left().message
    assert stuck.left().code == "client_disconnected"


async def test_who_is_only_slow_is_waited_for() -> None:
    slow, taken = exchange(0.01)
    for _ in range(5):
        await slow.write(b"Hello")
    await slow.finish()
    assert not slow.gone
    assert len(taken) == 6


async def test_a_large_answer_that_nobody_takes_does_not_wait_for_ever() -> None:
    slow, taken = exchange(0.01)
    await slow.whole(200, [], b"a" * 100_000)
    assert (slow.gone, len(taken)) == (False, 2)
    stuck, taken = exchange(60)
    await stuck.whole(200, [], b"a" * 100_000)
    assert (stuck.slow, len(taken)) == (True, 1)


async def test_who_left_by_himself_is_told_of_as_ever() -> None:
    left, _ = exchange(0)
    left.gone = True
    assert "took nothing" not in left.left().message
