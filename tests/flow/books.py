"""What must be true after any accident, read from the database and from the providers."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.flow.load import Asked
from tests.processes import Mock

Row = dict[str, Any]

_TRACES = """
SELECT t.trace_id::text, t."user" AS marker, t.status, t.error_code, t.cost_nano_usd,
    (SELECT count(*) FROM ledger_attempt a WHERE a.trace_id = t.trace_id
     AND a.error_class IS DISTINCT FROM 'connect') AS attempts,
    (SELECT string_agg(coalesce(a.error_class, a.outcome), ', ' ORDER BY a.n)
     FROM ledger_attempt a WHERE a.trace_id = t.trace_id) AS ended_as,
    (SELECT coalesce(sum(a.cost_nano_usd), 0)::bigint FROM ledger_attempt a
     WHERE a.trace_id = t.trace_id) AS attempts_cost_nano_usd
FROM ledger_trace t WHERE t."user" IS NOT NULL
"""
_MARKER = re.compile(r"\((\w+-\d+)\)")


class Books:
    """The ledger of one server. Read only when nothing is in flight any more."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def rows(self, query: str, *parameters: Any) -> list[Row]:
        with psycopg.connect(self._url, row_factory=dict_row) as connection:
            return connection.execute(query, parameters or None).fetchall()

    def held(self) -> int:
        """How many holds are open."""
        [row] = self.rows("SELECT count(*) AS holds FROM ledger_hold")
        return int(row["holds"])

    def nothing_held_after_s(self, at_most_s: float) -> float:
        """Wait until nothing is held; the seconds it took. Fails after `at_most_s`."""
        began = time.monotonic()
        while held := self.held():
            waited_s = time.monotonic() - began
            assert waited_s < at_most_s, f"{held} holds are open after {waited_s:.0f} s"
            time.sleep(0.25)
        return time.monotonic() - began

    def traces(self) -> list[Row]:
        """One row for each trace of a `Load`."""
        return self.rows(_TRACES)

    def wrong(self, asked: Iterable[Asked], mock: Mock) -> list[str]:
        """A sentence for whatever is not as it must be; empty when the books are right."""
        traces, calls = self.traces(), called(mock)
        return [
            *_more_or_less_than_one_trace(traces, calls, list(asked)),
            *_other_attempts_than_calls(traces, calls),
            *_other_costs_than_their_attempts(traces),
            *self._wrong_windows(),
        ]

    def _wrong_windows(self) -> Iterable[str]:
        """What the ledger itself finds wrong with its windows."""
        found = self.rows("SELECT * FROM ledger_reconcile(now() - interval '8 days')")
        return map(str, found)


def marker_of(call: Row) -> str | None:
    """The marker of the request for which a provider was called."""
    found = _MARKER.search(json.dumps(call["body"]))
    return found[1] if found else None


def called(mock: Mock) -> Counter[str]:
    """How often providers were called for each marker."""
    markers = map(marker_of, mock.calls())
    return Counter(marker for marker in markers if marker)


def _more_or_less_than_one_trace(
    traces: list[Row], calls: Counter[str], asked: list[Asked]
) -> Iterable[str]:
    count = Counter(trace["marker"] for trace in traces)
    ids = {trace["marker"]: trace["trace_id"] for trace in traces}
    for marker, number in count.items():
        if number > 1:
            yield f"{marker} has {number} traces"
    for marker in calls.keys() - count.keys():
        yield f"{marker} reached a provider and has no trace"
    for one in asked:
        known = ids.get(one.marker)
        one_of_a_flood = known is None and one.code == "budget_unavailable"
        if one.trace_id and known != one.trace_id and not one_of_a_flood:
            yield f"{one.marker} was told trace {one.trace_id} and has {known}"


def _other_attempts_than_calls(traces: list[Row], calls: Counter[str]) -> Iterable[str]:
    """The attempt during which a process died is known to nobody: one call may be missing. One that
    found no connection reached nobody, and is not counted."""
    for trace in traces:
        unknown = calls[trace["marker"]] - trace["attempts"]
        allowed = (0, 1) if trace["error_code"] == "abandoned" else (0,)
        if unknown not in allowed:
            yield (
                f"{trace['marker']} ({trace['status']}, {trace['error_code']}) called providers "
                f"{calls[trace['marker']]} times and has {trace['attempts']} attempts"
                f" ({trace['ended_as']})"
            )


def _other_costs_than_their_attempts(traces: list[Row]) -> Iterable[str]:
    for trace in traces:
        least = trace["attempts_cost_nano_usd"]
        exact = trace["error_code"] != "abandoned"
        if trace["cost_nano_usd"] < least or (exact and trace["cost_nano_usd"] != least):
            yield f"{trace['marker']} cost {trace['cost_nano_usd']}, its attempts {least}"
