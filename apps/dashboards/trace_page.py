"""All that the page of one trace shows, from the stored trace alone."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from apps.dashboards import answers
from apps.dashboards.cost import Cost, trace_cost
from apps.dashboards.figures import counted
from apps.dashboards.reasoning import reasoning
from apps.dashboards.story import story
from apps.dashboards.ticket import ticket_summary
from apps.traces.values import StoredTrace
from apps.traces.verdict import verdict


def trace_page(trace: StoredTrace, url: str, *, in_full: bool) -> dict[str, Any]:
    """The template's context. Without `in_full` the verdict and the decision stay out of it."""
    cost = trace_cost(trace)
    found = verdict(trace) if in_full else None
    context = {
        "trace": trace,
        "url": url,
        "ticket": ticket_summary(trace, found, url),
        "story": story(trace),
        "cost": cost,
        "released_nano_usd": _released(trace, cost),
        "money_note": _money_note(trace, cost),
        "drills": list(_drills(trace)),
        "input_words": _input_words(trace),
        "provider_ids": [a for a in trace.attempts if a.provider_request_id],
        "verdict": found,
    }
    if found is not None:
        context |= {
            "owner": answers.owner(trace, found),
            "retry": answers.retry(trace, found),
            "reasoning": reasoning(trace),
        }
    return context


def _released(trace: StoredTrace, cost: Cost) -> int | None:
    """What came back of the hold; None where that cannot be said."""
    if cost.nano_usd is None or not trace.attempts:
        return None
    return max(0, trace.outcome.held_nano_usd - cost.nano_usd)


def _money_note(trace: StoredTrace, cost: Cost) -> str:
    if not trace.attempts:
        return "Ended before any provider was called: this request cost nothing."
    if cost.nano_usd is None:
        return f"The cost is not known: {cost.why_unknown}."
    wasted = sum(a.cost_nano_usd for a in trace.attempts if a.outcome != "succeeded")
    waste = " Part of it went to calls that brought no answer." if wasted else ""
    if cost.estimated:
        how = "An estimate: the provider did not tell its tokens, so the most it can bill counts."
    else:
        how = "Tokens as the providers counted them, at the prices in force; not yet billed."
    return how + waste


def _input_words(trace: StoredTrace) -> str:
    """Counted by the provider, or the bound that was known before any call."""
    outcome, decision = trace.outcome, trace.head.decision
    if outcome.input_tokens:
        words = counted(outcome.input_tokens, "token")
        cached = outcome.cached_input_tokens
        return f"{words}, {cached:,} of them cached" if cached else words
    if decision.steps:
        return f"at most {counted(decision.steps[0].input_tokens_bound, 'token')}"
    return counted(trace.head.request.text_bytes, "byte")


def _drills(trace: StoredTrace) -> Iterator[tuple[str, str, str]]:
    """Facts with a value, and the query that lists the traces which share it."""
    request, decision = trace.head.request, trace.head.decision
    for name, value, parameter in (
        ("Tenant", request.tenant, "tenant"),
        ("Feature", request.feature, "feature"),
        ("Route", decision.route, "route"),
        ("Plan", request.plan, None),
        ("User", request.user, None),
        ("Session", request.session, None),
        ("App", " ".join(filter(None, (request.app, request.app_version))), None),
    ):
        if value:
            yield name, value, urlencode({parameter: value}) if parameter else ""
