"""Trace ids are UUIDv7, unique, and in order."""

import os
import threading
import time
from random import Random
from uuid import RFC_4122, UUID

from apps.ledger.ids import TraceIds, moment_of, trace_id


def test_an_id_is_a_canonical_uuid_of_version_7() -> None:
    made = trace_id()

    parsed = UUID(made)
    assert (str(parsed), parsed.version, parsed.variant) == (made, 7, RFC_4122)


def test_an_id_begins_with_the_moment_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = TraceIds().next()
    assert before <= moment_of(made) <= time.time_ns() // 1_000_000


def test_ids_ascend_and_never_repeat() -> None:
    ids = TraceIds()
    made = [ids.next() for _ in range(100_000)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_threads_never_share_an_id() -> None:
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.extend(trace_id() for _ in range(20_000)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 80_000


def test_a_forked_child_makes_other_ids_than_its_parent() -> None:
    readable, writable = os.pipe()
    if os.fork() == 0:
        os.write(writable, trace_id()[-10:].encode())
        os._exit(0)

    assert os.read(readable, 10).decode() != trace_id()[-10:]
    os.wait()


def test_ids_of_one_clock_and_one_seed_are_the_same_ids() -> None:
    one, same = (TraceIds(lambda: 1_700_000_000_000, Random(7).randbytes) for _ in range(2))

    made = [one.next(), one.next()]
    assert made == [same.next(), same.next()]
    assert {moment_of(trace_id) for trace_id in made} == {1_700_000_000_000}
