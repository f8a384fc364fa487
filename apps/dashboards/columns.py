"""The columns that a reader of the list of traces can choose; the id, the time and the status
always stand first. Another column is one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString

from apps.dashboards.figures import duration
from apps.dashboards.templatetags.figures import cost_of, latency, unknown
from apps.dashboards.templatetags.parts import reason_word
from apps.traces.values import StoredTrace

Cell = Callable[[StoredTrace], str]


@dataclass(frozen=True, slots=True)
class Column:
    """`cell` gives what a trace shows, escaped; empty where there is nothing to say."""

    title: str
    cell: Cell
    numeric: bool = False


def _plain(value: Callable[[StoredTrace], str | int | None]) -> Cell:
    def cell(trace: StoredTrace) -> SafeString:
        said = value(trace)
        return escape("" if said is None else said)

    return cell


def _tokens(value: Callable[[StoredTrace], int]) -> Cell:
    return _plain(lambda trace: f"{value(trace):,}" if trace.attempts else "")


def _answered_by(trace: StoredTrace) -> SafeString:
    return escape(trace.outcome.deployment or "") or unknown("Nobody answered")


def _first_token(trace: StoredTrace) -> str:
    first_ms = trace.outcome.first_token_ms
    return "" if first_ms is None else duration(first_ms)


COLUMNS: Mapping[str, Column] = {
    "reason": Column("Reason", _plain(lambda t: reason_word(t.outcome))),
    "feature": Column("Feature", _plain(lambda t: t.head.request.feature)),
    "tenant": Column("Tenant", _plain(lambda t: t.head.request.tenant)),
    "plan": Column("Plan", _plain(lambda t: t.head.request.plan)),
    "task": Column("Task", _plain(lambda t: t.head.decision.task or t.head.request.task)),
    "route": Column("Route", _plain(lambda t: t.head.decision.route)),
    "answered": Column("Answered by", _answered_by),
    "model": Column("Model", _plain(lambda t: t.outcome.model)),
    "app": Column("App", _plain(lambda t: t.head.request.app)),
    "app_version": Column("App version", _plain(lambda t: t.head.request.app_version)),
    "key": Column("API key", _plain(lambda t: t.head.request.key)),
    "session": Column("Session", _plain(lambda t: t.head.request.session)),
    "user": Column("User", _plain(lambda t: t.head.request.user)),
    "sent_as": Column("Sent as", _plain(lambda t: t.head.request_id)),
    "http": Column("HTTP", _plain(lambda t: t.outcome.http_status), numeric=True),
    "calls": Column("Calls", _plain(lambda t: len(t.attempts)), numeric=True),
    "input": Column("Input tokens", _tokens(lambda t: t.outcome.input_tokens), numeric=True),
    "output": Column("Output tokens", _tokens(lambda t: t.outcome.output_tokens), numeric=True),
    "first_token": Column("First token", _plain(_first_token), numeric=True),
    "latency": Column("Latency", lambda t: latency(t.outcome), numeric=True),
    "cost": Column("Cost, est.", cost_of, numeric=True),
}
DEFAULT_COLUMNS = ("reason", "feature", "tenant", "route", "answered", "latency", "cost")
