"""Stored traces to judge: a test names only what matters to it."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from apps.ledger.records import AttemptRecord, Outcome, TraceHead
from apps.traces.values import StoredTrace
from routerctl.engine.types import (
    Candidate,
    Decision,
    RoutingRequest,
    Sensitivity,
    Step,
    TextReading,
)

TRACE_ID = "0199d3a1-7c00-7000-8000-000000000001"


def trace_id_at(moment_ms: int, n: int = 0) -> str:
    """The n-th id of a moment."""
    return str(UUID(int=(moment_ms << 80) + (7 << 76) + (2 << 62) + n))


def keep(*traces: StoredTrace) -> None:
    """Write `traces` through the ledger's own function, as if the tick had brought them."""
    batch = [
        {"trace_id": t.trace_id, "head": t.head, "outcome": t.outcome, "attempts": t.attempts}
        for t in traces
    ]
    days = [_day(trace) for trace in traces]
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_partitions(%s, %s)", [min(days), max(days)])
        cursor.execute("SELECT ledger_refuse(%s)", [msgspec.json.encode(batch).decode()])


def _day(trace: StoredTrace) -> date:
    return datetime.fromtimestamp((UUID(trace.trace_id).int >> 80) / 1000, UTC).date()


def attempt(n: int = 1, deployment: str = "openai/small", **facts: Any) -> AttemptRecord:
    """An attempt that succeeded, or failed as soon as it has an `error_class`."""
    ended = "failed" if "error_class" in facts else "succeeded"
    defaults: dict[str, Any] = {
        "provider": deployment.split("/")[0],
        "model": f"{deployment}-2026",
        "started_ms": 0,
        "duration_ms": 1200,
        "outcome": ended,
    }
    return AttemptRecord(n=n, deployment=deployment, **defaults | facts)


def decision(**facts: Any) -> Decision:
    """Route `chat` chose openai/small."""
    defaults: dict[str, Any] = {
        "revision": "c0ffee",
        "moment_ms": 1_760_000_000_000,
        "task": "chat",
        "task_source": "client",
        "sensitivity": Sensitivity.INTERNAL,
        "route": "chat",
        "rule": "task is chat",
        "strategy": "priority",
        "reason": "It is the first of the route's candidates.",
        "steps": (Step("openai/small", 400, 100, 250_000),),
        "candidates": (Candidate("openai/small", True, estimated_nano_usd=42_000),),
    }
    return Decision(**defaults | facts)


def stored(
    *attempts: AttemptRecord,
    decided: Decision | None = None,
    reading: TextReading | None = None,
    request: RoutingRequest | None = None,
    trace_id: str = TRACE_ID,
    **outcome: Any,
) -> StoredTrace:
    """A trace that succeeded with openai/small, unless `outcome` says otherwise."""
    defaults: dict[str, Any] = {
        "status": "succeeded",
        "finish_status": "stop",
        "http_status": 200,
        "deployment": "openai/small",
        "provider": "openai",
        "model": "gpt-4o-mini-2024-07-18",
        "usage_source": "provider",
        "latency_ms": 1234,
        "cost_nano_usd": 42_000,
    }
    if outcome.get("error_code"):
        defaults |= {"status": "failed", "finish_status": "error"}
        defaults |= {"deployment": None, "provider": None, "model": None}
    return StoredTrace(
        TraceHead(
            trace_id=trace_id,
            started_at_ms=1_760_000_000_000,
            door="native",
            request=request or RoutingRequest(tenant="acme", feature="support-chat", plan="free"),
            reading=reading or TextReading(),
            decision=decided or decision(),
        ),
        Outcome(**defaults | outcome),
        attempts,
    )
