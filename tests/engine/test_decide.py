"""The decision as a whole: routes, refusals, labels, flags."""

import pytest

from routerctl.engine.specs import FlagSpec, Limits
from routerctl.engine.types import Finding, Sensitivity, TextReading
from tests.engine.builders import ask, chain, codes, revision, route


def test_the_first_route_whose_conditions_hold_is_taken() -> None:
    revised = revision(
        route("a", slug="free", when={"plan": "free"}),
        route("b", slug="pro", when={"plan": "pro", "task": "chat"}),
        route("c", slug="rest"),
    )
    assert ask(revised, plan="pro").route == "pro"
    assert ask(revised, plan="pro", task="summary").route == "rest"
    assert ask(revised, plan="pro").rule == "Plan is pro and task is chat"


def test_without_a_matching_route_the_refusal_says_what_was_asked() -> None:
    decision = ask(revision(route("a", when={"plan": "pro"})), plan="free", feature="support")
    assert decision.route is None
    assert decision.candidates == ()
    assert decision.refusal is not None
    assert decision.refusal.code == "no_eligible_deployment"
    assert decision.refusal.message == (
        "No route matches this request: task chat, feature support and plan free."
    )


def test_a_disabled_route_matches_and_refuses() -> None:
    revised = revision(route("a", "b", slug="chat", enabled=False), route("c", slug="rest"))
    decision = ask(revised)
    assert decision.refusal is not None
    assert decision.refusal.code == "route_disabled"
    assert decision.refusal.message == "Route chat is switched off."
    assert codes(decision, "a") == codes(decision, "b") == ["disabled"]


@pytest.mark.parametrize("enabled", [True, False])
def test_a_check_that_blocks_stops_the_request_before_any_candidate(enabled: bool) -> None:
    found = TextReading(findings=(Finding("no-secrets", "block", ("secret:openai_key",)),))
    decision = ask(revision(route("a", enabled=enabled)), found)
    assert decision.refusal is not None
    assert decision.refusal.code == "safety_blocked"
    assert decision.refusal.message == "Check no-secrets found secret:openai_key."
    assert chain(decision) == []
    assert codes(decision, "a") == ["safety_blocked"]


def test_a_check_that_redacts_is_named_for_the_door() -> None:
    found = TextReading(findings=(Finding("mild", "flag"), Finding("names", "redact")))
    decision = ask(revision(route("a")), found)
    assert decision.redact == ("names",)
    assert chain(decision) == ["a"]


def test_a_decision_carries_what_the_route_says_of_execution() -> None:
    limits = Limits(attempts=2, total_ms=9_000)
    decision = ask(revision(route("a", stream_recovery="buffer", limits=limits)))
    assert (decision.limits, decision.stream_recovery) == (limits, "buffer")


# --------------------------------------------------------------------------- labels


def test_a_label_from_the_client_beats_inference() -> None:
    reading = TextReading(task_scores={"coding": 900})
    decision = ask(revision(route("a")), reading, task="summary")
    assert (decision.task, decision.task_source) == ("summary", "client")


def test_an_inferred_task_says_why() -> None:
    reading = TextReading(
        task_scores={"summary": 600, "coding": 800}, task_reason="It asks for a program."
    )
    decision = ask(revision(route("a")), reading)
    assert (decision.task, decision.task_source) == ("coding", "inferred")
    assert decision.task_reason == "It asks for a program."


def test_only_listed_tasks_are_inferred_and_only_when_sure_enough() -> None:
    unlisted = TextReading(task_scores={"translation": 900})
    assert ask(revision(route("a")), unlisted).task == "chat"
    unsure = TextReading(task_scores={"coding": 499})
    assert ask(revision(route("a")), unsure).task_source == "default"


def test_without_a_label_it_is_chat_if_listed_and_else_the_first() -> None:
    assert ask(revision(route("a"))).task == "chat"
    assert ask(revision(route("a"), tasks=("coding", "summary"))).task == "coding"


@pytest.mark.parametrize(
    ("declared", "detected", "expected"),
    [
        ("internal", "public", "internal"),
        ("internal", "pii", "pii"),
        ("regulated", "pii", "regulated"),
        ("public", "public", "public"),
    ],
)
def test_sensitivity_is_the_higher_of_declared_and_detected(
    declared: str, detected: str, expected: str
) -> None:
    reading = TextReading(sensitivity=Sensitivity(detected))
    decision = ask(revision(route("a")), reading, sensitivity=Sensitivity(declared))
    assert decision.sensitivity is Sensitivity(expected)


# --------------------------------------------------------------------------- flags


def test_a_flag_sends_its_share_of_tenants_the_other_way_and_sticks_to_them() -> None:
    flag = FlagSpec("beta", enabled=True, percent=30, sticky_by="tenant")
    revised = revision(
        route("new", slug="new", when={"flag": "beta"}), route("old", slug="old"), flags=(flag,)
    )
    taken = [ask(revised, tenant=f"t{n}", draw=f"x{n}").route for n in range(1_000)]
    assert 250 < taken.count("new") < 350
    again = [ask(revised, tenant=f"t{n}", draw=f"y{n}").route for n in range(1_000)]
    assert taken == again


def test_a_flags_state_and_draw_stand_in_the_decision() -> None:
    flag = FlagSpec("beta", enabled=True, percent=30)
    revised = revision(
        route("a", slug="new", when={"flag": "beta"}), route("a", slug="old"), flags=(flag,)
    )
    decision = ask(revised, tenant="acme")
    assert decision.flags == {"beta": decision.draws["flag:beta"] < 3_000}


def test_a_flag_nobody_looks_at_is_not_drawn() -> None:
    revised = revision(route("a"), flags=(FlagSpec("idle", enabled=True, percent=50),))
    assert (ask(revised).flags, ask(revised).draws) == ({}, {})


def test_a_request_without_the_subject_draws_for_itself() -> None:
    flag = FlagSpec("beta", enabled=True, percent=50, sticky_by="user")
    revised = revision(route("a", when={"flag": "beta"}), flags=(flag,))
    states = {ask(revised, draw=f"x{n}").flags["beta"] for n in range(50)}
    assert states == {True, False}


@pytest.mark.parametrize(
    ("flag", "on"),
    [
        (FlagSpec("f", enabled=False, percent=100), False),
        (FlagSpec("f", enabled=True, percent=0), False),
        (FlagSpec("f", enabled=True, percent=100), True),
    ],
)
def test_a_flag_for_all_or_nobody_needs_no_draw(flag: FlagSpec, on: bool) -> None:
    decision = ask(revision(route("a", when={"flag": "f"}), flags=(flag,)))
    assert (decision.flags, decision.draws) == ({"f": on}, {})
