"""One bad row never harms the others of its batch, and still leaves a trace itself."""

import asyncio

import msgspec

from apps.ledger.batcher import Ledger
from apps.ledger.records import Claim, Hold, TraceHead
from routerctl.engine.errors import RouterError
from routerctl.engine.types import RoutingRequest
from tests.apps.ledger import made
from tests.apps.ledger.stored import Stored


def _asking(**facts: object) -> TraceHead:
    return made.head(request=RoutingRequest(**facts))  # type: ignore[arg-type]


async def _serve(ledger: Ledger, *heads: TraceHead) -> None:
    await asyncio.gather(*(ledger.reserve(made.hold(known)) for known in heads))
    for known in heads:
        ledger.settle(made.settlement(known, made.attempt()))
    assert await ledger.drain(10)


async def test_nul_characters_are_replaced(ledger: Ledger, stored: Stored) -> None:
    known = _asking(user="u\0ser", metadata={"ti\0cket": "T\0-88"})

    await ledger.reserve(made.hold(known))
    ledger.settle(
        made.settlement(
            known, made.attempt(error_message="a\0b"), error_message="\0", marks=("\0",)
        )
    )
    await ledger.drain(5)

    trace = stored.trace(known.trace_id)
    assert (trace["user"], trace["error_message"]) == ("u\ufffdser", "\ufffd")
    assert trace["head"]["request"]["metadata"] == {"ti\ufffdcket": "T\ufffd-88"}
    assert stored.attempts(known.trace_id)[0]["error_message"] == "a\ufffdb"


async def test_lone_surrogates_are_replaced(ledger: Ledger, stored: Stored) -> None:
    known = made.head()
    await ledger.reserve(made.hold(known))
    ledger.settle(made.settlement(known, error_message="half \ud83d of a smile"))
    ledger.refuse(made.refused(lone := _asking(tenant="\udc00")))
    await ledger.drain(5)

    assert stored.trace(known.trace_id)["error_message"].startswith("half \ufffd")
    assert stored.trace(lone.trace_id)["tenant"].startswith("\ufffd")


async def test_an_escaped_lone_surrogate_in_an_encoded_head_is_refused_alone(
    ledger: Ledger, stored: Stored
) -> None:
    good = [made.head() for _ in range(20)]
    bad = made.hold(made.head())
    raw = msgspec.Raw(bytes(bad.head).replace(b'"acme"', rb'"\ud800"'))
    bad = msgspec.structs.replace(bad, head=raw)

    results = await asyncio.gather(
        ledger.reserve(bad), _serve(ledger, *good), return_exceptions=True
    )

    assert isinstance(results[0], RouterError)
    assert results[0].code == "internal_error"
    assert stored.traces() == {known.trace_id for known in good}


async def test_huge_text_is_cut(ledger: Ledger, stored: Stored) -> None:
    known = _asking(tenant="t" * 1_000_000)

    await ledger.reserve(made.hold(known))
    ledger.settle(made.settlement(known, error_message="x" * 3_000_000))
    await ledger.drain(5)

    trace = stored.trace(known.trace_id)
    assert len(trace["tenant"]) < 5000
    assert len(trace["error_message"]) < 5000


async def test_a_number_too_large_costs_its_own_row_the_details_only(
    ledger: Ledger, stored: Stored
) -> None:
    heads = [made.head() for _ in range(40)]
    for known in heads:
        await ledger.reserve(made.hold(known))
    for known in heads:
        cost = 2**70 if known is heads[13] else 42
        ledger.settle(made.settlement(known, made.attempt(), cost_nano_usd=cost))
    assert await ledger.drain(10)

    assert stored.traces() == {known.trace_id for known in heads}
    reduced = stored.trace(heads[13].trace_id)
    assert (reduced["status"], reduced["marks"]) == ("succeeded", ["reduced"])
    assert reduced["tenant"] == "acme"
    assert stored.trace(heads[12].trace_id)["cost_nano_usd"] == 42
    assert stored.holds() == []


async def test_a_head_that_makes_no_trace_is_replaced_by_an_empty_one(
    ledger: Ledger, stored: Stored
) -> None:
    impossible = made.head(started_at_ms=2**62)
    good = made.head()

    await _serve(ledger, impossible, good)

    reduced = stored.trace(impossible.trace_id)
    assert (reduced["status"], reduced["tenant"]) == ("succeeded", None)
    assert msgspec.convert(reduced["head"], TraceHead).trace_id == impossible.trace_id
    assert stored.trace(good.trace_id)["tenant"] == "acme"
    assert stored.holds() == []


async def test_a_refusal_that_cannot_be_stored_whole_is_stored_reduced(
    ledger: Ledger, stored: Stored
) -> None:
    impossible = made.head(started_at_ms=2**62)

    ledger.refuse(made.refused(impossible, code="safety_blocked"))
    assert await ledger.drain(5)

    trace = stored.trace(impossible.trace_id)
    assert (trace["status"], trace["error_code"]) == ("blocked", "safety_blocked")


async def test_a_hold_that_is_no_hold_is_refused_alone(ledger: Ledger, stored: Stored) -> None:
    known = made.head()
    negative = made.hold(made.head(), amount=-1)
    nameless = Hold(trace_id="nonsense", n=1, claims=(Claim(1),), head=msgspec.Raw(b"{}"))

    results = await asyncio.gather(
        ledger.reserve(negative),
        ledger.reserve(made.hold(known)),
        ledger.reserve(nameless),
        return_exceptions=True,
    )

    assert [getattr(result, "code", None) for result in results] == [
        "internal_error", None, "internal_error",
    ]  # fmt: skip
    assert [id_ for id_, _, _ in stored.holds()] == [known.trace_id]
