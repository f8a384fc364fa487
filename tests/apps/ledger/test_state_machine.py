"""Any order of reserving, going on, settling, dying, reaping, coming late and changing a limit,
against a model.

Exactly one trace for each admitted request: never two, and one at the latest when all processes
have either settled or died. Caps hold: what is settled and held in a window never exceeds its
limit, unless the limit was lowered or an attempt cost more than was held for it; what is held is
the sum over open holds, what is settled the sum over the traces that name the window. After every
step the tables are what the model says.
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
LIMITS = {"daily": 1500, "monthly": 4000, "strong": 2}
UNITS = {"daily": "nano_usd", "monthly": "nano_usd", "strong": "requests"}

Amounts = dict[str, int]
"""What is taken of each cap's window, by the cap."""


STEPS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "daily": st.integers(1, 700),
            "monthly": st.integers(1, 700),
            "strong": st.just(1),
        },
    ),
    min_size=1,
    max_size=3,
)
"""The steps of a request, each with what it would take of which caps."""


def _money(step: Amounts) -> int:
    return max((step[cap] for cap in step if UNITS[cap] == "nano_usd"), default=0)


@dataclass
class Request:
    """One admitted request, as it should be."""

    worker: str
    n: int = 1
    held: int = 0
    holds: Amounts = field(default_factory=dict)
    """Of the caps' windows, by the attempt in flight."""
    used: list[Amounts] = field(default_factory=list)
    """By the attempts before it; and by the last one, once the request has ended."""
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
        self.stored.do(
            "TRUNCATE ledger_trace, ledger_attempt, ledger_hold, ledger_workerlease,"
            " ledger_capwindow, policies_cap"
        )
        self.limits = dict(LIMITS)
        self.excused: set[str] = set()
        """Caps which may stand above their limit, because it was lowered or a bound exceeded."""
        self.windows = {cap: self._open(cap) for cap in LIMITS}
        self.model: dict[str, Request] = {}
        self.epochs: dict[str, int] = {}
        self.fenced: set[str] = set()
        for worker in WORKERS:
            self._register(worker)

    def _value(self, query: str, *values: object) -> Any:
        [row] = self.stored.all(f"SELECT {query} AS value", *values)
        return row["value"]

    def _open(self, cap: str) -> int:
        unit = "limit_nano_usd" if UNITS[cap] == "nano_usd" else "limit_requests"
        self.stored.do(
            "INSERT INTO policies_cap (slug, position, scope, per, missing, period, time_zone,"
            f" mode, actions, {unit}) VALUES (%s, %s, '{{}}', '[]', 'share', 'day', 'UTC',"
            " 'closed', '[]', %s)",
            cap,
            list(LIMITS).index(cap) + 1,
            LIMITS[cap],
        )
        wanted = {
            "cap": cap,
            "unit": UNITS[cap],
            "period": "day",
            "time_zone": "UTC",
            "key_hash": "",
            "key": {},
        }
        [[window, *_]] = self._value("ledger_open_windows(%s)", Jsonb([wanted]))
        assert isinstance(window, int)
        return window

    def _taken(self, cap: str) -> int:
        """What the model says is settled and held of a cap."""
        return sum(self._settled(r, cap) + r.holds.get(cap, 0) for r in self.model.values())

    @staticmethod
    def _settled(request: Request, cap: str) -> int:
        return sum(used.get(cap, 0) for used in request.used)

    def _fitting(self, steps: list[Amounts], without: Request | None = None) -> int | None:
        """The first of `steps` for which every window has room, as the model sees it."""
        for place, step in enumerate(steps):
            if all(
                self._taken(cap) - (without.holds.get(cap, 0) if without else 0) + amount
                <= self.limits[cap]
                for cap, amount in step.items()
            ):
                return place
        return None

    def _row(self, steps: list[Amounts], amounts: list[int]) -> dict[str, Any]:
        claims = [
            {
                "amount_nano_usd": amount,
                "windows": [self.windows[cap] for cap in step],
                "amounts": list(step.values()),
            }
            for step, amount in zip(steps, amounts, strict=True)
        ]
        return {**claims[0], "others": claims[1:]}

    @property
    def _all_windows(self) -> list[int]:
        return sorted(self.windows.values())

    # ------------------------------------------------------------------ what processes do

    def _register(self, worker: str) -> None:
        self.epochs[worker] = self._value("ledger_register(%s, '1 hour')", worker)
        self.fenced.discard(worker)

    @initialize(target=requests)
    def begin_busily(self) -> Any:
        return self.reserve("one", [[{"daily": 10}], [{}], [{"monthly": 30}]], False)

    @rule(
        target=requests,
        worker=st.sampled_from(WORKERS),
        asked=st.lists(STEPS, min_size=1, max_size=3),
        unaware=st.booleans(),
    )
    def reserve(self, worker: str, asked: list[list[Amounts]], unaware: bool) -> Any:
        """A fenced worker is refused while it is `unaware`; otherwise it takes a new lease."""
        heads = [made.head() for _ in asked]
        batch = [
            {"trace_id": known.trace_id, "n": 1, "head": _plain(known)}
            | self._row(steps, [_money(step) for step in steps])
            for known, steps in zip(heads, asked, strict=True)
        ]
        call = "ledger_reserve(%s, %s, %s, null, %s, %s)"
        needed = [sum(steps[0].get(cap, 0) for steps in asked) for cap in self._by_window]
        arguments = (Jsonb(batch), self._all_windows, needed)
        if worker in self.fenced and unaware:
            with pytest.raises(psycopg.DatabaseError, match="stale"):
                self._value(call, worker, self.epochs[worker], *arguments)
            return multiple()
        self._register(worker)
        told = self._value(call, worker, self.epochs[worker], *arguments) or {}
        refused = {one["trace_id"] for one in told.get("refused", ())}
        admitted = []
        for known, steps in zip(heads, asked, strict=True):
            place = self._fitting(steps)
            assert (known.trace_id in refused) == (place is None)
            if place is None:
                continue
            assert told.get("steps", {}).get(known.trace_id, {"claim": 0})["claim"] == place
            self.model[known.trace_id] = Request(
                worker, held=_money(steps[place]), holds=steps[place]
            )
            admitted.append(known.trace_id)
        return multiple(*admitted)

    @property
    def _by_window(self) -> list[str]:
        """The caps in the order of their windows' ids."""
        return sorted(self.windows, key=self.windows.__getitem__)

    @rule(trace_id=requests, steps=STEPS, cost=st.integers(0, 1000), again=st.booleans())
    def advance(self, trace_id: str, steps: list[Amounts], cost: int, again: bool) -> None:
        """To the next attempt, or `again` to the present one, which changes nothing."""
        request = self.model[trace_id]
        self._register(request.worker)
        n = request.n - 1 if again else request.n
        used = self._used(request, cost)
        row = {
            "trace_id": trace_id,
            "n": n + 1,
            "attempt": _plain(made.attempt(n, cost_nano_usd=cost)),
            "used": list(used.values()),
        } | self._row(steps, [_money(step) for step in steps])
        told = self._value(
            "ledger_advance(%s, %s, %s, %s)",
            request.worker,
            self.epochs[request.worker],
            Jsonb([row]),
            self._all_windows,
        )
        if again or request.cost is not None:
            assert told["stopped"] == [trace_id]
            return
        held, request.holds = request.holds, {}
        request.used.append(used)
        place = self._fitting(steps)
        if place is None:
            assert [one["trace_id"] for one in told["refused"]] == [trace_id]
            request.holds = held
            request.used.pop()
            return
        assert (told or {"steps": {}})["steps"].get(trace_id, {"claim": 0})["claim"] == place
        self._excuse(used, held)
        request.attempts.add(n)
        request.spent += cost
        request.n, request.held, request.holds = n + 1, _money(steps[place]), steps[place]

    def _used(self, request: Request, cost: int) -> Amounts:
        """What an attempt that cost so much takes of the windows it holds."""
        return {cap: cost if UNITS[cap] == "nano_usd" else min(cost, 1) for cap in request.holds}

    def _excuse(self, used: Amounts, held: Amounts) -> None:
        self.excused |= {cap for cap, amount in used.items() if amount > held[cap]}

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
                "used": list(self._last_used(trace_id, costs[trace_id]).values()),
            }
            for trace_id, _ in ended
        ]
        self._value("ledger_settle(%s)", Jsonb(batch))
        for trace_id, cost in costs.items():
            request = self.model[trace_id]
            if request.cost is None or request.error_code == "abandoned":
                used = self._last_used(trace_id, cost)
                held = request.used.pop() if request.cost is not None else request.holds
                self._excuse(used, held)
                request.used.append(used)
                request.holds = {}
                request.cost, request.error_code = cost, None
                request.attempts.add(request.n)

    def _last_used(self, trace_id: str, cost: int) -> Amounts:
        """What the last attempt took; of a request that was reaped, of what it held then."""
        request = self.model[trace_id]
        held = request.holds if request.cost is None else request.used[-1]
        return {cap: cost if UNITS[cap] == "nano_usd" else min(cost, 1) for cap in held}

    @rule(trace_id=consumes(requests))
    def release(self, trace_id: str) -> None:
        outcome = made.outcome(error_code="client_disconnected", cost_nano_usd=0)
        row = {
            "trace_id": trace_id,
            "key_hash": None,
            "outcome": _plain(outcome),
            "attempts": [],
            "used": [],
        }
        self._value("ledger_release(%s)", Jsonb([row]))
        request = self.model[trace_id]
        if request.cost is None:
            request.cost, request.error_code = 0, "client_disconnected"
            request.used.append(dict.fromkeys(request.holds, 0))
            request.holds = {}

    # ------------------------------------------------------------------ what befalls them

    @rule(worker=st.sampled_from(WORKERS))
    def sleep_through_the_lease(self, worker: str) -> None:
        self.stored.expire(worker)
        self.fenced.add(worker)

    @rule(cap=st.sampled_from(list(LIMITS)), part=st.sampled_from([0.5, 1, 2]))
    def change_a_limit(self, cap: str, part: float) -> None:
        limit = int(LIMITS[cap] * part)
        if limit < self.limits[cap]:
            self.excused.add(cap)
        column = "limit_nano_usd" if UNITS[cap] == "nano_usd" else "limit_requests"
        self.stored.do(f"UPDATE policies_cap SET {column} = %s WHERE slug = %s", limit, cap)
        self.limits[cap] = limit

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
            request.used.append(request.holds)
            request.holds = {}

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
    def windows_hold_what_the_open_holds_do_and_have_settled_what_traces_say(self) -> None:
        rows = self.stored.all("SELECT * FROM ledger_capwindow")
        found = {row["cap"]: (row["settled"], row["held"]) for row in rows}
        assert found == {
            cap: (
                sum(self._settled(request, cap) for request in self.model.values()),
                sum(request.holds.get(cap, 0) for request in self.model.values()),
            )
            for cap in LIMITS
        }

    @invariant()
    def no_cap_is_exceeded(self) -> None:
        for cap, limit in self.limits.items():
            assert cap in self.excused or self._taken(cap) <= limit

    @invariant()
    def traces_name_the_windows_they_took_from(self) -> None:
        for row in self.stored.all("SELECT trace_id, windows, spent FROM ledger_trace"):
            told = list(zip(row["windows"], row["spent"], strict=True))
            used = self.model[str(row["trace_id"])].used
            assert told == [(self.windows[c], a) for step in used for c, a in step.items()]

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
