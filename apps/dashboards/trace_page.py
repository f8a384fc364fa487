"""All that the page of one trace shows, from the stored trace alone."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from apps.dashboards import answers, clock
from apps.dashboards.cost import Cost, trace_cost
from apps.dashboards.facts import facts
from apps.dashboards.reasoning import reasoning
from apps.dashboards.simulate.form import query_of
from apps.dashboards.story import is_complete, story
from apps.dashboards.ticket import ticket_summary
from apps.policies.changes import Published, published
from apps.traces.values import StoredTrace
from apps.traces.verdict import verdict
from apps.traces.words import usd
from routerctl.engine.predict import EXPECTED_OUTPUT_TOKENS

AROUND = timedelta(minutes=30)
"""How long before and after a request a change may have to do with it."""

_MOST_CHANGES = 10
_DAY_MS = 86_400_000


def changes_around(trace: StoredTrace) -> list[Published]:
    """What changed in the configuration shortly before and after, newest first. One query."""
    at = clock.local(trace.head.started_at_ms)
    return published(since=at - AROUND, until=at + AROUND, most=_MOST_CHANGES)


def trace_page(trace: StoredTrace, url: str, *, in_full: bool) -> dict[str, Any]:
    """The template's context. Without `in_full` the verdict and the decision stay out of it."""
    cost = trace_cost(trace)
    found = verdict(trace) if in_full else None
    context = {
        "trace": trace,
        "url": url,
        "again": query_of(trace, in_full=in_full),
        "ticket": ticket_summary(trace, found, url),
        "story": story(trace),
        "cost": cost,
        "estimate": _estimate(trace, cost),
        "estimated_from": _estimated_from(trace),
        "released_nano_usd": _released(trace, cost),
        "money_note": _money_note(trace, cost),
        "facts": list(facts(trace)),
        "verdict": found,
        "elsewhere": _elsewhere(trace),
    }
    if found is not None:
        context |= {
            "owner": answers.owner(trace, found),
            "retry": answers.retry(trace, found),
            "next_step": answers.next_step(found),
            "reasoning": reasoning(trace),
        }
    return context


def _elsewhere(trace: StoredTrace) -> str:
    """The query of the requests of that day that ended alike; empty when this one just
    succeeded."""
    outcome, at_ms = trace.outcome, trace.head.started_at_ms
    alike = {"error_code": outcome.error_code, "degraded_action": outcome.degraded_action}
    said = {name: value for name, value in alike.items() if value}
    if not said:
        return ""
    begin, end = at_ms - _DAY_MS // 2, at_ms + _DAY_MS // 2
    return urlencode({**said, "from": clock.written(begin), "to": clock.written(end)})


def _estimate(trace: StoredTrace, cost: Cost) -> str:
    """`$0.000411; it cost 0.6 times that`. Empty where nobody had a price."""
    expected = trace.estimated_nano_usd
    if expected is None:
        return ""
    if not expected or not cost.nano_usd:
        return usd(expected)
    return f"{usd(expected)}; it cost {cost.nano_usd / expected:.2g} times that"


def _estimated_from(trace: StoredTrace) -> str:
    """What the estimate was made from."""
    usual = trace.expected.usual if trace.expected is not None else None
    if usual is None:
        return (
            "The estimate is a guess: the text's length, and"
            f" {EXPECTED_OUTPUT_TOKENS} tokens of answer at most."
        )
    return (
        f"The estimate is from {usual.answers:,} answers to such requests there before: usually"
        f" {usual.output_tokens:,} tokens of answer."
    )


def _released(trace: StoredTrace, cost: Cost) -> int | None:
    """What came back of the hold; None where that cannot be said."""
    if cost.nano_usd is None or not trace.attempts:
        return None
    return max(0, trace.outcome.held_nano_usd - cost.nano_usd)


def _money_note(trace: StoredTrace, cost: Cost) -> str:
    if not is_complete(trace):
        return "Not every call is on record, so the most that can be billed counts."
    if not trace.attempts:
        return "Ended before any provider was called: this request cost nothing."
    if cost.nano_usd is None:
        return f"The cost is not known: {cost.why_unknown}."
    if all(attempt.usage_source == "none" for attempt in trace.attempts):
        return "No call brought anything that is billed."
    if cost.estimated:
        how = "An estimate: a provider did not tell its tokens, so the most it can bill counts."
    else:
        how = "Tokens as the providers counted them, at the prices in force; not yet billed."
    wasted = sum(a.cost_nano_usd for a in trace.attempts if a.outcome != "succeeded")
    return f"{how} {usd(wasted)} of it went to calls that brought no answer." if wasted else how
