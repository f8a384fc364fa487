"""What the gateway hands to the ledger: a test names only what matters to it."""

from typing import Any

import msgspec

from apps.ledger.ids import moment_of, trace_id
from apps.ledger.records import (
    AttemptRecord,
    Claim,
    Hold,
    IdempotencyKey,
    Outcome,
    Refused,
    Settlement,
    TraceHead,
)
from routerctl.engine.types import (
    Candidate,
    Decision,
    RoutingRequest,
    Sensitivity,
    Step,
    TextReading,
)

REQUEST = RoutingRequest(tenant="acme", feature="support-chat", plan="free", key="abcd1234")


def decision(**facts: Any) -> Decision:
    """Route `chat` chose openai/small."""
    usual: dict[str, Any] = {
        "revision": "c0ffee",
        "moment_ms": 1,
        "task": "chat",
        "task_source": "client",
        "sensitivity": Sensitivity.INTERNAL,
        "route": "chat",
        "steps": (Step("openai/small", 400, 100, 250_000),),
        "candidates": (Candidate("openai/small", True),),
    }
    return Decision(**usual | facts)


def head(id_: str = "", **facts: Any) -> TraceHead:
    """What is known of a request when it is admitted."""
    id_ = id_ or trace_id()
    usual: dict[str, Any] = {
        "started_at_ms": moment_of(id_),
        "door": "native",
        "request": REQUEST,
        "reading": TextReading(),
        "decision": decision(),
    }
    return TraceHead(trace_id=id_, **usual | facts)


def hold(
    known: TraceHead, n: int = 1, *, amount: int = 250_000, key: IdempotencyKey | None = None
) -> Hold:
    """Room for attempt `n` of the request that `known` is the head of."""
    return Hold(
        trace_id=known.trace_id,
        n=n,
        claims=(Claim(amount),),
        head=msgspec.Raw(msgspec.json.encode(known)),
        idempotency=key,
    )


def attempt(n: int = 1, **facts: Any) -> AttemptRecord:
    """An attempt that openai/small answered."""
    usual: dict[str, Any] = {
        "deployment": "openai/small",
        "provider": "openai",
        "model": "gpt-4o-mini-2024-07-18",
        "started_ms": 2,
        "duration_ms": 800,
        "outcome": "succeeded",
        "cost_nano_usd": 42_000,
        "held_nano_usd": 250_000,
    }
    return AttemptRecord(n=n, **usual | facts)


def outcome(**facts: Any) -> Outcome:
    """It succeeded."""
    usual: dict[str, Any] = {
        "status": "succeeded",
        "finish_status": "stop",
        "http_status": 200,
        "deployment": "openai/small",
        "provider": "openai",
        "model": "gpt-4o-mini-2024-07-18",
        "latency_ms": 812,
        "cost_nano_usd": 42_000,
        "held_nano_usd": 250_000,
        "usage_source": "provider",
    }
    return Outcome(**usual | facts)


def settlement(known: TraceHead, *attempts: AttemptRecord, n: int = 1, **facts: Any) -> Settlement:
    """The end of the request that `known` is the head of."""
    return Settlement(
        trace_id=known.trace_id, n=n, head=known, outcome=outcome(**facts), attempts=attempts
    )


def refused(known: TraceHead | None = None, code: str = "policy_blocked") -> Refused:
    """The end of a request that was not admitted."""
    return Refused(
        head=known or head(),
        outcome=Outcome(
            status="blocked", finish_status="blocked", http_status=403, error_code=code
        ),
    )
