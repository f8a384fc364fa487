"""Money, durations, counts and times for templates. What is not known is a dash with a reason,
never a nought."""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.dashboards import clock, figures
from apps.dashboards.chart import Chart
from apps.dashboards.cost import Cost, trace_cost
from apps.ledger.records import Outcome
from apps.traces.values import StoredTrace
from apps.traces.words import usd
from routerctl.engine.sentences import decimal
from routerctl.engine.types import Candidate

register = template.Library()

register.filter("duration", figures.duration)
register.filter("counted", figures.counted)
register.filter("thousands", figures.thousands)
register.filter("usd", usd)
register.filter("dollars", figures.dollars)
register.filter("percent", figures.percent)


@register.simple_tag
def unknown(reason: str) -> SafeString:
    """A dash that says why: to the eye as a hint, to screen readers as text."""
    told = format_html('<span class="sr">{}</span>', reason)
    return format_html(
        '<span title="{}"><span aria-hidden="true">&ndash;</span>{}</span>', reason, told
    )


@register.simple_tag
def money(cost: Cost) -> SafeString:
    """The cost of one request or attempt; “est.” where its tokens are our own figure."""
    if cost.nano_usd is None:
        return unknown(cost.why_unknown)
    return format_html("{}{}", usd(cost.nano_usd), " est." if cost.estimated else "")


@register.simple_tag(name="cost")
def cost_of(trace: StoredTrace) -> SafeString:
    """The cost of a row in a list whose head says that costs are estimates."""
    cost = trace_cost(trace)
    return (
        unknown(cost.why_unknown)
        if cost.nano_usd is None
        else format_html("{}", usd(cost.nano_usd))
    )


@register.simple_tag
def latency(outcome: Outcome) -> SafeString:
    """How long a request took; nobody was left to measure an abandoned one."""
    if outcome.error_code == "abandoned":
        return unknown("The process died before it could tell")
    return format_html("{}", figures.duration(outcome.latency_ms))


@register.simple_tag
def estimate(candidate: Candidate) -> SafeString:
    """What a candidate would have cost, as known before the call."""
    if candidate.estimated_nano_usd is None:
        return unknown("Not estimated: it had no price, or left before")
    return format_html("{}", usd(candidate.estimated_nano_usd))


@register.simple_tag
def score(candidate: Candidate) -> SafeString:
    """0.00 to 1.00, higher is better."""
    if candidate.score is None:
        return unknown("Not scored: it left before")
    return format_html("{}", decimal(candidate.score))


@register.simple_tag
def moment(moment_ms: int, style: str) -> SafeString:
    """A moment in the page's zone, its ISO 8601 form beneath.

    Styles: `full`, as `14:17:53 CET, Wed 18 Nov 2026`; `of_day`, as `14:17:53`, for columns
    whose head names the zone; `time`, the same where the day stands above.
    """
    at, iso = clock.local(moment_ms), clock.iso(moment_ms)
    if style == "full":
        shown = f"{at:%H:%M:%S %Z}, {at:%a} {at.day} {at:%b %Y}"
    elif style == "time":
        shown = f"{at:%H:%M:%S}"
    else:
        shown = clock.of_day(moment_ms, clock.now_ms())
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', iso, shown)


@register.simple_tag
def said(chart: Chart, count: int) -> str:
    """A count of `chart` in its own words."""
    return chart.says(count)


@register.filter
def epoch_ms(at: datetime) -> int:
    """A column's moment as `moment` and `ago` take it."""
    return int(at.timestamp() * 1000)


@register.filter
def ago(moment_ms: int) -> str:
    return clock.ago(moment_ms, clock.now_ms())
