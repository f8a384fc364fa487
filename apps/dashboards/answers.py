"""The three questions of the verdict panel, answered in a word and a sentence each."""

from dataclasses import dataclass

from apps.traces.values import StoredTrace
from apps.traces.verdict import Verdict
from routerctl.engine.sentences import all_of

_OWNERS = {
    "client": ("The caller", "Whoever builds the app or job that sends these requests."),
    "product": ("Product", "They own the routes and gates."),
    "engineering": ("Engineering", "They own the deployments and the providers' secrets."),
    "finance": ("Finance", "They own the caps."),
    "operator": ("Operations", "They run this server."),
    "nobody": ("Nobody", "There is nothing to put right."),
}

_NEXT_STEPS = {
    "policy_blocked": "Read below why each candidate left. If the gate is wrong, ask product.",
    "no_eligible_deployment": "Read below why each candidate left, then tell engineering.",
}
"""Where the catalogue's words would send the reader to the page they are on."""


@dataclass(frozen=True, slots=True)
class Answer:
    short: str
    detail: str


def owner(trace: StoredTrace, verdict: Verdict) -> Answer:
    """Whose it is. A provider is called by its name."""
    if verdict.owner == "provider":
        failed = list(dict.fromkeys(a.provider for a in trace.attempts if a.outcome == "failed"))
        short = all_of(failed) if failed else "The provider"
        return Answer(short, "The provider failed; engineers talk to it.")
    return Answer(*_OWNERS[verdict.owner])


def retry(trace: StoredTrace, verdict: Verdict) -> Answer:
    """Whether sending the same request again helps."""
    if verdict.retry_helps:
        return Answer("Yes", "The same request may well be answered when it is sent again.")
    if trace.outcome.error_code is None and trace.outcome.finish_status in ("stop", "tool_calls"):
        return Answer("Not needed", "The request was answered.")
    return Answer("No", "The same request would end the same way.")


def next_step(verdict: Verdict) -> str:
    return _NEXT_STEPS.get(verdict.code, verdict.next_step)
