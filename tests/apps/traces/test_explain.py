import io

import pytest
from django.core.management import CommandError, call_command

from apps.traces.explain import explain
from routerctl.engine.types import Candidate, GateOutcome, Reason, Step, Usual
from tests.apps.traces.stored import TRACE_ID, attempt, decision, keep, stored


def test_explain_tells_the_verdict_every_candidate_and_every_attempt() -> None:
    trace = stored(
        attempt(1, error_class="overloaded", http_status=503, provider_request_id="req_7"),
        attempt(2, "anthropic/strong"),
        status="degraded",
        degraded_action="fallback",
        deployment="anthropic/strong",
        provider="anthropic",
        decided=decision(
            gates=(GateOutcome("europe-stays-in-europe", ("local/mini",)),),
            steps=(
                Step("openai/small", 400, 100, 250_000),
                Step("anthropic/strong", 400, 100, 9_000_000),
            ),
            candidates=(
                Candidate("openai/small", True, 734, estimated_nano_usd=42_000, usual=Usual(1_240)),
                Candidate("anthropic/strong", True, 512, estimated_nano_usd=9_000_000),
                Candidate(
                    "local/mini",
                    False,
                    reasons=(Reason("gate:europe-stays-in-europe", "Its region is us."),),
                ),
            ),
        ),
    )
    text = explain(trace)
    for line in (
        f"Trace {TRACE_ID}: degraded",
        "  Whose it is:       nobody",
        "Decision under revision c0ffee",
        "  Route:       chat (strategy priority)",
        "  Because:     task is chat",
        "  Gate:        europe-stays-in-europe turned away local/mini",
        "    openai/small: chosen, score 0.734, estimated $0.000042 (from 1,240 answers)",
        "    anthropic/strong: fallback 1, score 0.512, estimated $0.009000 (guessed by length)",
        "    local/mini: left",
        "      gate:europe-stays-in-europe: Its region is us.",
    ):
        assert line in text.splitlines()
    assert text.splitlines()[-2:] == [
        (
            "  1. openai/small (provider openai, model openai/small-2026)"
            " was overloaded after 1.2 s (HTTP 503), its reference req_7; $0.000000"
        ),
        (
            "  2. anthropic/strong (provider anthropic, model anthropic/strong-2026)"
            " answered in 1.2 s; $0.000000"
        ),
    ]


def test_explain_says_when_no_provider_was_called() -> None:
    text = explain(stored(error_code="auth_failed", decided=decision(route=None, candidates=())))
    assert "Attempts: none, no provider was called" in text
    assert "none were considered" in text


@pytest.mark.django_db
def test_the_command_prints_the_explanation_of_a_stored_trace() -> None:
    trace = stored(attempt())
    keep(trace)
    out = io.StringIO()
    call_command("explain", TRACE_ID.replace("-", ""), stdout=out)
    assert out.getvalue() == explain(trace) + "\n"


@pytest.mark.django_db
def test_the_command_says_when_there_is_no_such_trace() -> None:
    with pytest.raises(CommandError, match="There is no trace"):
        call_command("explain", TRACE_ID)
