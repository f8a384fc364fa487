"""What requests usually come to, read from stored traces."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.traces import usual as usuals
from apps.traces.usual import LEAST_ANSWERS, UsualBook, usual_figures
from apps.traces.values import StoredTrace
from routerctl.engine.types import RoutingRequest
from tests.apps.traces.stored import attempt, decision, keep, stored
from tests.browser.gallery import at

pytestmark = pytest.mark.django_db

NOON_MS = 1_760_000_000_000
DAY_MS = 86_400_000


def answers(
    number: int, *, task: str = "chat", begin: int = 0, **facts: int
) -> Iterator[StoredTrace]:
    """Each of 100 bytes more than the one before: 70 tokens and one for four bytes."""
    for n in range(number):
        used: dict[str, Any] = {
            "input_tokens": 70 + 25 * n,
            "output_tokens": 40,
            "cost_nano_usd": 1_000,
        } | facts
        trace = stored(
            attempt(usage_source="provider", **used),
            request=RoutingRequest(text_bytes=100 * n, tenant="acme"),
            decided=decision(task=task),
        )
        yield at(trace, NOON_MS - 1_000 - begin - n)


def book() -> UsualBook:
    made = UsualBook()
    made.refresh(NOON_MS)
    return made


def test_the_line_through_the_input_and_the_means_of_the_rest() -> None:
    keep(*answers(30, cached_input_tokens=35, reasoning_tokens=10))
    found = book().on("chat", "chat")["openai/small"]
    assert (found.answers, found.input_tokens, found.input_permille) == (30, 70, 250)
    assert (found.output_tokens, found.reasoning_permille) == (40, 250)
    assert found.cached_permille == 1000 * 35 * 30 // sum(70 + 25 * n for n in range(30))
    assert found.calls_permille == 1000


def test_few_answers_are_not_enough_for_a_task_and_the_route_stands_in() -> None:
    keep(
        *answers(LEAST_ANSWERS - 1, task="summary", begin=2_000, output_tokens=900),
        *answers(LEAST_ANSWERS, task="chat"),
    )
    known = book()
    assert known.on("chat", "chat")["openai/small"].output_tokens == 40
    assert known.on("chat", "summary")["openai/small"].answers == 2 * LEAST_ANSWERS - 1
    assert known.on("other", "chat") == {}


def test_what_is_older_than_a_week_is_not_usual_any_more() -> None:
    keep(*answers(30, begin=7 * DAY_MS))
    assert book().on("chat", "chat") == {}


def test_calls_that_were_paid_for_in_vain_are_counted() -> None:
    keep(*answers(20))
    broken = attempt(error_class="truncated", usage_source="estimated", cost_nano_usd=500)
    kept = attempt(2, usage_source="provider", input_tokens=70, output_tokens=40)
    refused = attempt(error_class="auth", usage_source="none")
    for n, first in enumerate([broken] * 10 + [refused] * 10):
        trace = stored(first, kept)
        keep(at(trace, NOON_MS - 9_000 - n))
    assert book().on("chat", "chat")["openai/small"].calls_permille == 1000 * 50 // 40


def test_what_an_answer_came_to_stands_beside_it() -> None:
    keep(*answers(20, cost_nano_usd=1_234))
    figures = usual_figures(NOON_MS)
    assert figures is not None
    assert {(one.route, one.task, one.cost_nano_usd) for one in figures} == {
        ("chat", "", 1_234),
        ("chat", "chat", 1_234),
    }


def test_where_a_week_is_too_much_a_day_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usuals, "WITHIN_MS", 1)
    monkeypatch.setattr(usuals, "_SQL", "SELECT pg_sleep(0.2), %(first)s, %(last)s, %(least)s")
    known = book()
    assert usual_figures(NOON_MS) is None
    assert known.on("chat", "chat") == {}
