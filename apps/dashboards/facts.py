"""The facts of a trace as label and value, each stated once and left out where it says nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from apps.dashboards.figures import counted, duration
from apps.traces.values import StoredTrace


@dataclass(frozen=True, slots=True)
class Fact:
    """`query` lists the traces that share it; `copied` is the whole of what `text` shortens;
    `url` is the page of what it names; an empty `text` is unknown, and `why_unknown` says why."""

    label: str
    text: str
    query: str = ""
    copied: str = ""
    why_unknown: str = ""
    url: str = ""


def facts(trace: StoredTrace) -> Iterator[Fact]:
    """How it ended, who asked, how much, under which names others know it."""
    yield from _ending(trace)
    yield from _asker(trace)
    yield from _size(trace)
    yield from _names(trace)


def _ending(trace: StoredTrace) -> Iterator[Fact]:
    outcome = trace.outcome
    yield Fact("Status", f"{outcome.status.capitalize()}, finish “{outcome.finish_status}”")
    yield Fact("HTTP", str(outcome.http_status))
    if outcome.error_code:
        yield Fact("Error", outcome.error_code)
    if outcome.degraded_message:
        yield Fact("Degraded", outcome.degraded_message)
    yield Fact("Answered by", outcome.deployment or "", why_unknown="Nobody answered")


def _asker(trace: StoredTrace) -> Iterator[Fact]:
    request, decision = trace.head.request, trace.head.decision
    for label, value, parameter in (
        ("Tenant", request.tenant, "tenant"),
        ("Feature", request.feature, "feature"),
        ("Route", decision.route, "route"),
        ("Plan", request.plan, "plan"),
        ("User", request.user, "user"),
        ("Session", request.session, "session"),
        ("App", request.app, "app"),
        ("App version", request.app_version, "app_version"),
        ("API key", request.key, "key"),
    ):
        if value:
            yield Fact(label, value, query=urlencode({parameter: value}))
    for label, value in (
        ("Door", f"{trace.head.door}, streamed" if request.stream else trace.head.door),
        ("Sensitivity", decision.sensitivity.value),
        ("Residency", request.residency),
        *request.metadata.items(),
    ):
        if value:
            yield Fact(label, value)


def _size(trace: StoredTrace) -> Iterator[Fact]:
    outcome = trace.outcome
    yield Fact("Input", _input(trace))
    if outcome.output_tokens:
        of_it = (
            f", {outcome.reasoning_tokens:,} of it reasoning" if outcome.reasoning_tokens else ""
        )
        yield Fact("Output", counted(outcome.output_tokens, "token") + of_it)
    if outcome.first_token_ms is not None:
        yield Fact("First token", duration(outcome.first_token_ms))
    took = "" if outcome.error_code == "abandoned" else duration(outcome.latency_ms)
    yield Fact("Latency", took, why_unknown="The process died before it could tell")
    if outcome.safety_flags:
        yield Fact("Safety flags", ", ".join(outcome.safety_flags))
    if outcome.marks:
        yield Fact("Marks", ", ".join(outcome.marks))


def _input(trace: StoredTrace) -> str:
    """As the provider counted it, or the bound that was known before any call."""
    outcome, steps = trace.outcome, trace.head.decision.steps
    if outcome.input_tokens:
        cached = outcome.cached_input_tokens
        of_it = f", {cached:,} of it cached" if cached else ""
        return counted(outcome.input_tokens, "token") + of_it
    if steps:
        return f"at most {counted(steps[0].input_tokens_bound, 'token')}"
    return counted(trace.head.request.text_bytes, "byte")


def _names(trace: StoredTrace) -> Iterator[Fact]:
    if trace.head.request_id:
        yield Fact("Sent as", trace.head.request_id, copied=trace.head.request_id)
    for attempt in trace.attempts:
        if attempt.provider_request_id:
            its = attempt.provider_request_id
            yield Fact(f"ID at {attempt.provider}", its, copied=its)
