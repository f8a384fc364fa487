"""What a route's answers are expected to cost, beside what they did."""

from collections.abc import Sequence

from msgspec import Struct

from apps.policies.compiled import current_revision
from apps.traces.usual import Figures, usual_figures
from routerctl.engine.predict import usual_nano_usd
from routerctl.engine.pricing import price_at
from routerctl.engine.specs import DeploymentSpec

WITHIN_MS = 300
"""Somebody waits for the page."""


class Prediction(Struct, frozen=True):
    """For `task` ("" for all) at `deployment`: the expected cost of an answer of the usual length
    at the price of now, None without one, and the mean of what `answers` cost, calls in vain
    included."""

    task: str
    deployment: str
    answers: int
    input_tokens: int
    output_tokens: int
    expected_nano_usd: int | None
    cost_nano_usd: int

    @property
    def difference(self) -> str | None:
        """`+12 %` when more is expected than it cost; None where there is nothing to compare."""
        if not self.expected_nano_usd or not self.cost_nano_usd:
            return None
        percent = round(100 * self.expected_nano_usd / self.cost_nano_usd) - 100
        return f"{percent:+d} %" if percent else "0 %"


def predictions(route: str, now_ms: int) -> Sequence[Prediction] | None:
    """By task and deployment; None when that cannot be added up in time."""
    figures = usual_figures(now_ms, route=route, within_ms=WITHIN_MS)
    if figures is None:
        return None
    deployments = current_revision().deployments
    return [_prediction(one, deployments.get(one.deployment), now_ms) for one in figures]


def _prediction(one: Figures, deployment: DeploymentSpec | None, now_ms: int) -> Prediction:
    price = None if deployment is None else price_at(deployment, now_ms)
    usual = one.usual
    expected = None
    if price is not None:
        expected = usual_nano_usd(price, usual, one.input_tokens, usual.output_tokens)
    return Prediction(
        one.task,
        one.deployment,
        usual.answers,
        one.input_tokens,
        usual.output_tokens,
        expected,
        one.cost_nano_usd,
    )
