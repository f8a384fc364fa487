"""What the page of one trace says, before any template."""

import msgspec
import pytest
from msgspec.structs import replace

from apps.dashboards.answers import next_step, owner, retry
from apps.dashboards.cost import attempt_cost, trace_cost
from apps.dashboards.facts import facts
from apps.dashboards.reasoning import reasoning
from apps.dashboards.story import FAILED_AS, story
from apps.dashboards.ticket import ticket_summary
from apps.dashboards.trace_page import trace_page
from apps.traces.verdict import verdict
from routerctl.engine.errors import CATALOGUE
from routerctl.engine.types import (
    Candidate,
    Decision,
    Finding,
    GateOutcome,
    Refusal,
    Sensitivity,
    Step,
    TextReading,
    Usual,
)
from routerctl.providers.errors import RULES
from tests.apps.traces.stored import attempt, decision, stored
from tests.browser.gallery import GALLERY, STRONG, answered, degraded, exhausted, gated, secret

URL = "https://router.example.com/t/0199d3a1-7c00-7000-8000-000000000001"


def words(trace):
    return {test.slug: test.sentence for test in reasoning(trace).tests}


def of(values):
    return {fact.label: fact.text for fact in values}


# ------------------------------------------------------------------------- what happened


def test_each_call_has_its_line_its_result_and_its_bars():
    first, second = story(degraded()).calls
    assert (first.result.word, second.result.word) == ("Stalled", "Answered")
    assert [bar.kind for bar in first.bars] == ["waiting", "receiving", "silent"]
    assert first.sentence == (
        "First token after 620 ms. Fell silent in the middle of its answer after 7.8 s."
    )
    assert first.said == "No token came for 6 s."


def test_every_class_of_provider_error_has_its_word():
    assert set(FAILED_AS) == set(RULES)


def test_candidates_that_were_not_called_say_why():
    idle = {one.deployment: one for one in story(answered()).not_called}
    assert idle["anthropic/strong"].sentence == "Could have served, but was not needed."
    assert idle["local/mini"].codes == ("capability_missing", "below_quality_floor")
    assert idle["local/mini"].sentence.endswith("is under the floor of 0.65.")


def test_a_candidate_whose_turn_never_came_says_so():
    trace = stored(
        attempt(error_class="invalid_request"),
        decided=decision(candidates=(Candidate("openai/small", True), STRONG)),
        error_code="invalid_request",
    )
    (idle,) = story(trace).not_called
    assert idle.sentence == "Could have served, but the request ended before its turn."


def test_without_calls_the_story_says_so():
    told = story(gated())
    assert told.summary == "No provider was called. It ended after 4 ms"
    assert told.calls == ()


def test_what_a_dead_process_did_is_not_made_up():
    trace = GALLERY["abandoned"]()
    told = story(trace)
    assert told.summary == "No call on record; what followed is not known"
    assert {one.sentence for one in told.not_called} == {
        "Could have served. Whether it was called is not on record."
    }
    assert {one.result.word for one in reasoning(trace).candidates} == {"Not known"}
    assert trace_cost(trace).estimated
    assert of(facts(trace))["Latency"] == ""
    assert "Not every call is on record" in trace_page(trace, URL, in_full=True)["money_note"]


def test_a_trace_whose_record_was_lost_still_has_its_page():
    nothing = Decision(
        revision="", moment_ms=0, task="", task_source="", sensitivity=Sensitivity.INTERNAL
    )
    trace = stored(decided=nothing, error_code="internal_error", marks=("reduced",))
    told = of(reasoning(trace).facts)
    assert told["Revision"] == ""
    assert "Task" not in told


# ------------------------------------------------------------------------- why


def test_a_gate_that_left_nobody_says_whom_it_turned_away_and_what_then():
    assert words(gated()) == {
        "personal-data-needs-a-dpa": (
            "turned away openai/small and anthropic/strong, which left nobody,"
            " so the request was blocked"
        )
    }


def test_a_gate_that_all_passed_says_so():
    assert words(degraded()) == {"personal-data-needs-a-dpa": "let every candidate pass"}


@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        ("block", "found secret openai key, so the request was stopped"),
        ("redact", "found secret openai key and took it out of the text"),
        ("flag", "found secret openai key and flagged it"),
    ],
)
def test_a_check_says_what_it_found_and_did(do, sentence):
    reading = TextReading(findings=(Finding("no-secrets", do, ("secret:openai_key",)),))
    assert words(stored(reading=reading)) == {"no-secrets": sentence}


@pytest.mark.parametrize("otherwise", ["block", "redact", "downgrade", "local"])
def test_every_way_out_of_a_gate_has_its_words(otherwise):
    trace = stored(decided=decision(gates=(GateOutcome("eu", ("openai/small",), otherwise),)))
    assert words(trace)["eu"].startswith("turned away openai/small, which left nobody, so ")
    assert not words(trace)["eu"].endswith(otherwise)


def test_the_decision_is_told_in_words():
    told = of(reasoning(answered()).facts)
    assert told["Route"] == "chat-free, cheapest first"
    assert told["Rule"] == "Task is chat and plan is free"
    assert told["Task"] == "chat, said by the client"
    assert told["Flags"] == "short-answers was on"
    assert of(reasoning(gated()).facts)["Sensitivity"] == "pii; found in the text: email"


def test_a_request_that_no_route_takes_says_so():
    refused = decision(
        route=None,
        rule="",
        strategy="",
        steps=(),
        candidates=(),
        refusal=Refusal("no_eligible_deployment", "No route matches this request."),
    )
    route = next(iter(reasoning(stored(decided=refused)).facts))
    assert (route.text, route.why_unknown) == ("", "No route matched")


def test_a_candidate_shows_the_result_of_its_last_attempt():
    results = {c.candidate.deployment: c.result.word for c in reasoning(degraded()).candidates}
    assert results == {
        "gemini/fast": "Stalled",
        "openai/small": "Answered",
        "anthropic/strong": "Not needed",
        "local/mini": "Left out",
    }


# ------------------------------------------------------------------------- money


def test_one_estimated_call_makes_the_whole_an_estimate():
    assert trace_cost(degraded()).estimated
    assert not trace_cost(answered()).estimated


def test_without_a_price_the_cost_is_unknown_and_says_whose_price():
    trace = GALLERY["unpriced"]()
    assert trace_cost(trace).nano_usd is None
    assert trace_cost(trace).why_unknown == "mistral/medium had no price then"
    assert attempt_cost(trace.attempts[0]).nano_usd is None


def test_a_call_that_bills_nothing_costs_nothing_even_without_a_price():
    assert attempt_cost(attempt(error_class="connect", usage_source="none")).nano_usd == 0


def test_a_free_model_costs_nothing_and_is_known():
    trace = stored(
        attempt(price_id=7),
        decided=decision(steps=(Step("openai/small", 400, 100, 0, 7),)),
        cost_nano_usd=0,
    )
    assert trace_cost(trace).nano_usd == 0


def test_what_was_held_and_not_spent_is_released():
    page = trace_page(degraded(), URL, in_full=True)
    assert page["released_nano_usd"] == 5_000_000 - 2_992_000
    assert "$0.001979 of it went to calls that brought no answer" in page["money_note"]
    assert trace_page(gated(), URL, in_full=True)["released_nano_usd"] is None


# ------------------------------------------------------------------------- facts and answers


def test_facts_that_say_nothing_are_left_out():
    labels = [fact.label for fact in facts(stored())]
    assert "Residency" not in labels
    assert "Session" not in labels
    assert len(labels) == len(set(labels))


def test_input_is_what_the_provider_counted_or_else_what_was_known_before():
    assert of(facts(answered()))["Input"] == "812 tokens, 512 of it cached"
    assert of(facts(exhausted()))["Input"] == "at most 100 tokens"
    assert of(facts(secret()))["Input"] == "1,140 bytes"


def test_a_tenant_leads_to_its_other_traces():
    tenant = next(fact for fact in facts(answered()) if fact.label == "Tenant")
    assert tenant.query == "tenant=pelican-travel"


def test_failed_providers_are_called_by_their_names():
    trace = exhausted()
    assert owner(trace, verdict(trace)).short == "openai and anthropic"


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_error_has_an_owner_an_answer_on_retries_and_a_next_step(code):
    trace = stored(error_code=code)
    told = verdict(trace)
    assert owner(trace, told).short
    assert retry(trace, told).short == ("Yes" if told.retry_helps else "No")
    assert not next_step(told).startswith("Open the trace")


def test_an_answered_request_needs_no_retry():
    trace = answered()
    assert retry(trace, verdict(trace)).short == "Not needed"
    cut = msgspec.structs.replace(
        trace, outcome=msgspec.structs.replace(trace.outcome, finish_status="length")
    )
    assert retry(cut, verdict(cut)).short == "No"


def test_a_ticket_says_what_happened_in_a_few_lines():
    trace = exhausted()
    lines = ticket_summary(trace, verdict(trace), URL).splitlines()
    assert lines[0] == f"Trace {trace.trace_id}"
    assert "fallback_exhausted" in lines[1]
    assert lines[2] == "tenant pelican-travel, feature support-chat, plan free, app ios 3.2.0"
    assert lines[-1] == URL


def test_who_may_not_read_decisions_is_given_none():
    page = trace_page(exhausted(), URL, in_full=False)
    assert page["verdict"] is None
    assert "reasoning" not in page
    assert verdict(exhausted()).sentence not in page["ticket"]


def test_what_it_was_expected_to_cost_stands_beside_what_it_did():
    trace = answered()
    expected = trace.estimated_nano_usd
    page = trace_page(trace, URL, in_full=False)
    times = trace.outcome.cost_nano_usd / expected
    assert page["estimate"].endswith(f"; it cost {times:.2g} times that")
    assert page["estimated_from"].startswith("The estimate is a guess: the text's length")
    nobody = stored(decided=decision(steps=(), candidates=()), error_code="no_eligible_deployment")
    assert trace_page(nobody, URL, in_full=False)["estimate"] == ""


def test_it_says_what_was_expected_because_of_what_was_usual():
    trace = answered()
    usual = Usual(answers=1240, output_tokens=412)
    told = [
        replace(one, usual=usual) if one.deployment == trace.outcome.deployment else one
        for one in trace.head.decision.candidates
    ]
    decided = replace(trace.head.decision, candidates=tuple(told))
    known = replace(trace, head=replace(trace.head, decision=decided))
    assert trace_page(known, URL, in_full=False)["estimated_from"] == (
        "The estimate is from 1,240 answers to such requests there before: usually 412 tokens of"
        " answer."
    )
