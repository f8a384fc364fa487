"""What the caller of a request sees of it: headers, the answer's frame, safety flags, as far as the
key may know them."""

from typing import TYPE_CHECKING

from apps.gateway import outcome as outcomes
from apps.gateway.exchange import HeaderList
from apps.ledger.records import Outcome
from routerctl.engine.errors import RouterError
from routerctl.providers.types import Answer, Embeddings
from routerctl.wire.types import Degraded, Result

if TYPE_CHECKING:
    from apps.gateway.flow import Flow


def flags_of(flow: "Flow") -> tuple[str, ...]:
    """The safety flags: what checks found, by check and kind, never the text; and caps that
    warn."""
    warned = flow.decision.caps if flow.decision else ()
    return (
        *(
            f"{finding.check}:{kind}"
            for finding in flow.reading.findings
            for kind in finding.kinds or (finding.do,)
        ),
        *(f"cap_warning:{use.cap}" for use in warned if "warn" in use.did),
    )


def request_id_of(flow: "Flow") -> bytes:
    """The caller's own name for the request, or the trace's id."""
    return (flow.exchange.headers.get("x-request-id", "")[:128] or flow.trace_id).encode("latin-1")


def headers_of(
    flow: "Flow", outcome: Outcome | None, content_type: bytes = b"application/json"
) -> HeaderList:
    """The headers of every answer; X-Route as the key may know it. No `outcome`: it is not
    known yet whether the answer will be degraded."""
    headers = [
        (b"content-type", content_type),
        (b"x-trace-id", flow.trace_id.encode()),
        (b"x-policy-revision", flow.snapshot.revision.hash.encode()),
    ]
    headers.append((b"x-request-id", request_id_of(flow)))
    if flow.door.name == "anthropic":
        headers.append((b"request-id", flow.trace_id.encode()))  # what its SDK shows
    if flow.key.disclose != "none" and flow.decision and flow.decision.route:
        headers.append((b"x-route", flow.decision.route.encode()))
    if flow.rate is not None:
        headers += flow.rate.headers()
    if outcome is not None and outcome.degraded_action:
        headers.append((b"x-degraded", outcome.degraded_action.encode()))
    return headers


def result_of(
    flow: "Flow",
    outcome: Outcome,
    *,
    answer: Answer | None = None,
    embeddings: Embeddings | None = None,
    error: RouterError | None = None,
) -> Result:
    """`outcome` as far as the key may know it."""
    disclose = flow.key.disclose
    named = disclose == "deployment"
    route = flow.decision.route if flow.decision and disclose != "none" else None
    call = flow.call
    return Result(
        trace_id=flow.trace_id,
        created_s=flow.started_ms // 1000,
        status=outcome.status,
        finish_status=outcome.finish_status,
        answer=answer,
        embeddings=embeddings,
        usage=outcomes.usage_of(outcome),
        safety_flags=outcome.safety_flags,
        degraded=_degraded(outcome),
        route=route,
        provider=outcome.provider if named else None,
        model=outcome.deployment if named else None,
        echo_model=(outcome.deployment if named else None)
        or route
        or (call.echo_model if call else "auto"),
        error=error,
    )


def _degraded(outcome: Outcome) -> Degraded | None:
    if outcome.degraded_action is None:
        return None
    return Degraded(
        outcome.degraded_reason or "", outcome.degraded_action, outcome.degraded_message
    )
