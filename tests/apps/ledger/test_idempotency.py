"""A key is used once a day, by whichever process comes first."""

import asyncio

import pytest

from apps.ledger.batcher import Ledger
from apps.ledger.records import IdempotencyKey
from routerctl.engine.errors import RouterError
from tests.apps.ledger import made
from tests.apps.ledger.conftest import MakeLedger
from tests.apps.ledger.stored import Stored

KEY = IdempotencyKey.of("acme", "order-1", b"body")


async def _refusal(ledger: Ledger, key: IdempotencyKey) -> RouterError:
    with pytest.raises(RouterError) as refused:
        await ledger.reserve(made.hold(made.head(), key=key))
    return refused.value


async def test_the_same_request_again_is_told_the_earlier_trace(
    ledger: Ledger, stored: Stored
) -> None:
    first = made.head()
    await ledger.reserve(made.hold(first, key=KEY))

    refused = await _refusal(ledger, KEY)

    assert refused.code == "answer_expired"
    assert refused.details == {"earlier_trace_id": first.trace_id}
    assert [id_ for id_, _, _ in stored.holds()] == [first.trace_id]


async def test_another_request_under_the_same_key_is_a_conflict(
    ledger: Ledger, stored: Stored
) -> None:
    first = made.head()
    await ledger.reserve(made.hold(first, key=KEY))

    refused = await _refusal(ledger, IdempotencyKey.of("acme", "order-1", b"another body"))

    assert refused.code == "idempotency_conflict"
    assert refused.details == {"earlier_trace_id": first.trace_id}


async def test_another_tenant_may_use_the_same_key(ledger: Ledger, stored: Stored) -> None:
    await ledger.reserve(made.hold(made.head(), key=KEY))

    await ledger.reserve(made.hold(made.head(), key=IdempotencyKey.of("other", "order-1", b"body")))

    assert len(stored.holds()) == 2


async def test_a_key_is_free_again_after_a_day(ledger: Ledger, stored: Stored) -> None:
    await ledger.reserve(made.hold(made.head(), key=KEY))
    stored.do("UPDATE ledger_idempotencyrecord SET created_at = now() - interval '25 hours'")

    await ledger.reserve(made.hold(again := made.head(), key=KEY))

    [record] = stored.all("SELECT * FROM ledger_idempotencyrecord")
    assert str(record["trace_id"]) == again.trace_id


async def test_of_many_with_one_key_in_several_processes_one_is_admitted(
    make_ledger: MakeLedger, stored: Stored
) -> None:
    ledgers = [await make_ledger() for _ in range(4)]
    unkeyed = [made.head() for _ in range(20)]

    results = await asyncio.gather(
        *(ledger.reserve(made.hold(made.head(), key=KEY)) for ledger in ledgers for _ in range(10)),
        *(ledgers[0].reserve(made.hold(known)) for known in unkeyed),
        return_exceptions=True,
    )

    codes = [getattr(result, "code", None) for result in results]
    assert codes.count(None) == 1 + len(unkeyed)
    assert codes.count("answer_expired") == 39
    assert len(stored.holds()) == 1 + len(unkeyed)


async def test_a_key_whose_request_was_never_sent_is_free(ledger: Ledger, stored: Stored) -> None:
    stored.do("BEGIN")
    stored.do("SELECT * FROM ledger_workerlease FOR UPDATE")
    task = asyncio.create_task(ledger.reserve(made.hold(made.head(), key=KEY)))
    await asyncio.sleep(0.1)
    task.cancel()
    stored.do("COMMIT")
    await asyncio.sleep(0.1)
    await ledger.drain(5)

    await ledger.reserve(made.hold(made.head(), key=KEY))
