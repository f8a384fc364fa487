"""What a route's answers are expected to cost, on its page."""

import re
from html import unescape

import pytest
from django.utils.html import strip_tags

from apps.dashboards import clock
from apps.dashboards.objects.predicted import Prediction, predictions
from routerctl.engine.types import RoutingRequest
from tests.apps.traces.stored import attempt, decision, keep, stored
from tests.browser.gallery import at


@pytest.fixture
def _answered():
    """25 answers of one length, just now."""
    before = clock.now_ms() - 60_000
    for n in range(25):
        trace = stored(
            attempt(
                deployment="vendor/small",
                usage_source="provider",
                input_tokens=1000,
                output_tokens=500,
                cost_nano_usd=2_000_000,
            ),
            request=RoutingRequest(text_bytes=4000),
            decided=decision(task="chat", route="all"),
            deployment="vendor/small",
        )
        keep(at(trace, before - n))


@pytest.mark.usefixtures("_answered")
def test_the_price_of_now_is_beside_what_was_paid():
    chat, whole = sorted(predictions("all", clock.now_ms()), key=lambda one: one.task, reverse=True)
    # 1000 tokens at $1 and 500 at $4 for a million; they had cost a third less.
    assert (chat.task, chat.answers, chat.expected_nano_usd) == ("chat", 25, 3_000_000)
    assert (chat.cost_nano_usd, chat.difference) == (2_000_000, "+50 %")
    assert (whole.task, whole.expected_nano_usd) == ("", 3_000_000)
    assert predictions("another", clock.now_ms()) == []


@pytest.mark.usefixtures("_answered")
def test_the_page_tells_it_to_those_who_may_know_what_is_spent(act_as):
    said = _shown(act_as("finance").get("/routes/all"))
    assert "vendor/small chat 25 1,000, 500 $0.003000 $0.002000 +50 %" in said
    assert "What an answer costs" not in _shown(act_as("support").get("/routes/all"))


@pytest.mark.usefixtures("_answered")
def test_what_is_a_mean_over_all_tenants_is_not_told_to_those_of_some(act_as):
    of_acme = act_as("finance", tenants=["acme"])
    assert "What an answer costs" not in _shown(of_acme.get("/routes/all"))


def test_a_route_without_answers_says_what_it_takes(act_as):
    assert "Not known yet: a deployment must have answered 20" in _shown(
        act_as("product").get("/routes/all")
    )


def test_what_cannot_be_added_up_in_time_is_not_waited_for(act_as, monkeypatch):
    monkeypatch.setattr("apps.dashboards.objects.predicted.usual_figures", lambda *_, **__: None)
    assert "too many requests to add up" in _shown(act_as("product").get("/routes/all"))


@pytest.mark.parametrize(
    ("expected", "cost", "told"),
    [(100, 100, "0 %"), (80, 100, "-20 %"), (0, 100, None), (None, 100, None), (5, 0, None)],
)
def test_the_difference_is_of_what_it_cost(expected, cost, told):
    assert Prediction("", "a", 20, 1, 1, expected, cost).difference == told


def _shown(answer):
    text = unescape(strip_tags(answer.content.decode().replace("<", " <")))
    return re.sub(r"\s+([:,.)])", r"\1", " ".join(text.split()))
