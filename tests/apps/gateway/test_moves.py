"""Where a request goes after an error."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from apps.gateway.live import Endpoint
from apps.gateway.moves import Move, Moves, Retries
from routerctl.engine.types import Step
from routerctl.providers import ADAPTERS
from routerctl.providers.errors import RULES, ProviderError
from routerctl.providers.ports import Target
from tests.engine.builders import deployment

PROVIDERS = {"a": "acme", "b": "acme", "c": "other"}
ENDPOINTS = {
    slug: Endpoint(
        deployment(slug, provider=provider),
        ADAPTERS["openai"],
        Target("https://a.example", None, slug),
    )
    for slug, provider in PROVIDERS.items()
}


def moves(*slugs: str, resting: str = "", in_flight: int = 0, chance: float = 1.0) -> Moves:
    return Moves(
        [Step(slug, 1, 1, 1) for slug in slugs],
        ENDPOINTS,
        lambda slug: slug in resting,
        Retries(lambda: in_flight),
        lambda: chance,
    )


def after(made: Moves, error: str, *, wait: float | None = None, **more: int) -> Move | None:
    told = ProviderError(error, "no", retry_after_s=wait)
    given = {"left_ms": 60_000, "retried": False} | more
    return made.after(
        told,
        0,
        retried=bool(given["retried"]),
        left_ms=given["left_ms"],
        first=bool(given.get("first", True)),
    )


def test_who_shares_the_cause_is_passed_over() -> None:
    assert after(moves("a", "b", "c"), "quota") == Move(2)
    assert after(moves("a", "b", "c"), "timeout") == Move(1)
    assert after(moves("a", "b"), "auth") is None


def test_who_rests_is_passed_over() -> None:
    assert after(moves("a", "b", "c", resting="b"), "timeout") == Move(2)
    assert after(moves("a", "b", resting="b"), "timeout") is None
    assert after(moves("a", "b", resting="a"), "server") == Move(1)


def test_an_overloaded_one_is_asked_again_only_if_nobody_else_is_left() -> None:
    assert after(moves("a", "b"), "overloaded") == Move(1)
    assert after(moves("a"), "overloaded") == Move(0, again=True, wait_s=4.0)
    assert after(moves("a", chance=0), "overloaded") == Move(0, again=True, wait_s=0.25)
    assert after(moves("a"), "overloaded", retried=1) is None
    assert after(moves("a"), "overloaded", first=0) is None


@pytest.mark.parametrize("wait", [-5.0, 0.0, 2.0])
def test_a_short_wait_is_waited_for(wait: float) -> None:
    move = after(moves("a", "b", chance=0), "rate_limited", wait=max(0.0, wait))
    assert move == Move(0, again=True, wait_s=max(0.0, wait))


def test_a_wait_that_is_long_or_passes_the_deadline_is_not() -> None:
    assert after(moves("a", "b"), "rate_limited", wait=2.1) == Move(1)
    assert after(moves("a", "b"), "rate_limited", wait=1.0, left_ms=900) == Move(1)
    assert after(moves("a"), "overloaded", wait=30.0) is None


def test_too_late_is_too_late() -> None:
    assert after(moves("a", "b"), "timeout", left_ms=10) is None


@pytest.mark.parametrize(("in_flight", "most"), [(0, 3), (14, 3), (100, 20)])
def test_retries_are_a_fifth_of_what_is_in_flight_and_three_always(
    in_flight: int, most: int
) -> None:
    made = moves("a", "b", in_flight=in_flight)
    taken = [after(made, "server") for _ in range(most)]
    assert all(move is not None and move.again for move in taken)
    assert after(made, "server") == Move(1)
    made.retries.give_back()
    assert after(made, "server") != Move(1)


class Script(NamedTuple):
    """What happens to one request: the deployments it may ask, those which rest, and how each
    call ends."""

    steps: list[str]
    resting: str
    errors: list[tuple[str, float | None]]


waits = st.none() | st.floats(0, 10)
scripts = st.builds(
    Script,
    st.permutations("abc").flatmap(lambda order: st.integers(1, 3).map(lambda n: order[:n])),
    st.text("abc", max_size=2),
    st.lists(st.tuples(st.sampled_from(sorted(RULES)), waits), min_size=1, max_size=8),
)


@given(script=scripts, elsewhere=st.booleans())
def test_no_order_of_faults_leads_beyond_the_steps_or_back(script: Script, elsewhere: bool) -> None:
    """The steps have passed the gates; nothing else is ever asked, nobody more than twice."""
    made = replace(moves(*script.steps, resting=script.resting), refusals_elsewhere=elsewhere)
    asked, retried = [0], False
    for error_class, wait in script.errors:
        told = ProviderError(error_class, "no", retry_after_s=wait)
        move = made.after(told, asked[-1], retried=retried, left_ms=60_000, first=len(asked) == 1)
        if retried:
            made.retries.give_back()
        if move is None:
            retried = False
            break
        assert move.position in range(len(script.steps))
        assert (move.position == asked[-1]) if move.again else (move.position > asked[-1])
        assert 0 <= move.wait_s <= 4.0
        if not move.again:
            assert script.steps[move.position] not in script.resting
        asked.append(move.position)
        retried = move.again
    assert all(asked.count(position) <= 2 for position in asked)
    assert made.retries.under_way == int(retried)
