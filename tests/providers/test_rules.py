"""What an error says of a deployment's health, class by class."""

from routerctl.providers.errors import RULES


def test_only_what_a_provider_does_wrong_counts_against_its_deployment() -> None:
    failures = {name for name, rule in RULES.items() if rule.breaker == "failure"}
    assert failures == {
        "connect", "server", "overloaded", "timeout", "stalled", "truncated", "malformed",
    }  # fmt: skip


def test_a_limit_that_was_reached_is_no_failure() -> None:
    assert {name for name, rule in RULES.items() if rule.breaker == "saturated"} == {"rate_limited"}


def test_what_will_go_on_refusing_is_left_alone_with_all_who_share_the_cause() -> None:
    assert {name for name, rule in RULES.items() if rule.breaker == "provider"} == {"quota", "auth"}
    assert {n for n, rule in RULES.items() if rule.breaker == "deployment"} == {"model_gone"}
