"""Requests worth looking at, one for each thing that a trace's page must tell."""

from collections.abc import Callable

import msgspec

from apps.traces.values import StoredTrace
from routerctl.engine.specs import Limits
from routerctl.engine.types import (
    Candidate,
    Finding,
    GateOutcome,
    Reason,
    Refusal,
    RoutingRequest,
    Sensitivity,
    Step,
    TextReading,
)
from tests.apps.traces.stored import attempt, decision, stored, trace_id_at

GATE = "personal-data-needs-a-dpa"
SMALL = Candidate("openai/small", True, price_id=1, estimated_nano_usd=411_000)
STRONG = Candidate("anthropic/strong", True, price_id=2, estimated_nano_usd=9_111_000)
NO_SCHEMA = Reason("capability_missing", "It cannot answer in the JSON schema that was asked for.")
POOR = Reason("below_quality_floor", "Its quality for chat, 0.55, is under the floor of 0.65.")
LOCAL = Candidate("local/mini", False, reasons=(NO_SCHEMA, POOR))


def asked(**facts: object) -> RoutingRequest:
    defaults: dict[str, object] = {
        "task": "chat",
        "feature": "support-chat",
        "plan": "free",
        "tenant": "pelican-travel",
        "app": "ios",
        "app_version": "3.2.0",
        "key": "k3qfa9zt",
        "text_bytes": 1140,
    }
    return msgspec.convert(defaults | facts, RoutingRequest)


def answered() -> StoredTrace:
    """The cheap model answered at once."""
    call = attempt(
        started_ms=2,
        duration_ms=1316,
        first_token_ms=408,
        http_status=200,
        provider_request_id="req_b81d07e5f2",
        input_tokens=812,
        cached_input_tokens=512,
        output_tokens=186,
        cost_nano_usd=233_000,
        held_nano_usd=411_000,
        price_id=1,
    )
    return stored(
        call,
        request=asked(stream=True),
        decided=decision(
            route="chat-free",
            rule="task is chat and plan is free",
            strategy="cheapest",
            reason="openai/small is the cheapest of 2: about $0.000411.",
            steps=(Step("openai/small", 400, 1140, 411_000, 1),),
            candidates=(SMALL, STRONG, LOCAL),
            flags={"short-answers": True},
        ),
        input_tokens=812,
        cached_input_tokens=512,
        output_tokens=186,
        latency_ms=1320,
        first_token_ms=410,
        cost_nano_usd=233_000,
        held_nano_usd=411_000,
    )


def degraded() -> StoredTrace:
    """The first choice fell silent in the middle, the second answered."""
    stalled = attempt(
        deployment="gemini/fast",
        started_ms=20,
        duration_ms=7850,
        first_token_ms=620,
        error_class="stalled",
        error_message="No token came for 6 s.",
        provider_request_id="gem-9f27c1d0e4",
        input_tokens=4812,
        output_tokens=214,
        usage_source="estimated",
        cost_nano_usd=1_979_000,
        held_nano_usd=3_680_000,
        price_id=3,
    )
    good = attempt(
        2,
        started_ms=7880,
        duration_ms=2760,
        first_token_ms=550,
        http_status=200,
        provider_request_id="req_b81d07e5f2",
        input_tokens=4812,
        output_tokens=486,
        cost_nano_usd=1_013_000,
        held_nano_usd=1_320_000,
        price_id=1,
    )
    fast = Candidate("gemini/fast", True, 790, price_id=3, estimated_nano_usd=1_979_000)
    return stored(
        stalled,
        good,
        request=asked(feature="search-answers", tenant="brightloom", plan="pro", stream=True),
        decided=decision(
            route="search-answers",
            rule="feature is search-answers",
            strategy="score",
            reason="gemini/fast scored 0.79, the best of 3: cost 0.72, latency 0.94, quality 0.78.",
            limits=Limits(stall_ms=6000),
            gates=(GateOutcome(GATE),),
            steps=(
                Step("gemini/fast", 400, 4812, 3_680_000, 3),
                Step("openai/small", 400, 4812, 1_320_000, 1),
            ),
            candidates=(
                fast,
                msgspec.structs.replace(SMALL, score=780),
                msgspec.structs.replace(STRONG, score=570),
                LOCAL,
            ),
        ),
        status="degraded",
        input_tokens=4812,
        output_tokens=486,
        latency_ms=10_640,
        first_token_ms=8_430,
        cost_nano_usd=2_992_000,
        held_nano_usd=5_000_000,
        degraded_reason="stalled",
        degraded_action="fallback",
        degraded_message="The first choice fell silent; another model answered.",
        marks=("dropped:top_p",),
    )


def exhausted() -> StoredTrace:
    """Both providers failed."""
    return stored(
        attempt(
            started_ms=2,
            duration_ms=316,
            error_class="overloaded",
            error_message="The server is overloaded or not ready yet.",
            http_status=503,
            provider_request_id="req_77aa01",
            usage_source="none",
            held_nano_usd=411_000,
        ),
        attempt(
            2,
            "anthropic/strong",
            started_ms=330,
            duration_ms=3000,
            error_class="connect",
            usage_source="none",
            held_nano_usd=9_111_000,
        ),
        request=asked(),
        decided=decision(route="chat-free", strategy="cheapest", candidates=(SMALL, STRONG)),
        error_code="fallback_exhausted",
        http_status=502,
        usage_source="none",
        latency_ms=3_334,
        cost_nano_usd=0,
        held_nano_usd=9_522_000,
    )


def gated() -> StoredTrace:
    """Personal data, and nobody who may see it."""
    unsigned = Reason(f"gate:{GATE}", "Its provider has not signed a DPA.")
    return stored(
        request=asked(task=None),
        reading=TextReading(sensitivity=Sensitivity.PII, personal_data=("email",)),
        decided=decision(
            route="billing",
            rule="the text matches “charged twice”",
            task_source="inferred",
            task_reason="3 signs of chat",
            reason="",
            sensitivity=Sensitivity.PII,
            steps=(),
            gates=(GateOutcome(GATE, ("openai/small", "anthropic/strong"), "block"),),
            candidates=(
                Candidate("openai/small", False, reasons=(unsigned,)),
                Candidate("anthropic/strong", False, reasons=(unsigned,)),
            ),
            refusal=Refusal("policy_blocked", f"Gate {GATE} left nobody."),
        ),
        status="blocked",
        finish_status="blocked",
        error_code="policy_blocked",
        http_status=403,
        usage_source="none",
        latency_ms=4,
        cost_nano_usd=0,
    )


def secret() -> StoredTrace:
    """A check stopped it before any call."""
    found = Finding("no-secrets", "block", ("secret:openai_key",))
    return stored(
        request=asked(),
        reading=TextReading(findings=(found,)),
        decided=decision(route=None, rule="", strategy="", reason="", steps=(), candidates=()),
        status="blocked",
        finish_status="blocked",
        error_code="safety_blocked",
        http_status=403,
        usage_source="none",
        latency_ms=1,
        cost_nano_usd=0,
        safety_flags=("no-secrets:secret:openai_key",),
    )


def unpriced() -> StoredTrace:
    """Nobody had entered a price, so what it cost is not known."""
    call = attempt(deployment="mistral/medium", duration_ms=900, input_tokens=100, output_tokens=40)
    return stored(
        call,
        request=asked(feature="ticket-triage"),
        decided=decision(
            steps=(Step("mistral/medium", 400, 100, 0),),
            candidates=(Candidate("mistral/medium", True),),
        ),
        deployment="mistral/medium",
        provider="mistral",
        input_tokens=100,
        output_tokens=40,
        latency_ms=905,
        cost_nano_usd=0,
    )


def abandoned() -> StoredTrace:
    """The process that handled it died; the reaper wrote its trace."""
    return stored(
        request=asked(),
        decided=decision(route="chat-free", strategy="cheapest", candidates=(SMALL, STRONG)),
        error_code="abandoned",
        http_status=500,
        usage_source="estimated",
        latency_ms=0,
        cost_nano_usd=411_000,
        held_nano_usd=411_000,
    )


GALLERY: dict[str, Callable[[], StoredTrace]] = {
    "answered": answered,
    "degraded": degraded,
    "exhausted": exhausted,
    "gated": gated,
    "secret": secret,
    "unpriced": unpriced,
    "abandoned": abandoned,
}


def at(trace: StoredTrace, moment_ms: int) -> StoredTrace:
    """The same request, made at another moment and so with another id."""
    head = msgspec.structs.replace(
        trace.head, trace_id=trace_id_at(moment_ms), started_at_ms=moment_ms
    )
    return msgspec.structs.replace(trace, head=head)
