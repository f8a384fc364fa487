import pytest
from django.template import Context, Template

from apps.dashboards.cost import Cost
from apps.dashboards.figures import counted, duration, thousands


def rendered(source, **context):
    return Template("{% load figures parts %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0 ms"), (999, "999 ms"), (1000, "1.00 s"), (10_636, "10.64 s"), (65_400, "1 min 5 s")],
)
def test_durations_keep_three_figures(ms, text):
    assert duration(ms) == text


def test_counts_are_grouped_and_their_noun_agrees():
    assert [counted(n, "call") for n in (0, 1, 4812)] == ["0 calls", "1 call", "4,812 calls"]
    assert thousands(4812) == "4,812"


def test_money_of_a_request_has_six_decimals():
    assert rendered("{% money cost %}", cost=Cost(411_000)) == "$0.000411"


def test_money_from_our_own_figures_says_so():
    assert rendered("{% money cost %}", cost=Cost(411_000, estimated=True)) == "$0.000411 est."


def test_unknown_money_is_a_dash_with_its_reason_and_never_nought():
    shown = rendered("{% money cost %}", cost=Cost(None, why_unknown="x had no price then"))
    assert "&ndash;" in shown
    assert 'title="x had no price then"' in shown
    assert '<span class="sr">x had no price then</span>' in shown
    assert "0" not in shown


def test_a_reason_cannot_smuggle_markup():
    assert "<b>" not in rendered("{% unknown reason %}", reason='"><b>')


def test_a_state_is_icon_and_word_and_colour():
    shown = rendered('{% status "degraded" %}')
    assert 'data-tone="warn"' in shown
    assert "sprite.svg#i-circle-arrow-down" in shown
    assert "Degraded" in shown
