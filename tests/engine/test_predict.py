"""What candidates are expected to cost, with a history and without."""

from collections.abc import Mapping

import pytest

from routerctl.engine.decide import decide
from routerctl.engine.record import DecisionRecord, decide_again, decode, encode
from routerctl.engine.revision import Revision
from routerctl.engine.specs import TokenOverhead
from routerctl.engine.types import Decision, Facts, TextReading, Usual
from tests.engine.builders import NOW_MS, chain, deployment, price, request, revision, route

NO_OVERHEAD = TokenOverhead(0, 0, 0)
TERSE = Usual(answers=50, input_permille=250, output_tokens=20)
WORDY = Usual(answers=50, input_permille=250, output_tokens=2_000)


def cheapest() -> Revision:
    """Of a dear and a cheap deployment: by price alone the cheap one is first."""
    return revision(
        route("dear", "cheap", strategy="cheapest"),
        deployments=(
            deployment("dear", prices=(price(2, 8),)),
            deployment("cheap", prices=(price(1, 4),)),
        ),
    )


def ask(revised: Revision, usual: Mapping[str, Usual], **changes: object) -> Decision:
    facts = Facts(NOW_MS, history=lambda _route, _task: usual)
    return decide(request(**changes), TextReading(), revised, facts)


def estimates(decision: Decision) -> dict[str, int | None]:
    return {one.deployment: one.estimated_nano_usd for one in decision.candidates}


def test_who_usually_says_more_is_dearer_than_its_price() -> None:
    assert chain(ask(cheapest(), {})) == ["cheap", "dear"]
    known = {"dear": TERSE, "cheap": WORDY}
    decision = ask(cheapest(), known)
    assert chain(decision) == ["dear", "cheap"]
    assert {one.deployment: one.usual for one in decision.candidates} == known


def test_history_is_asked_for_the_route_and_the_task() -> None:
    asked = []

    def history(*names: str) -> Mapping[str, Usual]:
        asked.append(names)
        return {}

    decide(request(task="coding"), TextReading(), cheapest(), Facts(NOW_MS, history=history))
    assert asked == [("main", "coding")]


def test_what_is_held_does_not_look_at_history() -> None:
    known = {"dear": TERSE, "cheap": WORDY}
    with_it, without = ask(cheapest(), known), ask(cheapest(), {})
    assert sorted(with_it.steps, key=str) == sorted(without.steps, key=str)


@pytest.mark.parametrize(
    ("usual", "nano_usd"),
    [
        (Usual(30, input_tokens=100, input_permille=250, output_tokens=10), 200_000 + 40_000),
        (Usual(30, input_permille=250, output_tokens=10, calls_permille=1_500), 210_000),
        (Usual(30, input_tokens=-500, output_tokens=10), 40_000),
        (Usual(30, input_tokens=10**9, output_tokens=10), 400_000 + 40_000),
        (Usual(30, output_tokens=10**9), 100 * 4_000),
    ],
    ids=["line", "vain calls", "never less than nothing", "never over the bound", "the limit"],
)
def test_an_estimate_is_reckoned_from_tokens_at_the_price_of_today(
    usual: Usual, nano_usd: int
) -> None:
    revised = revision(route("a"), deployments=(deployment("a", overhead=NO_OVERHEAD),))
    assert estimates(ask(revised, {"a": usual}, max_output_tokens=100)) == {"a": nano_usd}


def test_cached_input_and_reasoning_cost_what_they_cost() -> None:
    priced = price(1, 4, cached_input_nano_usd_per_mtok=100_000_000)
    usual = Usual(30, input_permille=1_000, cached_permille=500, output_tokens=0)
    revised = revision(route("a"), deployments=(deployment("a", prices=(priced,)),))
    assert estimates(ask(revised, {"a": usual})) == {"a": 200_000 + 20_000}


def test_a_decision_with_a_history_is_made_again_from_its_record() -> None:
    decision = ask(cheapest(), {"dear": TERSE, "cheap": WORDY})
    stored = decode(encode(DecisionRecord(request(), TextReading(), decision)))
    assert decide_again(stored, cheapest()) == decision
