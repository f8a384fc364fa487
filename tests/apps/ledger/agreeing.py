"""The ledger's tables and the model beside each other: what `machine` does to both must leave them
equal after every step."""

from datetime import timedelta
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant
from psycopg.types.json import Jsonb

from tests.apps.ledger.model import CAPS, NIGHTS, Model, period
from tests.apps.ledger.stored import Stored


def limit_column(cap: str) -> str:
    return f"limit_{CAPS[cap].unit}"


class AgreeingMachine(RuleBasedStateMachine):
    """`now` is the moment for which windows are open; `windows` are those, by cap."""

    stored: Stored

    def __init__(self) -> None:
        super().__init__()
        self.stored.do(
            "TRUNCATE ledger_trace, ledger_attempt, ledger_hold, ledger_workerlease,"
            " ledger_capwindow, policies_cap"
        )
        self.model = Model()
        for position, (slug, cap) in enumerate(CAPS.items(), start=1):
            self.stored.do(
                "INSERT INTO policies_cap (slug, position, scope, per, missing, period, time_zone,"
                f" mode, actions, {limit_column(slug)}) VALUES (%s, %s, '{{}}', '[]', 'share', %s,"
                " %s, 'closed', '[]', %s)",
                slug,
                position,
                cap.period,
                cap.zone,
                cap.limit,
            )
        self.known: dict[tuple[str, int], int] = {}
        """Windows by cap and the second in which they begin."""
        self.now = NIGHTS[0] - timedelta(minutes=90)
        self.open_windows()

    def value(self, query: str, *values: object) -> Any:
        [row] = self.stored.all(f"SELECT {query} AS value", *values)
        return row["value"]

    def open_windows(self) -> None:
        """The windows of this moment: the same row for the same period, and no other."""
        wanted = [
            {"cap": slug, "unit": cap.unit, "period": cap.period, "time_zone": cap.zone,
             "key_hash": "", "key": {}}
            for slug, cap in CAPS.items()
        ]  # fmt: skip
        told = self.value("ledger_open_windows(%s, %s)", Jsonb(wanted), self.now)
        self.windows: dict[str, int] = {}
        for slug, (window, left_ms, ends_ms) in zip(CAPS, told, strict=True):
            starts, ends = period(CAPS[slug], self.now)
            assert starts <= self.now < ends
            assert ends_ms == ends.timestamp() * 1000
            assert left_ms == (ends - self.now).total_seconds() * 1000
            key = (slug, int(starts.timestamp()))
            assert self.known.setdefault(key, window) == window
            self.windows[slug] = window
            self.model.cap_of[window] = slug
        assert len(set(self.known.values())) == len(self.known)

    # ------------------------------------------------------------------ what holds

    @invariant()
    def every_open_request_has_its_hold_and_no_other_has_one(self) -> None:
        expected = [
            (trace_id, request.n, request.held)
            for trace_id, request in sorted(self.model.requests.items())
            if request.cost is None
        ]
        assert self.stored.holds() == expected

    @invariant()
    def every_ended_request_has_one_trace_and_no_open_one_has_any(self) -> None:
        traces = [
            (str(row["trace_id"]), row["error_code"], row["cost_nano_usd"])
            for row in self.stored.all("SELECT * FROM ledger_trace ORDER BY trace_id")
        ]
        expected = [
            (trace_id, request.error_code, request.cost)
            for trace_id, request in sorted(self.model.requests.items())
            if request.cost is not None
        ]
        assert traces == expected

    @invariant()
    def windows_hold_what_the_open_holds_do_and_have_settled_what_traces_say(self) -> None:
        rows = self.stored.all("SELECT id, cap, settled, held FROM ledger_capwindow")
        found = {row["id"]: (row["cap"], row["settled"], row["held"]) for row in rows}
        assert found == {
            window: (cap, self.model.settled(window), self.model.held(window))
            for window, cap in self.model.cap_of.items()
        }

    @invariant()
    def no_cap_is_exceeded(self) -> None:
        for window in self.model.cap_of:
            taken = self.model.taken(window)
            assert window in self.model.excused or taken <= self.model.limit(window)

    @invariant()
    def traces_name_the_windows_they_took_from(self) -> None:
        for row in self.stored.all("SELECT trace_id, windows, spent FROM ledger_trace"):
            told = list(zip(row["windows"], row["spent"], strict=True))
            used = self.model.requests[str(row["trace_id"])].used
            assert told == [item for step in used for item in step.items()]

    @invariant()
    def every_attempt_is_written_once(self) -> None:
        rows = self.stored.all("SELECT trace_id, n FROM ledger_attempt ORDER BY trace_id, n")
        expected = [
            (trace_id, n)
            for trace_id, request in sorted(self.model.requests.items())
            for n in sorted(request.attempts)
        ]
        assert [(str(row["trace_id"]), row["n"]) for row in rows] == expected
