import pytest

from apps.traces.verdict import _FAILED_AS, verdict
from routerctl.engine.errors import CATALOGUE
from routerctl.engine.types import (
    Candidate,
    Finding,
    GateOutcome,
    Reason,
    RoutingRequest,
    Sensitivity,
    TextReading,
)
from routerctl.providers.errors import RULES
from tests.apps.traces.stored import attempt, decision, stored


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_error_code_has_a_whole_verdict_even_when_nothing_else_is_known(code: str) -> None:
    told = verdict(stored(error_code=code))
    assert told.code == code
    assert told.sentence[0].isupper()
    assert told.sentence.endswith(".")
    assert "None" not in told.sentence
    assert told.owner
    assert told.next_step
    assert told.customer_text


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_verdict_keeps_the_catalogues_owner_and_advice(code: str) -> None:
    told, kind = verdict(stored(error_code=code)), CATALOGUE[code]
    assert (told.owner, told.retry_helps) == (kind.owner, kind.retry_helps)
    assert (told.next_step, told.customer_text) == (kind.next_step, kind.customer_text)


def test_every_class_of_provider_error_has_words() -> None:
    assert set(_FAILED_AS) == set(RULES)


def test_a_success_says_who_answered_how_fast_and_for_how_much() -> None:
    told = verdict(stored(attempt()))
    assert told.code == "succeeded"
    assert told.sentence == (
        "openai/small (provider openai) answered in 1.2 s for $0.000042, chosen by route chat."
    )
    assert (told.owner, told.retry_helps) == ("nobody", False)


@pytest.mark.parametrize("code", [None, "provider_error"])
def test_a_repeated_request_names_the_first(code: str | None) -> None:
    told = verdict(stored(marks=("repeats:0199-first",), error_code=code))
    assert told.code == (code or "succeeded")
    assert "answer to request 0199-first was given again" in told.sentence


def test_an_estimated_cost_is_called_an_estimate() -> None:
    told = verdict(stored(attempt(), usage_source="estimated"))
    assert "for an estimated $0.000042" in told.sentence


def test_a_retry_of_the_same_deployment_is_told_but_not_called_degraded() -> None:
    told = verdict(stored(attempt(error_class="server"), attempt(2)))
    assert told.code == "succeeded"
    assert "answered when asked again" in told.sentence


def test_a_cut_off_answer_says_after_how_many_tokens_and_whose_turn_it_is() -> None:
    told = verdict(stored(attempt(), finish_status="length", output_tokens=400))
    assert "cut off after 400 output tokens" in told.sentence
    assert told.owner == "client"


def test_a_model_that_declined_is_not_sold_as_an_answer() -> None:
    told = verdict(stored(attempt(), finish_status="refused"))
    assert "declined to answer" in told.sentence
    assert told.customer_text == CATALOGUE["content_refused"].customer_text


def test_a_fallback_names_who_failed_why_and_who_answered() -> None:
    trace = stored(
        attempt(error_class="timeout", duration_ms=5000),
        attempt(2, "anthropic/strong"),
        status="degraded",
        degraded_action="fallback",
        deployment="anthropic/strong",
        provider="anthropic",
        latency_ms=6200,
    )
    told = verdict(trace)
    assert told.code == "degraded"
    assert told.sentence == (
        "openai/small (provider openai) did not answer in time after 5.0 s, so anthropic/strong"
        " (provider anthropic) answered in 6.2 s for $0.000042, chosen by route chat."
    )


def test_another_degradation_is_told_in_its_own_words() -> None:
    message = "The daily cap is used up; a cheaper model answered"
    told = verdict(stored(attempt(), status="degraded", degraded_action="cheaper",
                          degraded_message=message))  # fmt: skip
    assert told.sentence.startswith(f"{message}. openai/small (provider openai) answered")


def test_a_failed_chain_lists_every_deployment_once_with_what_ended_it() -> None:
    trace = stored(
        attempt(1, error_class="server", http_status=500),
        attempt(2, error_class="overloaded", http_status=503),
        attempt(3, "local/mini", error_class="connect", duration_ms=40),
        error_code="fallback_exhausted",
    )
    assert verdict(trace).sentence == (
        "All 3 attempts failed: openai/small (provider openai) was overloaded after 1.2 s"
        " (HTTP 503) and local/mini (provider local) could not be reached after 40 ms."
    )


def test_rejected_credentials_name_the_provider() -> None:
    trace = stored(attempt(error_class="auth", http_status=401), error_code="provider_auth")
    told = verdict(trace)
    assert "openai/small (provider openai) rejected our credentials" in told.sentence
    assert told.owner == "engineering"


def test_a_gate_that_left_nobody_is_named_with_whom_it_turned_away_and_why() -> None:
    trace = stored(
        error_code="policy_blocked",
        request=RoutingRequest(residency="eu"),
        reading=TextReading(personal_data=("email",)),
        decided=decision(
            sensitivity=Sensitivity.PII,
            steps=(),
            gates=(
                GateOutcome("personal-data-needs-a-dpa", ("openai/small",)),
                GateOutcome("europe-stays-in-europe", ("openai/small", "anthropic/strong")),
                GateOutcome("silent", ()),
            ),
        ),
    )
    assert verdict(trace).sentence == (
        "This request counts as pii (email found in its text) and must stay in eu. Gate"
        " personal-data-needs-a-dpa turned away openai/small and gate europe-stays-in-europe"
        " turned away openai/small and anthropic/strong. No deployment was left."
    )


def test_a_check_that_blocked_is_named_with_what_it_found_and_never_the_text() -> None:
    trace = stored(
        error_code="safety_blocked",
        reading=TextReading(
            findings=(
                Finding("no-secrets", "block", ("secret:openai_key",)),
                Finding("tone", "flag", ("phrase",)),
            )
        ),
    )
    assert verdict(trace).sentence == (
        "Check no-secrets found secret openai key in the text, so no provider was called."
    )


def test_nobody_eligible_says_why_for_each_candidate() -> None:
    trace = stored(
        error_code="no_eligible_deployment",
        decided=decision(
            steps=(),
            candidates=(
                Candidate("openai/small", False, reasons=(Reason("disabled", "It is off."),)),
                Candidate("local/mini", False, reasons=(Reason("context_window", "Too small."),)),
            ),
        ),
    )
    assert verdict(trace).sentence == (
        "No deployment of route chat could serve this. openai/small: It is off;"
        " local/mini: Too small."
    )


def test_a_request_without_a_route_says_that_none_matched() -> None:
    trace = stored(
        error_code="no_eligible_deployment",
        error_message="no route matches this request",
        decided=decision(route=None, steps=(), candidates=()),
    )
    assert verdict(trace).sentence.endswith("No route matches this request.")


def test_a_disabled_route_is_named() -> None:
    assert "Route chat is switched off" in verdict(stored(error_code="route_disabled")).sentence


def test_a_client_that_left_is_told_what_it_had_cost_until_then() -> None:
    trace = stored(
        attempt(outcome="cancelled"), error_code="client_disconnected", usage_source="estimated"
    )
    assert verdict(trace).sentence == (
        "The client went away after 1.2 s, while openai/small (provider openai) was answering;"
        " an estimated $0.000042 is counted as spent."
    )


def test_an_abandoned_request_says_what_is_counted_as_spent() -> None:
    told = verdict(stored(error_code="abandoned", cost_nano_usd=250_000))
    assert "$0.000250, the most it can have cost" in told.sentence


def test_a_verdict_never_repeats_a_vendors_own_text() -> None:
    trace = stored(
        attempt(error_class="invalid_request", error_message="bad prompt: my secret diary"),
        error_code="invalid_request",
    )
    assert "diary" not in str(verdict(trace))
