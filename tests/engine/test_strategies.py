"""Each strategy: its order, and the sentence that explains it."""

from collections import Counter
from math import sqrt
from typing import Any

from routerctl.engine.revision import Revision
from routerctl.engine.specs import CandidateSpec
from routerctl.engine.types import DeploymentHealth
from tests.engine.builders import (
    ask,
    candidate,
    chain,
    codes,
    deployment,
    price,
    revision,
    route,
)


def timed(latency_ms: int, **others: Any) -> DeploymentHealth:
    return DeploymentHealth(latency_ms=latency_ms, samples=20, **others)


def test_priority_keeps_the_order_of_the_route() -> None:
    decision = ask(revision(route("a", "b", "c")))
    assert chain(decision) == ["a", "b", "c"]
    assert decision.reason == "a is the first choice of route main."


def test_priority_says_who_could_not_serve() -> None:
    revised = revision(route("a", "b"), deployments=(deployment("a", enabled=False),))
    assert ask(revised).reason == "b is the next choice of route main: a could not serve."


def test_fallbacks_follow_the_ranked_candidates_as_written() -> None:
    revised = revision(
        route("dear", "cheap", fallback=("z", "y"), strategy="cheapest"),
        deployments=(deployment("dear", prices=(price(9, 9),)),),
    )
    assert chain(ask(revised)) == ["cheap", "dear", "z", "y"]


def test_a_fallback_serves_when_no_candidate_can() -> None:
    revised = revision(route("a", fallback=("b",)), deployments=(deployment("a", enabled=False),))
    decision = ask(revised)
    assert chain(decision) == ["b"]
    assert decision.reason == ("b is the first fallback: no candidate of route main could serve.")


def test_a_deployment_that_is_candidate_and_fallback_stands_once() -> None:
    assert chain(ask(revision(route("a", "b", fallback=("a", "c"))))) == ["a", "b", "c"]


# --------------------------------------------------------------------------- cheapest


def test_cheapest_ranks_by_estimated_cost_and_puts_unpriced_last() -> None:
    revised = revision(
        route("unpriced", "dear", "cheap", strategy="cheapest"),
        deployments=(
            deployment("unpriced", prices=()),
            deployment("dear", prices=(price(5, 5),)),
            deployment("cheap", prices=(price(1, 1),)),
        ),
    )
    decision = ask(revised)
    assert chain(decision) == ["cheap", "dear", "unpriced"]
    assert decision.reason == "cheap is the cheapest of 3: about $0.0004."


def test_cheapest_looks_at_input_and_output() -> None:
    revised = revision(
        route("cheap-in", "cheap-out", strategy="cheapest"),
        deployments=(
            deployment("cheap-in", prices=(price(1, 20),)),
            deployment("cheap-out", prices=(price(2, 4),)),
        ),
    )
    assert chain(ask(revised, text_bytes=400))[0] == "cheap-out"
    assert chain(ask(revised, text_bytes=400_000))[0] == "cheap-in"


def test_cheapest_without_any_price_keeps_the_order() -> None:
    revised = revision(route("a", strategy="cheapest"), deployments=(deployment("a", prices=()),))
    assert ask(revised).reason == "a comes first: no candidate has a price."


# --------------------------------------------------------------------------- fastest


def test_fastest_ranks_by_the_latency_of_late() -> None:
    revised = revision(route("slow", "quick", strategy="fastest"))
    decision = ask(revised, health={"slow": timed(900), "quick": timed(300)})
    assert chain(decision) == ["quick", "slow"]
    assert decision.reason == "quick was the fastest of 2 of late: 300 ms to the answer."


def test_fastest_looks_at_the_first_token_of_a_stream() -> None:
    revised = revision(route("a", "b", strategy="fastest"))
    health = {"a": timed(300, first_token_ms=200), "b": timed(900, first_token_ms=100)}
    decision = ask(revised, health=health, stream=True)
    assert chain(decision) == ["b", "a"]
    assert decision.reason == "b was the fastest of 2 of late: 100 ms to the first token."


def test_fastest_tries_one_that_nobody_has_called_yet() -> None:
    revised = revision(route("known", "new", strategy="fastest"))
    decision = ask(revised, health={"known": timed(300)})
    assert chain(decision) == ["new", "known"]
    assert decision.reason == "new comes first: its speed is not known yet."


def test_fastest_puts_one_that_only_failed_last() -> None:
    revised = revision(route("failing", "known", strategy="fastest"))
    health = {"failing": DeploymentHealth(error_permille=1000, samples=3), "known": timed(300)}
    assert chain(ask(revised, health=health)) == ["known", "failing"]


def test_fastest_counts_the_calls_that_must_be_made_again() -> None:
    revised = revision(route("flaky", "steady", strategy="fastest"))
    health = {"flaky": timed(300, error_permille=600), "steady": timed(500)}
    assert chain(ask(revised, health=health)) == ["steady", "flaky"]


def test_under_a_latency_limit_the_slow_ones_leave() -> None:
    revised = revision(route("slow", "quick", fallback=("spare",), strategy="fastest"))
    health = {"slow": timed(900), "quick": timed(300), "spare": timed(900)}
    decision = ask(revised, health=health, max_latency_ms=500)
    assert chain(decision) == ["quick", "spare"]
    assert codes(decision, "slow") == ["too_slow"]
    assert candidate(decision, "slow").reasons[0].message == (
        "It took 900 ms of late, and the limit is 500 ms."
    )


def test_a_latency_limit_turns_nobody_away_where_speed_is_not_what_counts() -> None:
    decision = ask(revision(route("slow")), health={"slow": timed(900)}, max_latency_ms=500)
    assert chain(decision) == ["slow"]


# --------------------------------------------------------------------------- weighted


def weighted(*shares: tuple[str, int]) -> list[CandidateSpec]:
    return [CandidateSpec(slug, weight) for slug, weight in shares]


def test_weights_are_kept_within_binomial_bounds() -> None:
    revised = revision(route(*weighted(("a", 70), ("b", 25), ("c", 5)), strategy="weighted"))
    requests = 4_000
    first = Counter(chain(ask(revised, draw=f"trace-{n}"))[0] for n in range(requests))
    for slug, share in (("a", 0.70), ("b", 0.25), ("c", 0.05)):
        deviation = sqrt(requests * share * (1 - share))
        assert abs(first[slug] - requests * share) < 4 * deviation


def test_a_draw_is_recorded_and_the_same_for_the_same_trace() -> None:
    revised = revision(route(*weighted(("a", 1), ("b", 1)), strategy="weighted"))
    decision = ask(revised, draw="trace-7")
    assert decision == ask(revised, draw="trace-7")
    part = decision.draws["weighted:main"]
    assert 0 <= part <= 9_999
    assert chain(decision)[0] == ("a" if part < 5_000 else "b")
    assert decision.reason == f"{chain(decision)[0]} was drawn: it has 1 of 2 parts."


def test_after_the_drawn_one_the_heaviest_follow() -> None:
    shares = weighted(("light", 1), ("mid", 10), ("heavy", 100))
    decision = ask(revision(route(*shares, strategy="weighted")))
    rest = [slug for slug in ("heavy", "mid", "light") if slug != chain(decision)[0]]
    assert chain(decision)[1:] == rest


def test_the_share_of_one_that_left_is_spread_over_the_others() -> None:
    revised = revision(route(*weighted(("a", 90), ("b", 5), ("c", 5)), strategy="weighted"))
    sick = {"a": DeploymentHealth(available=False)}
    first = Counter(chain(ask(revised, draw=f"t{n}", health=sick))[0] for n in range(1_000))
    assert 400 < first["b"] < 600


def test_without_weight_the_order_of_the_route_holds() -> None:
    decision = ask(revision(route(*weighted(("a", 0), ("b", 0)), strategy="weighted")))
    assert chain(decision) == ["a", "b"]
    assert decision.reason == "a comes first: no candidate has weight."


def test_a_candidate_of_weight_nothing_is_never_drawn() -> None:
    revised = revision(route(*weighted(("a", 0), ("b", 1)), strategy="weighted"))
    assert {chain(ask(revised, draw=f"t{n}"))[0] for n in range(200)} == {"b"}


# --------------------------------------------------------------------------- score


def test_score_weighs_cost_latency_and_quality() -> None:
    deployments = (
        deployment("good", quality={"default": 900}, prices=(price(10, 10),)),
        deployment("cheap", quality={"default": 600}, prices=(price(1, 1),)),
    )

    def first(**weights: int) -> str:
        on = route("good", "cheap", strategy="score", weights=weights)
        return chain(ask(revision(on, deployments=deployments)))[0]

    assert first(cost=100, quality=900) == "good"
    assert first(cost=500, quality=500) == "cheap"


def test_score_is_on_every_eligible_candidate_and_explained() -> None:
    revised = revision(
        route("a", "b", strategy="score", weights={"cost": 500, "quality": 500}),
        deployments=(
            deployment("a", prices=(price(4, 4),), quality={"default": 800}),
            deployment("b", prices=(price(1, 1),)),
        ),
    )
    decision = ask(revised)
    assert decision.reason == "b scored 0.725, the best of 2: cost 0.75 and quality 0.70."
    assert (candidate(decision, "a").score, candidate(decision, "b").score) == (400, 725)


def test_score_prefers_the_quicker_and_the_steadier() -> None:
    quick = revision(route("a", "b", strategy="score", weights={"latency": 1}))
    assert chain(ask(quick, health={"a": timed(3_000), "b": timed(500)})) == ["b", "a"]
    steady = revision(route("a", "b", strategy="score", weights={"reliability": 1}))
    assert chain(ask(steady, health={"a": timed(1, error_permille=300)})) == ["b", "a"]


def test_score_takes_an_unknown_latency_for_a_middling_one() -> None:
    revised = revision(route("new", "known", strategy="score", weights={"latency": 1}))
    assert chain(ask(revised, health={"known": timed(100)})) == ["known", "new"]
    assert chain(ask(revised, health={"known": timed(9_000)})) == ["new", "known"]


def test_score_of_an_unpriced_one_has_nothing_for_cost() -> None:
    revised = revision(
        route("unpriced", "priced", strategy="score", weights={"cost": 1}),
        deployments=(
            deployment("unpriced", prices=()),
            deployment("free", prices=(price(0, 0),)),
        ),
    )
    assert candidate(ask(revised), "unpriced").score == 0


def test_score_without_weights_counts_cost_latency_and_quality_alike() -> None:
    decision = ask(revision(route("a", strategy="score")))
    assert decision.reason == (
        "a scored 0.40, the best of 1: cost 0.00, latency 0.50 and quality 0.70."
    )


# --------------------------------------------------------------------------- sticky


def kept(revised: Revision, session: str, **more: Any) -> str:
    return chain(ask(revised, session=session, draw=f"of {session}", **more))[0]


def sticky(**changes: Any) -> Revision:
    shares = weighted(("a", 60), ("b", 30), ("c", 10))
    return revision(route(*shares, strategy="weighted", sticky_by="session", **changes))


def test_a_session_keeps_its_deployment_and_the_shares_stay() -> None:
    revised = sticky()
    first = {f"s{n}": kept(revised, f"s{n}") for n in range(3_000)}
    assert first == {s: chain(ask(revised, session=s, draw="another"))[0] for s in first}
    counts = Counter(first.values())
    assert abs(counts["a"] - 1_800) < 150
    assert abs(counts["c"] - 300) < 80


def test_only_those_move_whose_deployment_rests() -> None:
    revised = sticky()
    resting = {"b": DeploymentHealth(available=False, reason="It rests.")}
    for n in range(500):
        before, now = kept(revised, f"s{n}"), kept(revised, f"s{n}", health=resting)
        assert now == before or before == "b"
        assert now != "b"


def test_who_has_no_session_draws_for_each_request() -> None:
    revised = sticky()
    drawn = {chain(ask(revised, draw=f"request {n}"))[0] for n in range(200)}
    assert drawn == {"a", "b", "c"}
    assert "for this session" in ask(revised, session="s").reason
    assert "for this session" not in ask(revised).reason
