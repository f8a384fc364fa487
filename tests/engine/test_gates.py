"""Gates: whom they turn away, and what happens when they leave nobody."""

from typing import Any

import pytest

from routerctl.engine.gates import demand_problems
from routerctl.engine.types import DeploymentHealth, GateOutcome, Sensitivity, TextReading
from tests.engine.builders import (
    ask,
    candidate,
    chain,
    codes,
    deployment,
    gate,
    price,
    provider,
    revision,
    route,
)

PERSONAL = TextReading(sensitivity=Sensitivity.PII, personal_data=("email",))
NEEDS_DPA: dict[str, Any] = {
    "when": {"sensitivity": ("pii", "regulated")},
    "require": {"provider.dpa_signed": True},
}


@pytest.mark.parametrize(
    ("demand", "message"),
    [
        (
            {"require": {"provider.dpa_signed": True}},
            "Gate gate: provider.dpa_signed must be true, and here it is false.",
        ),
        (
            {"require": {"region": ("eu", "ch")}},
            "Gate gate: region must be eu or ch, and here it is us.",
        ),
        (
            {"require": {"deployment": "b"}},
            "Gate gate: deployment must be b, and here it is a.",
        ),
        (
            {"require": {"capability": "logprobs"}},
            "Gate gate: capability must be logprobs, and here it is tools.",
        ),
        ({"forbid": {"region": "us"}}, "Gate gate: region must not be us."),
        ({"forbid": {"provider.trains": True}}, "Gate gate: provider.trains must not be true."),
        (
            {"require": {"region": "eu"}, "forbid": {"deployment": ("a", "x")}},
            "Gate gate: region must be eu, and here it is us and deployment must not be a or x.",
        ),
    ],
)
def test_a_gate_says_what_it_asks_and_what_it_found(demand: dict[str, Any], message: str) -> None:
    revised = revision(
        route("a"),
        deployments=(deployment("a", capabilities=("tools",)),),
        providers=(provider(trains=True),),
        gates=(gate(**demand),),
    )
    reason = candidate(ask(revised), "a").reasons[0]
    assert (reason.code, reason.message) == ("gate:gate", message)


@pytest.mark.parametrize(
    "demand",
    [
        {"require": {"provider.dpa_signed": True, "provider.trains": False}},
        {"require": {"provider.tier": ("gold", "silver")}},
        {"require": {"region": "eu"}},
        {"require": {"capability": ("tools", "images")}},
        {"forbid": {"provider.trains": True}},
        {"forbid": {"region": ("us", "cn")}},
        {"forbid": {"capability": "images"}},
    ],
)
def test_who_meets_every_demand_passes(demand: dict[str, Any]) -> None:
    revised = revision(
        route("a"),
        deployments=(deployment("a", region="eu", capabilities=("tools",)),),
        providers=(provider(dpa_signed=True, tier="gold"),),
        gates=(gate(**demand),),
    )
    assert chain(ask(revised)) == ["a"]


def test_a_gate_applies_only_when_its_conditions_hold() -> None:
    revised = revision(route("a"), gates=(gate(when={"plan": "free"}, require={"region": "eu"}),))
    assert chain(ask(revised, plan="pro")) == ["a"]
    assert ask(revised, plan="pro").gates == ()
    assert ask(revised, plan="free").gates == (GateOutcome("gate", ("a",), "block"),)


def test_gates_apply_to_every_fallback() -> None:
    revised = revision(
        route("a", fallback=("b", "c")),
        deployments=(deployment("a", region="eu"), deployment("c", region="eu")),
        gates=(gate(require={"region": "eu"}),),
    )
    decision = ask(revised)
    assert chain(decision) == ["a", "c"]
    assert codes(decision, "b") == ["gate:gate"]


def test_every_gate_that_bars_a_candidate_is_named() -> None:
    revised = revision(
        route("a"),
        gates=(gate("one", require={"region": "eu"}), gate("two", forbid={"deployment": "a"})),
    )
    assert codes(ask(revised), "a") == ["gate:one", "gate:two"]


def test_block_refuses_and_names_the_gate() -> None:
    revised = revision(
        route("a"), gates=(gate("eu", when={"residency": "eu"}, require={"region": "eu"}),)
    )
    refusal = ask(revised, residency="eu").refusal
    assert refusal is not None
    assert refusal.code == "policy_blocked"
    assert refusal.message == (
        "Gate eu left no deployment of route main that may see this request (residency is eu)."
    )


def test_when_the_others_left_for_other_reasons_a_gate_is_still_what_emptied_the_list() -> None:
    revised = revision(
        route("a", "b"),
        deployments=(deployment("b", region="eu", enabled=False),),
        gates=(gate(require={"region": "eu"}),),
    )
    refusal = ask(revised).refusal
    assert refusal is not None
    assert refusal.code == "policy_blocked"


def test_when_nobody_would_remain_without_gates_they_are_not_blamed() -> None:
    revised = revision(
        route("a", "b"),
        deployments=(deployment("a", capabilities=()), deployment("b", enabled=False)),
        gates=(gate(require={"region": "eu"}),),
    )
    decision = ask(revised, needs=("tools",))
    assert decision.refusal is not None
    assert decision.refusal.code == "no_eligible_deployment"
    assert decision.refusal.message == (
        "Nobody on route main can serve: a (capability_missing) and b (disabled)."
    )
    assert codes(decision, "a") == ["gate:gate", "capability_missing"]


# --------------------------------------------------------------------------- redact


def test_redact_takes_personal_data_out_and_decides_as_the_client_declared() -> None:
    revised = revision(route("a"), gates=(gate("dpa", **NEEDS_DPA, otherwise="redact"),))
    decision = ask(revised, PERSONAL)
    assert chain(decision) == ["a"]
    assert decision.redact == ("personal_data",)
    assert decision.sensitivity is Sensitivity.INTERNAL
    assert decision.gates == (GateOutcome("dpa", ("a",), "redact"),)
    assert [one.deployment for one in decision.before_redaction] == ["a"]
    assert decision.reason == (
        "Gate dpa had personal data taken out of the text. a is the first choice of route main."
    )


def test_redact_cannot_help_what_the_client_itself_declared() -> None:
    revised = revision(route("a"), gates=(gate("dpa", **NEEDS_DPA, otherwise="redact"),))
    decision = ask(revised, PERSONAL, sensitivity=Sensitivity.PII)
    assert decision.refusal is not None
    assert decision.refusal.code == "policy_blocked"
    assert decision.redact == ()


def test_redact_without_personal_data_in_the_text_blocks() -> None:
    revised = revision(route("a"), gates=(gate("dpa", **NEEDS_DPA, otherwise="redact"),))
    decision = ask(revised, sensitivity=Sensitivity.REGULATED)
    assert decision.refusal is not None
    assert decision.refusal.code == "policy_blocked"
    assert decision.before_redaction == ()


def test_redact_that_does_not_help_blocks_and_takes_nothing_out() -> None:
    revised = revision(
        route("a"),
        gates=(gate("dpa", **NEEDS_DPA, otherwise="redact"), gate("eu", require={"region": "eu"})),
        deployments=(deployment("b", region="eu"),),
    )
    decision = ask(revised, PERSONAL)
    assert decision.refusal is not None
    assert decision.refusal.code == "policy_blocked"
    assert decision.refusal.message.startswith(
        "Gate dpa left nobody, and taking personal data out did not help: gate eu left"
    )
    assert (decision.redact, decision.sensitivity) == ((), Sensitivity.PII)


def test_redact_may_lead_to_another_route() -> None:
    careful = route("a", slug="careful", when={"sensitivity": "pii"})
    revised = revision(careful, route("b"), gates=(gate("dpa", **NEEDS_DPA, otherwise="redact"),))
    decision = ask(revised, PERSONAL)
    assert (decision.route, chain(decision)) == ("main", ["b"])


# --------------------------------------------------------------------------- downgrade, local


def test_downgrade_asks_the_cheapest_deployment_that_passes_every_gate() -> None:
    revised = revision(
        route("a"),
        deployments=(
            deployment("a", quality={"default": 900}),
            deployment("dear", region="eu", prices=(price(5, 5),)),
            deployment("cheap", region="eu", prices=(price(1, 1),), quality={}),
            deployment("off", region="eu", prices=(price(0, 0),), enabled=False),
            deployment("barred", region="eu", prices=(price(0, 0),)),
        ),
        gates=(
            gate("eu", require={"region": "eu"}, otherwise="downgrade"),
            gate("no", forbid={"deployment": "barred"}),
        ),
    )
    decision = ask(revised, feature="search")
    assert chain(decision) == ["cheap", "dear"]
    assert decision.gates[0].otherwise == "downgrade"
    assert codes(decision, "barred") == ["gate:no"]
    assert decision.reason == (
        "Gate eu left nobody on the route, so the cheapest deployment that passes every gate"
        " answers: cheap."
    )


def test_downgrade_still_needs_the_capabilities_the_window_and_the_ceiling() -> None:
    revised = revision(
        route("a"),
        deployments=(
            deployment("mute", region="eu", capabilities=()),
            deployment("small", region="eu", context_window=100),
            deployment("dear", region="eu", prices=(price(500, 500),)),
        ),
        gates=(gate("eu", require={"region": "eu"}, otherwise="downgrade"),),
    )
    decision = ask(revised, needs=("tools",), max_cost_nano_usd=10**7)
    assert decision.refusal is not None
    assert decision.refusal.code == "policy_blocked"
    assert codes(decision, "mute") == ["capability_missing"]
    assert codes(decision, "small") == ["context_window"]
    assert codes(decision, "dear") == ["over_cost_ceiling"]


def test_local_asks_only_deployments_of_local_providers() -> None:
    revised = revision(
        route("a"),
        deployments=(
            deployment("hosted", region="eu", prices=(price(0, 0),)),
            deployment("ours", "home", region="eu"),
            deployment("ours-abroad", "home", region="us"),
        ),
        providers=(provider(), provider("home", local=True)),
        gates=(gate("eu", require={"region": "eu"}, otherwise="local"),),
    )
    decision = ask(revised)
    assert chain(decision) == ["ours"]
    assert "cheapest local deployment" in decision.reason
    assert [one.deployment for one in decision.candidates] == ["a", "ours", "ours-abroad"]


def test_local_blocks_when_no_local_deployment_passes() -> None:
    revised = revision(
        route("a"),
        deployments=(deployment("ours", "home"),),
        providers=(provider(), provider("home", local=True)),
        gates=(gate("eu", require={"region": "eu"}, otherwise="local"),),
    )
    decision = ask(revised)
    assert decision.refusal is not None
    assert decision.refusal.code == "policy_blocked"


def test_an_unhealthy_deployment_is_no_way_out() -> None:
    revised = revision(
        route("a"),
        deployments=(deployment("b", region="eu"),),
        gates=(gate("eu", require={"region": "eu"}, otherwise="downgrade"),),
    )
    assert chain(ask(revised)) == ["b"]
    assert chain(ask(revised, health={"b": DeploymentHealth(available=False)})) == []


def test_the_gate_that_alone_is_in_the_way_says_what_happens() -> None:
    revised = revision(
        route("a", "b"),
        deployments=(deployment("b", region="eu"), deployment("c", "other", region="eu")),
        providers=(provider(), provider("other", dpa_signed=True)),
        gates=(
            gate("eu", require={"region": "eu"}),
            gate("dpa", require={"provider.dpa_signed": True}, otherwise="downgrade"),
        ),
    )
    # Without the gate eu nobody would remain either: the other one is what stands in the way.
    assert chain(ask(revised)) == ["c"]


@pytest.mark.parametrize(
    ("demands", "path", "part"),
    [
        ({"provider": True}, "require.provider", "unknown"),
        ({"provider.": True}, "require.provider.", "unknown"),
        ({"colour": "red"}, "require.colour", "provider.ATTRIBUTE"),
        ({"capability": "flight"}, "require.capability", "flight is no capability"),
        ({"capability": ["tools", "flight"]}, "require.capability", "flight"),
    ],
)
def test_a_wrong_demand_is_told_with_its_path(
    demands: dict[str, object], path: str, part: str
) -> None:
    found = list(demand_problems(demands, "require"))
    assert [where for where, _ in found] == [path]
    assert part in found[0][1]


def test_right_demands_have_no_problems() -> None:
    right = {"provider.dpa": True, "region": "eu", "deployment": ["a"], "capability": "tools"}
    assert list(demand_problems(right, "require")) == []
