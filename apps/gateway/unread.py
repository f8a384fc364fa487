"""What stands on the trace of a request that was turned away before it was read, or decided."""

from routerctl.engine.types import Decision, RoutingRequest, Sensitivity
from routerctl.wire.types import KeyFacts


def unread_request(key: KeyFacts, body: bytes, trace_id: str) -> RoutingRequest:
    """All that is known of it: what its key pins, and its size."""
    return RoutingRequest(
        tenant=None if key.tenant == "*" else key.tenant,
        plan=key.plan,
        feature=key.feature,
        app=key.app,
        key=key.prefix,
        text_bytes=len(body),
        draw=trace_id,
    )


def no_decision(revision: str, moment_ms: int) -> Decision:
    """By which revision nothing was decided."""
    return Decision(
        revision=revision,
        moment_ms=moment_ms,
        task="",
        task_source="default",
        sensitivity=Sensitivity.INTERNAL,
    )
