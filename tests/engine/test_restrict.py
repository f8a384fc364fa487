"""Why a candidate leaves, each reason in a sentence."""

from typing import Any

import pytest

from routerctl.engine.specs import FeatureSpec, Limits, PromptSpec, TokenOverhead
from routerctl.engine.types import DeploymentHealth
from tests.engine.builders import (
    NOW_MS,
    ask,
    candidate,
    chain,
    codes,
    deployment,
    price,
    revision,
    route,
)


def test_a_deployment_without_tools_leaves_a_request_that_has_some() -> None:
    revised = revision(route("plain", "able"), deployments=(deployment("plain", capabilities=()),))
    decision = ask(revised, needs=("tools",))
    assert chain(decision) == ["able"]
    assert codes(decision, "plain") == ["capability_missing"]
    assert "needs tools" in candidate(decision, "plain").reasons[0].message


def test_a_stream_needs_a_deployment_that_streams() -> None:
    revised = revision(route("mute", "able"), deployments=(deployment("mute", capabilities=()),))
    assert chain(ask(revised, stream=True)) == ["able"]
    assert chain(ask(revised)) == ["mute", "able"]


def test_a_switched_off_deployment_leaves() -> None:
    revised = revision(route("off", "on"), deployments=(deployment("off", enabled=False),))
    decision = ask(revised)
    assert chain(decision) == ["on"]
    assert codes(decision, "off") == ["disabled"]


def test_an_unhealthy_deployment_leaves_with_what_its_health_says() -> None:
    sick = DeploymentHealth(available=False, reason="Resting after 5 failures in a row.")
    decision = ask(revision(route("a", "b")), health={"a": sick})
    assert chain(decision) == ["b"]
    assert candidate(decision, "a").reasons[0].message == "Resting after 5 failures in a row."
    assert codes(decision, "a") == ["unhealthy"]


def test_a_long_input_needs_a_model_with_the_window_for_it() -> None:
    revised = revision(
        route("short", "long"), deployments=(deployment("short", context_window=10_000),)
    )
    decision = ask(revised, text_bytes=60_000)
    assert chain(decision) == ["long"]
    assert codes(decision, "short") == ["context_window"]
    assert "about 15000 tokens" in candidate(decision, "short").reasons[0].message


def test_a_limit_on_the_input_turns_a_longer_one_away() -> None:
    revised = revision(route("a", limits=Limits(max_input_tokens=1_000)))
    assert chain(ask(revised, text_bytes=4_000)) == ["a"]
    assert codes(ask(revised, text_bytes=4_001), "a") == ["context_window"]


def test_the_answer_is_lowered_to_what_the_window_leaves() -> None:
    revised = revision(route("a"), deployments=(deployment("a", context_window=2_000),))
    assert ask(revised, text_bytes=4_000).steps[0].max_output_tokens == 1_000


def test_an_answer_of_less_than_256_tokens_is_no_answer() -> None:
    revised = revision(route("a"), deployments=(deployment("a", context_window=2_000),))
    assert ask(revised, text_bytes=4 * 1_744).steps[0].max_output_tokens == 256
    assert codes(ask(revised, text_bytes=4 * 1_745), "a") == ["context_window"]
    assert chain(ask(revised, text_bytes=4 * 1_745, max_output_tokens=100)) == ["a"]


def test_the_features_quality_floor_turns_a_weak_deployment_away() -> None:
    revised = revision(
        route("weak", "strong"), deployments=(deployment("strong", quality={"default": 900}),)
    )
    decision = ask(revised, feature="search")
    assert chain(decision) == ["strong"]
    assert codes(decision, "weak") == ["below_quality_floor"]
    assert candidate(decision, "weak").reasons[0].message == (
        "For chat its quality is 0.70, and the floor is 0.80."
    )


def test_the_higher_floor_of_feature_and_route_counts() -> None:
    revised = revision(
        route("weak", "strong", quality_floor=750),
        deployments=(deployment("strong", quality={"default": 760}),),
        features=(FeatureSpec("search", quality_floor=100),),
    )
    assert chain(ask(revised, feature="search")) == ["strong"]


def test_quality_is_that_of_the_task_before_the_default() -> None:
    uneven = deployment("uneven", quality={"default": 900, "coding": 300})
    revised = revision(route("uneven", quality_floor=500), deployments=(uneven,))
    assert chain(ask(revised, task="chat")) == ["uneven"]
    assert codes(ask(revised, task="coding"), "uneven") == ["below_quality_floor"]


def test_a_deployment_without_a_stated_quality_is_below_any_floor() -> None:
    revised = revision(
        route("unknown", quality_floor=1), deployments=(deployment("unknown", quality={}),)
    )
    message = candidate(ask(revised), "unknown").reasons[0].message
    assert "no quality is stated" in message


def test_a_cost_ceiling_lowers_the_answer_until_it_fits() -> None:
    # 400 bytes at 1 USD and 1 000 tokens at 4 USD per million: 0.0004 + 0.004.
    revised = revision(route("a"))
    step = ask(revised, max_cost_nano_usd=4_400_002).steps[0]
    assert step.max_output_tokens == 1_000
    assert step.cost_bound_nano_usd == 4_400_002


@pytest.mark.parametrize(("asked", "served"), [(None, False), (200, True), (256, False)])
def test_a_ceiling_never_lowers_it_below_256_or_what_was_asked_for(
    asked: int | None, served: bool
) -> None:
    decision = ask(revision(route("a")), max_cost_nano_usd=1_400_000, max_output_tokens=asked)
    assert bool(decision.steps) is served
    if not served:
        assert codes(decision, "a") == ["over_cost_ceiling"]
        assert candidate(decision, "a").reasons[0].message == (
            "It may cost $0.001424002, and the ceiling is $0.0014."
        )


def test_no_ceiling_can_be_kept_without_a_price() -> None:
    revised = revision(route("free", "priced"), deployments=(deployment("free", prices=()),))
    assert chain(ask(revised)) == ["free", "priced"]
    assert codes(ask(revised, max_cost_nano_usd=10**9), "free") == ["over_cost_ceiling"]


def test_a_free_deployment_fits_any_ceiling() -> None:
    revised = revision(route("local"), deployments=(deployment("local", prices=(price(0, 0),)),))
    step = ask(revised, max_cost_nano_usd=0).steps[0]
    assert (step.max_output_tokens, step.cost_bound_nano_usd) == (4_096, 0)


def test_embeddings_go_only_to_a_deployment_that_makes_them_and_never_fall_back() -> None:
    maker: dict[str, Any] = {"capabilities": ("embeddings",)}
    revised = revision(
        route("chatty", "first", "second"),
        deployments=(deployment("first", **maker), deployment("second", **maker)),
    )
    decision = ask(revised, operation="embeddings")
    assert chain(decision) == ["first"]
    assert codes(decision, "chatty") == ["capability_missing"]
    assert candidate(decision, "second").eligible
    assert decision.steps[0].max_output_tokens == 0


def test_a_chat_never_goes_to_a_deployment_that_makes_only_embeddings() -> None:
    revised = revision(
        route("vectors", "chatty"),
        deployments=(deployment("vectors", capabilities=("embeddings",)),),
    )
    assert chain(ask(revised)) == ["chatty"]


def test_the_price_in_force_is_that_of_the_moment() -> None:
    rows = (price(1, 1, id=7), price(9, 9, id=8, starts_at_ms=NOW_MS))
    revised = revision(route("a"), deployments=(deployment("a", prices=rows),))
    assert ask(revised, moment_ms=NOW_MS - 1).steps[0].price_id == 7
    assert ask(revised, moment_ms=NOW_MS).steps[0].price_id == 8
    assert candidate(ask(revised), "a").price_id == 8


def test_the_hold_covers_the_routes_prompt_and_what_the_vendor_adds() -> None:
    overhead = TokenOverhead(per_image=1_000, per_message=10, with_tools=300)
    revised = revision(
        route("a", prompt="strict"),
        deployments=(deployment("a", overhead=overhead),),
        prompts=(PromptSpec("strict", "Grüße."),),
    )
    decision = ask(revised, text_bytes=400, messages=3, images=2, needs=("tools",))
    # The text, the prompt's 8 bytes, four messages with the prompt's, two images, the tools.
    assert decision.steps[0].input_tokens_bound == 400 + 8 + 40 + 2_000 + 300
    assert decision.prompt == "strict"


def test_a_candidate_carries_the_facts_it_was_judged_by() -> None:
    health = DeploymentHealth(latency_ms=300, samples=9)
    one = candidate(ask(revision(route("a")), health={"a": health}), "a")
    # 100 tokens in at 1 USD and the expected 300 out at 4 USD per million.
    assert (one.price_id, one.estimated_nano_usd, one.health) == (1, 1_300_000, health)


def test_who_limits_his_callers_comes_after_all_others_even_fallbacks() -> None:
    busy = DeploymentHealth(saturated=True)
    revised = revision(route("a", "b", fallback=("c",)))
    decision = ask(revised, health={"a": busy})
    assert chain(decision) == ["b", "c", "a"]
    assert "a limited calls just now" in decision.reason
    assert chain(ask(revised, health={"a": busy, "b": busy, "c": busy})) == ["a", "b", "c"]
