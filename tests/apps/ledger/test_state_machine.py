"""Any order of reserving, going on, settling, dying, reaping and coming late, against a model.

Exactly one trace for each admitted request: never two, and one at the latest when all processes
have either settled or died. After every step the tables are what the model says.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.apps.ledger import made
from tests.apps.ledger.stored import Stored

WORKERS = ("one", "other")


@dataclass
class Request:
    """One admitted request, as it should be."""

    worker: str
    n: int = 1
    held: int = 0
    attempts: set[int] = field(default_factory=set)
    spent: int = 0
    error_code: str | None = ""
    cost: int | None = None
    """What its trace says; None while it is open."""


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


class LedgerMachine(RuleBasedStateMachine):
    stored: Stored
    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.stored.do("TRUNCATE ledger_trace, ledger_attempt, ledger_hold, ledger_workerlease")
        self.model: dict[str, Request] = {}
        self.epochs: dict[str, int] = {}
        self.fenced: set[str] = set()
        for worker in WORKERS:
            self._register(worker)

    def _value(self, query: str, *values: object) -> Any:
        [row] = self.stored.all(f"SELECT {query} AS value", *values)
        return row["value"]

    # ------------------------------------------------------------------ what processes do

    def _register(self, worker: str) -> None:
        self.epochs[worker] = self._value("ledger_register(%s, '1 hour')", worker)
        self.fenced.discard(worker)

    @initialize(target=requests)
    def begin_busily(self) -> Any:
        return self.reserve("one", [10, 20, 30], False)

    @rule(
        target=requests,
        worker=st.sampled_from(WORKERS),
        amounts=st.lists(st.integers(0, 1000), min_size=1, max_size=3),
        unaware=st.booleans(),
    )
    def reserve(self, worker: str, amounts: list[int], unaware: bool) -> Any:
        """A fenced worker is refused while it is `unaware`; otherwise it takes a new lease."""
        heads = [made.head() for _ in amounts]
        batch = [
            {"trace_id": known.trace_id, "n": 1, "amount_nano_usd": amount, "head": _plain(known)}
            for known, amount in zip(heads, amounts, strict=True)
        ]
        call = "ledger_reserve(%s, %s, %s, null)"
        if worker in self.fenced and unaware:
            with pytest.raises(psycopg.DatabaseError, match="stale"):
                self._value(call, worker, self.epochs[worker], Jsonb(batch))
            return multiple()
        self._register(worker)
        assert self._value(call, worker, self.epochs[worker], Jsonb(batch)) is None
        for known, amount in zip(heads, amounts, strict=True):
            self.model[known.trace_id] = Request(worker, held=amount)
        return multiple(*(known.trace_id for known in heads))

    @rule(
        trace_id=requests,
        amount=st.integers(0, 1000),
        cost=st.integers(0, 1000),
        again=st.booleans(),
    )
    def advance(self, trace_id: str, amount: int, cost: int, again: bool) -> None:
        """To the next attempt, or `again` to the present one, which changes nothing."""
        request = self.model[trace_id]
        self._register(request.worker)
        n = request.n - 1 if again else request.n
        row = {
            "trace_id": trace_id,
            "n": n + 1,
            "amount_nano_usd": amount,
            "attempt": _plain(made.attempt(n, cost_nano_usd=cost)),
        }
        stopped = self._value(
            "ledger_advance(%s, %s, %s)", request.worker, self.epochs[request.worker], Jsonb([row])
        )
        if again or request.cost is not None:
            assert stopped == [trace_id]
            return
        assert stopped is None
        request.attempts.add(n)
        request.spent += cost
        request.n, request.held = n + 1, amount

    @rule(
        ended=st.lists(st.tuples(requests, st.integers(0, 1000)), min_size=1, max_size=4),
    )
    def settle(self, ended: list[tuple[str, int]]) -> None:
        """A batch; some of it may be settled already, reaped, or twice in it."""
        costs: dict[str, int] = {}
        for trace_id, cost in ended:
            costs.setdefault(trace_id, cost)
        batch = [
            {
                "trace_id": trace_id,
                "n": self.model[trace_id].n,
                "outcome": _plain(made.outcome(cost_nano_usd=costs[trace_id])),
                "attempts": _plain([made.attempt(self.model[trace_id].n)]),
            }
            for trace_id, _ in ended
        ]
        self._value("ledger_settle(%s)", Jsonb(batch))
        for trace_id, cost in costs.items():
            request = self.model[trace_id]
            if request.cost is None or request.error_code == "abandoned":
                request.cost, request.error_code = cost, None
                request.attempts.add(request.n)

    @rule(trace_id=consumes(requests))
    def release(self, trace_id: str) -> None:
        outcome = made.outcome(error_code="client_disconnected", cost_nano_usd=0)
        row = {"trace_id": trace_id, "key_hash": None, "outcome": _plain(outcome), "attempts": []}
        self._value("ledger_release(%s)", Jsonb([row]))
        request = self.model[trace_id]
        if request.cost is None:
            request.cost, request.error_code = 0, "client_disconnected"

    # ------------------------------------------------------------------ what befalls them

    @rule(worker=st.sampled_from(WORKERS))
    def sleep_through_the_lease(self, worker: str) -> None:
        self.stored.expire(worker)
        self.fenced.add(worker)

    @rule(most=st.sampled_from([1, 2, 500]))
    def reap(self, most: int) -> None:
        self._value("(ledger_reap(clock_timestamp(), '1 hour', %s)).reaped", most)
        reaped = {
            str(row["trace_id"])
            for row in self.stored.all(
                "SELECT trace_id FROM ledger_trace WHERE error_code = 'abandoned'"
            )
        }
        dead = {
            trace_id
            for trace_id, request in self.model.items()
            if request.cost is None and request.worker in self.fenced
        }
        fresh = {trace_id for trace_id in reaped if self.model[trace_id].cost is None}
        assert fresh <= dead
        assert len(fresh) == min(most, len(dead))
        for trace_id in fresh:
            request = self.model[trace_id]
            request.cost, request.error_code = request.held + request.spent, "abandoned"

    # ------------------------------------------------------------------ what holds

    @invariant()
    def every_open_request_has_its_hold_and_no_other_has_one(self) -> None:
        expected = [
            (trace_id, request.n, request.held)
            for trace_id, request in sorted(self.model.items())
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
            for trace_id, request in sorted(self.model.items())
            if request.cost is not None
        ]
        assert traces == expected

    @invariant()
    def every_attempt_is_written_once(self) -> None:
        rows = self.stored.all("SELECT trace_id, n FROM ledger_attempt ORDER BY trace_id, n")
        expected = [
            (trace_id, n)
            for trace_id, request in sorted(self.model.items())
            for n in sorted(request.attempts)
        ]
        assert [(str(row["trace_id"]), row["n"]) for row in rows] == expected

    def teardown(self) -> None:
        """Let everybody die: then nothing is held and every admission has its trace."""
        for worker in WORKERS:
            self.sleep_through_the_lease(worker)
        self.reap(500)
        assert self.stored.holds() == []
        assert self.stored.traces() == set(self.model)


def test_any_order_of_events_leaves_one_trace_for_each_admission(dsn: str, stored: Stored) -> None:
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        LedgerMachine.stored = Stored(connection)
        run_state_machine_as_test(
            LedgerMachine,
            settings=settings(
                max_examples=40,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
