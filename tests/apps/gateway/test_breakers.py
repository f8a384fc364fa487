"""When a deployment is left alone, and who may try it again. Moments are given, nobody waits."""

from collections.abc import Mapping

import pytest

from apps.gateway.breakers import LONGEST_SATURATED_MS, PROBE_LEASE_MS
from apps.gateway.health import HealthBook, rested_in_s
from apps.gateway.live import Endpoint
from routerctl.engine.types import Candidate, DeploymentHealth, Reason, Step
from routerctl.providers import ADAPTERS
from routerctl.providers.ports import Target
from tests.engine.builders import deployment

START_MS = 1_800_000_000_000


class Past:
    """A book and its clock, in milliseconds after START_MS."""

    def __init__(self, *, breaks: bool = True) -> None:
        self.book = HealthBook(breaks=breaks)
        self.at_ms = START_MS

    def fails(self, slug: str = "a", error: str = "server", times: int = 1, **more: float) -> None:
        for _ in range(times):
            self.book.note(
                slug, self.at_ms, error_class=error, latency_ms=5, first_token_ms=None, **more
            )

    def works(self, slug: str = "a", times: int = 1) -> None:
        for _ in range(times):
            self.book.note(slug, self.at_ms, error_class=None, latency_ms=5, first_token_ms=2)

    def passes(self, ms: int) -> None:
        self.at_ms += ms

    def sees(self, slug: str = "a") -> DeploymentHealth:
        return self.book.facts(self.at_ms)[slug]

    def tries(self, trace: str, *slugs: str) -> list[str]:
        """A request decides: the deployments it may ask."""
        health = self.book.facts(self.at_ms)
        fit = [slug for slug in slugs or ("a",) if slug not in health or health[slug].available]
        self.book.chosen(trace, [Step(slug, 1, 1, 1) for slug in fit], self.at_ms)
        return fit


@pytest.fixture
def past() -> Past:
    return Past()


def test_five_failures_in_a_row_are_enough(past: Past) -> None:
    past.fails(times=4)
    assert past.sees().available
    past.fails()
    health = past.sees()
    assert not health.available
    assert health.reason == "5 failures in a row; the last time it failed."
    assert (health.since_ms, health.until_ms) == (START_MS, START_MS + 5_000)


def test_a_success_between_them_begins_the_count_again(past: Past) -> None:
    for _ in range(3):
        past.fails(times=2)
        past.works(times=3)
    assert past.sees().available


def test_half_of_ten_calls_within_the_window_are_enough(past: Past) -> None:
    for _ in range(4):
        past.fails()
        past.works()
    assert past.sees().available
    past.works()
    past.fails()
    assert past.sees().reason.startswith("5 of 10 calls within half a minute failed")


def test_what_is_older_than_the_window_does_not_count(past: Past) -> None:
    for _ in range(4):
        past.fails()
        past.works()
    past.passes(31_000)
    past.works()
    past.fails()
    assert past.sees().available


@pytest.mark.parametrize("error", ["invalid_request", "content_policy", "context_length"])
def test_what_is_the_callers_does_not_count(past: Past, error: str) -> None:
    past.fails(error=error, times=20)
    assert past.sees().available


def test_after_its_rest_one_request_at_a_time_tries_it(past: Past) -> None:
    past.fails(times=5)
    assert past.tries("early") == []
    past.passes(5_000)
    assert past.tries("probe") == ["a"]
    assert past.tries("other") == []
    past.works()
    assert past.tries("next") == past.tries("one more") == ["a"]


def test_each_try_that_fails_makes_the_rest_longer_up_to_half_a_minute(past: Past) -> None:
    past.fails(times=5)
    rests = []
    for number in range(5):
        rests.append(rest := (past.sees().until_ms or 0) - past.at_ms)
        past.passes(rest)
        assert past.tries(f"probe {number}") == ["a"]
        past.fails(error="timeout")
    assert rests == [5_000, 10_000, 20_000, 28_000, 28_000]
    assert past.sees().reason == "It was tried again, and it did not answer in time."
    assert past.sees().since_ms == START_MS


def test_calls_under_way_when_it_began_to_rest_do_not_make_it_longer(past: Past) -> None:
    past.fails(times=5)
    past.passes(1_000)
    past.fails(times=50)
    assert past.sees().until_ms == START_MS + 5_000


def test_a_probe_that_never_asked_leaves_it_to_the_next(past: Past) -> None:
    past.fails(times=5)
    past.passes(5_000)
    assert past.tries("first", "b", "a") == ["b", "a"]
    assert past.tries("second", "b", "a") == ["b"]
    past.book.ended("first")
    assert past.tries("third", "b", "a") == ["b", "a"]


def test_a_probe_that_is_never_heard_of_again_does_not_keep_others_away(past: Past) -> None:
    past.fails(times=5)
    past.passes(5_000)
    assert past.tries("lost") == ["a"]
    past.passes(PROBE_LEASE_MS - 1)
    assert past.tries("too early") == []
    past.passes(1)
    assert past.tries("next") == ["a"]


def test_a_limit_puts_it_behind_the_others_for_as_long_as_it_said(past: Past) -> None:
    past.fails(error="rate_limited", retry_after_s=7)
    assert (past.sees().saturated, past.sees().available) == (True, True)
    past.passes(6_999)
    assert past.sees().saturated
    past.passes(1)
    assert not past.sees().saturated


def test_a_limit_without_end_ends(past: Past) -> None:
    past.fails(error="rate_limited", retry_after_s=1e9)
    past.passes(LONGEST_SATURATED_MS)
    assert not past.sees().saturated


def test_a_limit_is_an_answer_and_ends_a_rest(past: Past) -> None:
    past.fails(times=5)
    past.passes(5_000)
    past.tries("probe")
    past.fails(error="rate_limited")
    assert past.tries("one") == past.tries("another") == ["a"]


def endpoints(secret: str = "one") -> Mapping[str, Endpoint]:
    return {
        slug: Endpoint(
            deployment(slug, provider=provider),
            ADAPTERS["openai"],
            Target("https://a.example", secret, slug),
        )
        for slug, provider in {"a": "acme", "b": "acme", "c": "other"}.items()
    }


def test_bad_credentials_rest_all_that_share_them(past: Past) -> None:
    past.book.configured(endpoints())
    past.fails(error="auth")
    assert past.tries("next", "a", "b", "c") == ["c"]
    assert past.sees("b").reason == "a was called, and it rejected our credentials."
    assert past.sees("b").until_ms == START_MS + 60_000


def test_a_model_that_is_gone_rests_alone(past: Past) -> None:
    past.book.configured(endpoints())
    past.fails(error="model_gone")
    assert past.tries("next", "a", "b") == ["b"]


def test_a_refusal_is_tried_again_less_and_less_and_never_given_up(past: Past) -> None:
    rests = []
    past.fails(error="quota")
    for number in range(6):
        rests.append(rest := (past.sees().until_ms or 0) - past.at_ms)
        past.passes(rest)
        past.tries(f"probe {number}")
        past.fails(error="quota")
    assert [rest // 60_000 for rest in rests] == [1, 2, 4, 8, 15, 15]


def test_a_new_secret_is_not_blamed_for_the_old_one(past: Past) -> None:
    past.book.configured(endpoints("wrong"))
    past.fails(error="auth")
    past.book.configured(endpoints("right"))
    assert past.tries("next", "a", "b") == ["a", "b"]


def test_the_same_configuration_again_changes_nothing(past: Past) -> None:
    past.book.configured(endpoints())
    past.fails(error="auth")
    past.book.configured(endpoints())
    assert past.tries("next", "a", "b") == []


RESTING = (Reason("unhealthy", "It rests."),)


def test_where_all_rest_the_oldest_is_tried_once_a_second(past: Past) -> None:
    past.fails("b", times=5)
    past.passes(500)
    past.fails("a", times=5)
    all_rest = [Candidate("a", False, reasons=RESTING), Candidate("b", False, reasons=RESTING)]
    assert past.book.hasten(all_rest, past.at_ms)
    assert past.tries("probe", "a", "b") == ["b"]
    assert not past.book.hasten(all_rest, past.at_ms)
    past.fails("b")
    past.passes(999)
    assert not past.book.hasten(all_rest, past.at_ms)
    past.passes(1)
    assert past.book.hasten(all_rest, past.at_ms)


def test_who_may_not_serve_anyway_is_not_tried(past: Past) -> None:
    past.fails(times=5)
    barred = [Candidate("a", False, reasons=(Reason("gate", "No."), *RESTING))]
    assert not past.book.hasten(barred, past.at_ms)


def test_the_caller_is_told_when_the_first_has_rested(past: Past) -> None:
    past.fails("a", times=5)
    past.fails("b", error="model_gone")
    health = past.book.facts(past.at_ms)
    candidates = [Candidate(s, False, reasons=RESTING, health=health[s]) for s in ("a", "b")]
    assert rested_in_s(candidates, past.at_ms + 100) == 5
    assert rested_in_s([Candidate("c", False)], past.at_ms) is None


def test_with_breakers_off_nobody_is_left_alone() -> None:
    past = Past(breaks=False)
    past.fails(times=50)
    past.fails(error="rate_limited")
    past.fails(error="auth")
    health = past.sees()
    assert (health.available, health.saturated, health.until_ms) == (True, False, None)
    assert health.error_permille > 900


def test_one_failure_is_enough_where_another_process_was_taught_already(past: Past) -> None:
    other = Past()
    other.fails(times=5)
    assert other.book.resting() == ("a",)
    past.book.warn(other.book.resting(), past.at_ms)
    assert past.book.facts(past.at_ms) == {}
    past.works()
    past.passes(250)
    assert past.sees().available
    past.fails()
    assert past.sees().reason == "It fails elsewhere too, and here it failed."


def test_a_warning_is_forgotten_when_it_is_not_repeated(past: Past) -> None:
    past.book.warn(["a"], past.at_ms)
    past.passes(15_000)
    past.fails()
    assert past.sees().available
