"""A trace in a few lines of plain text, to paste into a ticket."""

from apps.dashboards import clock
from apps.traces.values import StoredTrace
from apps.traces.verdict import Verdict


def ticket_summary(trace: StoredTrace, verdict: Verdict | None, url: str) -> str:
    """Facts, and the verdict for those who may read it."""
    request, outcome = trace.head.request, trace.outcome
    code = f", {outcome.error_code}" if outcome.error_code else ""
    who = [
        f"{name} {value}"
        for name, value in (
            ("tenant", request.tenant),
            ("feature", request.feature),
            ("plan", request.plan),
            ("app", " ".join(filter(None, (request.app, request.app_version)))),
        )
        if value
    ]
    lines = [
        f"Trace {trace.trace_id}",
        f"{clock.iso(trace.head.started_at_ms)}, {outcome.status}{code}",
        ", ".join(who),
    ]
    if verdict is not None:
        lines += [verdict.sentence, f"Next step: {verdict.next_step}"]
    return "\n".join([*filter(None, lines), url])
