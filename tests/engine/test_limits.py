"""Limits: the contract's defaults, under the route's, under the deployment's own."""

from routerctl.engine.limits import ResolvedLimits, resolve
from routerctl.engine.specs import Limits
from tests.engine.builders import ask, deployment, revision, route


def test_what_nobody_states_is_the_contracts_default() -> None:
    resolved = resolve(Limits(), deployment("a", context_window=9_000, max_output_tokens=8_000))
    assert resolved == ResolvedLimits(
        attempts=3,
        connect_ms=3_000,
        first_token_ms=10_000,
        stall_ms=20_000,
        total_ms=120_000,
        max_input_tokens=9_000,
        max_output_tokens=4_096,
        first_token_stated=False,
    )


def test_a_small_deployments_own_maximum_is_the_default() -> None:
    assert resolve(Limits(), deployment("a", max_output_tokens=500)).max_output_tokens == 500


def test_a_deployment_overrides_its_route() -> None:
    thinker = deployment("a", limits=Limits(first_token_ms=60_000, max_output_tokens=7_000))
    resolved = resolve(Limits(first_token_ms=5_000, stall_ms=9_000, max_output_tokens=400), thinker)
    assert resolved.first_token_ms == 60_000
    assert resolved.stall_ms == 9_000
    assert resolved.max_output_tokens == 7_000
    assert resolved.first_token_stated


def test_no_limit_exceeds_what_the_deployment_can_do() -> None:
    bold = Limits(max_input_tokens=10**6, max_output_tokens=10**6)
    resolved = resolve(bold, deployment("a", context_window=9_000, max_output_tokens=500))
    assert (resolved.max_input_tokens, resolved.max_output_tokens) == (9_000, 500)


def test_a_step_writes_what_was_asked_for_within_the_limits() -> None:
    revised = revision(route("a", limits=Limits(max_output_tokens=400)))
    assert ask(revised).steps[0].max_output_tokens == 400
    assert ask(revised, max_output_tokens=100).steps[0].max_output_tokens == 100
    assert ask(revised, max_output_tokens=9_999).steps[0].max_output_tokens == 400
