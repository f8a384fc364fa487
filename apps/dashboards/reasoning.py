"""How a decision came about: its task, its gates and checks, every candidate; in words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from apps.dashboards.facts import Fact
from apps.dashboards.story import Result, result_for
from apps.traces.values import StoredTrace
from routerctl.engine.sentences import all_of, capitalised
from routerctl.engine.types import Candidate, Decision, Finding, GateOutcome, TextReading

_STRATEGIES = {
    "priority": "in the order written",
    "weighted": "shared out by weight",
    "cheapest": "cheapest first",
    "fastest": "fastest first",
    "score": "by score",
}
_TASK_SOURCES = {
    "client": "said by the client",
    "inferred": "inferred from the text",
    "default": "by default, because nothing said otherwise",
}
_GATE_ENDS = {
    "block": "so the request was blocked",
    "redact": "so personal data was taken out of the text",
    "downgrade": "so any deployment that passes every gate could serve",
    "local": "so any local deployment that passes every gate could serve",
}
_PASSED = Result("ok", "circle-check", "Passed")
_STRUCK = Result("warn", "triangle-alert", "Applied")
_STOPPED = Result("error", "circle-x", "Stopped the request")


@dataclass(frozen=True, slots=True)
class Test:
    """A gate or check that had something to say."""

    slug: str
    result: Result
    sentence: str


@dataclass(frozen=True, slots=True)
class Considered:
    """A candidate with what became of it."""

    candidate: Candidate
    result: Result


@dataclass(frozen=True, slots=True)
class Reasoning:
    facts: tuple[Fact, ...]
    tests: tuple[Test, ...]
    candidates: tuple[Considered, ...]
    scored: bool
    before_redaction: tuple[str, ...]
    """Who was turned away before a gate had personal data taken out of the text."""


def reasoning(trace: StoredTrace) -> Reasoning:
    """Of a decision that was carried out."""
    head = trace.head
    return explained(head.decision, head.reading, lambda candidate: result_for(candidate, trace))


def explained(
    decision: Decision, reading: TextReading, became: Callable[[Candidate], Result]
) -> Reasoning:
    """Of any decision; `became` says how each candidate came off."""
    return Reasoning(
        facts=tuple(_facts(decision, reading)),
        tests=(
            *(_gate(gate, decision) for gate in decision.gates),
            *(_check(finding) for finding in reading.findings),
        ),
        candidates=tuple(Considered(c, became(c)) for c in decision.candidates),
        scored=any(c.score is not None for c in decision.candidates),
        before_redaction=tuple(c.deployment for c in decision.before_redaction),
    )


def _facts(decision: Decision, reading: TextReading) -> Iterator[Fact]:
    yield Fact("Route", _route(decision), why_unknown="No route matched")
    if decision.route:
        yield Fact("Rule", capitalised(decision.rule) or "Takes every request")
    if decision.reason:
        yield Fact("Reason", decision.reason)
    if decision.refusal:
        yield Fact("Refused", decision.refusal.message)
    if decision.task:
        yield Fact("Task", f"{decision.task}, {_task_source(decision)}")
    yield Fact("Sensitivity", _sensitivity(decision, reading))
    if decision.redact:
        taken = [what.replace("_", " ") for what in decision.redact]
        yield Fact("Taken out", f"{all_of(taken)}, before the text was sent")
    if decision.prompt:
        yield Fact("Prompt", decision.prompt)
    if decision.flags:
        states = [f"{slug} was {'on' if on else 'off'}" for slug, on in decision.flags.items()]
        yield Fact("Flags", all_of(states))
    yield Fact(
        "Revision",
        decision.revision[:12],
        copied=decision.revision,
        why_unknown="The record of the decision was lost",
    )


def _route(decision: Decision) -> str:
    if not decision.route:
        return ""
    how = _STRATEGIES.get(decision.strategy, decision.strategy)
    return f"{decision.route}, {how}" if how else decision.route


def _task_source(decision: Decision) -> str:
    source = _TASK_SOURCES.get(decision.task_source, decision.task_source)
    return f"{source}: {decision.task_reason}" if decision.task_reason else source


def _sensitivity(decision: Decision, reading: TextReading) -> str:
    kinds = reading.personal_data
    found = f"; found in the text: {all_of(kinds)}" if kinds else ""
    return decision.sensitivity.value + found


def _gate(gate: GateOutcome, decision: Decision) -> Test:
    if not gate.rejected:
        return Test(gate.gate, _PASSED, "let every candidate pass")
    sentence = f"turned away {all_of(gate.rejected)}"
    if gate.otherwise is None:
        return Test(gate.gate, _STRUCK, sentence)
    end = _GATE_ENDS.get(gate.otherwise, gate.otherwise)
    return Test(
        gate.gate,
        _STOPPED if decision.refusal else _STRUCK,
        f"{sentence}, which left nobody, {end}",
    )


def _check(finding: Finding) -> Test:
    kinds = all_of([kind.replace(":", " ").replace("_", " ") for kind in finding.kinds])
    found = f"found {kinds or 'a match'}"
    if finding.do == "block":
        return Test(finding.check, _STOPPED, f"{found}, so the request was stopped")
    if finding.do == "redact":
        return Test(finding.check, _STRUCK, f"{found} and took it out of the text")
    return Test(finding.check, _STRUCK, f"{found} and flagged it")
