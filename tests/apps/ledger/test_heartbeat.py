"""What processes say of themselves, on a real Valkey."""

import asyncio
import os

import pytest
from redis import Redis

from apps.dashboards import clock
from apps.ledger.heartbeat import SILENT_MS, Heart, beats
from routerctl import embedded
from tests.apps.ledger.beats import beat, say

REDIS_URL = os.environ["REDIS_URL"]


@pytest.fixture
def redis():
    embedded.start()
    with Redis.from_url(REDIS_URL) as client:
        client.delete("routerctl:processes")
        yield client
        client.delete("routerctl:processes")


def lived(*tellings, url=REDIS_URL, then=lambda: None):
    """Hearts that beat once, in order; `then` looks before they stop."""

    async def live():
        hearts = [Heart(url, telling) for telling in tellings]
        for heart in hearts:
            task = asyncio.create_task(heart.run())
            await asyncio.sleep(0.05)
            task.cancel()
        then()
        for heart in hearts:
            await heart.stop()

    asyncio.run(live())


def test_every_process_is_heard_until_it_ends(redis):
    heard = []
    first, second = beat("host:1:ab"), beat("host:2:cd", pid=2, in_flight=3)
    lived(lambda: first, lambda: second, then=lambda: heard.extend(beats(redis)))
    assert heard == [first, second]
    assert beats(redis) == []


def test_each_hears_what_the_others_that_live_say(redis):
    say(redis, beat("host:1:ab", resting=("openai/small",)))
    say(redis, beat("host:9:ee", at_ms=clock.now_ms() - SILENT_MS - 1000, resting=("old/one",)))
    heard = []

    async def live():
        task = asyncio.create_task(Heart(REDIS_URL, lambda: beat("host:2:cd"), heard.extend).run())
        await asyncio.sleep(0.05)
        task.cancel()

    asyncio.run(live())
    assert [(one.worker, one.resting) for one in heard] == [("host:1:ab", ("openai/small",))]


def test_a_killed_process_leaves_its_last_beat_which_falls_silent(redis):
    say(redis, beat("host:9:ee"))
    (left,) = beats(redis)
    assert not left.is_silent(left.at_ms + 5_000)
    assert left.is_silent(left.at_ms + 60_000)


def test_who_starts_clears_away_what_is_long_forgotten_and_what_cannot_be_read(redis):
    say(redis, beat("host:9:ee", at_ms=1_760_000_000_000))
    redis.hset("routerctl:processes", "other", b'{"worker": 5}')
    lived(beat)
    assert redis.hgetall("routerctl:processes") == {}


def test_without_valkey_a_process_goes_on_and_says_so_once(caplog, tmp_path):
    lived(beat, url=f"unix://{tmp_path}/nobody.sock?db=0")
    assert caplog.text.count("heartbeat_away") == 1


def test_a_process_knows_how_many_live_beside_it(redis):
    say(redis, beat("host:9:ee"))
    say(redis, beat("host:8:dd", at_ms=clock.now_ms() - SILENT_MS - 1_000))

    async def live():
        heart = Heart(REDIS_URL, beat)
        task = asyncio.create_task(heart.run())
        await asyncio.sleep(0.05)
        task.cancel()
        return heart.company

    assert asyncio.run(live()) == 2
