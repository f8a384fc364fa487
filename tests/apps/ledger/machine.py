"""Any order of reserving, going on, settling, dying, reaping, coming late, changing a limit,
raising it for a while and moving the clock, against a model.

Exactly one trace for each admitted request: never two, and one at the latest when all processes
have either settled or died. Caps hold: what is settled and held in a window never exceeds its
limit, unless the limit was lowered or an attempt cost more than was held for it; what is held is
the sum over open holds, what is settled the sum over the traces that name the window. Money stays
in the window of its admission. After every step the tables are what the model says.
"""

from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)
from psycopg.types.json import Jsonb

from tests.apps.ledger import made
from tests.apps.ledger.agreeing import AgreeingMachine, limit_column
from tests.apps.ledger.model import CAPS, NIGHTS, Amounts, Request, Taken
from tests.apps.ledger.stored import Stored

WORKERS = ("one", "other")
MONEY = st.integers(1, 700)
STEPS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={name: st.just(1) if cap.unit == "requests" else MONEY
                  for name, cap in CAPS.items()},
    ),
    min_size=1,
    max_size=3,
)  # fmt: skip
"""The steps of a request, each with what it would take of which caps."""
AROUND_MINUTES = st.sampled_from([-1441, -181, -61, -1, 0, 1, 59, 61, 179, 1439, 10081])


def run(stored: Stored, *, examples: int, steps: int) -> None:
    """Play it on an empty ledger. Raises what failed, in the shortest order that shows it."""
    LedgerMachine.stored = stored
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


class LedgerMachine(AgreeingMachine):
    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.epochs: dict[str, int] = {}
        self.fenced: set[str] = set()
        for worker in WORKERS:
            self._register(worker)

    def _in_windows(self, steps: list[Amounts]) -> list[Taken]:
        return [{self.windows[cap]: n for cap, n in step.items()} for step in steps]

    def _row(self, steps: list[Taken]) -> dict[str, Any]:
        claims = [
            {
                "amount_nano_usd": self.model.money(step),
                "windows": list(step),
                "amounts": list(step.values()),
            }
            for step in steps
        ]
        return {**claims[0], "others": claims[1:]}

    # ------------------------------------------------------------------ what processes do

    def _register(self, worker: str) -> None:
        self.epochs[worker] = self.value("ledger_register(%s, '1 hour')", worker)
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
        ladders = [self._in_windows(steps) for steps in asked]
        batch = [
            {"trace_id": known.trace_id, "n": 1, "head": _plain(known)} | self._row(steps)
            for known, steps in zip(heads, ladders, strict=True)
        ]
        ids = sorted(self.windows.values())
        needed = [sum(steps[0].get(window, 0) for steps in ladders) for window in ids]
        call = "ledger_reserve(%s, %s, %s, null, %s, %s)"
        if worker in self.fenced and unaware:
            with pytest.raises(psycopg.DatabaseError, match="stale"):
                self.value(call, worker, self.epochs[worker], Jsonb(batch), ids, needed)
            return multiple()
        self._register(worker)
        told = self.value(call, worker, self.epochs[worker], Jsonb(batch), ids, needed) or {}
        refused = {one["trace_id"] for one in told.get("refused", ())}
        admitted = []
        for known, steps in zip(heads, ladders, strict=True):
            place = self.model.fitting(steps)
            assert (known.trace_id in refused) == (place is None)
            if place is None:
                continue
            assert told.get("steps", {}).get(known.trace_id, {"claim": 0})["claim"] == place
            step = steps[place]
            held = self.model.money(step)
            self.model.requests[known.trace_id] = Request(worker, held=held, holds=step)
            admitted.append(known.trace_id)
        return multiple(*admitted)

    @rule(trace_id=requests, steps=STEPS, cost=st.integers(0, 1000), again=st.booleans())
    def advance(self, trace_id: str, steps: list[Amounts], cost: int, again: bool) -> None:
        """To the next attempt, or `again` to the present one, which changes nothing."""
        request, ladder = self.model.requests[trace_id], self._in_windows(steps)
        self._register(request.worker)
        n = request.n - 1 if again else request.n
        used = self.model.used(request.holds, cost)
        row = {
            "trace_id": trace_id,
            "n": n + 1,
            "attempt": _plain(made.attempt(n, cost_nano_usd=cost)),
            "used": list(used.values()),
        } | self._row(ladder)
        told = self.value(
            "ledger_advance(%s, %s, %s, %s)",
            request.worker,
            self.epochs[request.worker],
            Jsonb([row]),
            sorted(self.model.cap_of),
        )
        if again or request.cost is not None:
            assert told["stopped"] == [trace_id]
            return
        held, request.holds = request.holds, {}
        request.used.append(used)
        place = self.model.fitting(ladder)
        if place is None:
            assert [one["trace_id"] for one in told["refused"]] == [trace_id]
            request.holds = held
            request.used.pop()
            return
        assert (told or {"steps": {}})["steps"].get(trace_id, {"claim": 0})["claim"] == place
        self.model.excuse(used, held)
        request.attempts.add(n)
        request.spent += cost
        request.n, request.holds = n + 1, ladder[place]
        request.held = self.model.money(ladder[place])

    @rule(
        ended=st.lists(st.tuples(requests, st.integers(0, 1000)), min_size=1, max_size=4),
    )
    def settle(self, ended: list[tuple[str, int]]) -> None:
        """A batch; some of it may be settled already, reaped, or twice in it."""
        costs: dict[str, int] = {}
        for trace_id, cost in ended:
            costs.setdefault(trace_id, cost)
        used = {
            trace_id: self.model.used(self.model.requests[trace_id].last_held, cost)
            for trace_id, cost in costs.items()
        }
        batch = [
            {
                "trace_id": trace_id,
                "n": self.model.requests[trace_id].n,
                "outcome": _plain(made.outcome(cost_nano_usd=costs[trace_id])),
                "attempts": _plain([made.attempt(self.model.requests[trace_id].n)]),
                "used": list(used[trace_id].values()),
            }
            for trace_id, _ in ended
        ]
        self.value("ledger_settle(%s)", Jsonb(batch))
        for trace_id, cost in costs.items():
            request = self.model.requests[trace_id]
            if request.cost is None or request.error_code == "abandoned":
                held = request.used.pop() if request.cost is not None else request.holds
                self.model.excuse(used[trace_id], held)
                request.used.append(used[trace_id])
                request.holds = {}
                request.cost, request.error_code = cost, None
                request.attempts.add(request.n)

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
        self.value("ledger_release(%s)", Jsonb([row]))
        request = self.model.requests[trace_id]
        if request.cost is None:
            request.cost, request.error_code = 0, "client_disconnected"
            request.used.append(dict.fromkeys(request.holds, 0))
            request.holds = {}

    # ------------------------------------------------------------------ what befalls them

    @rule(worker=st.sampled_from(WORKERS))
    def sleep_through_the_lease(self, worker: str) -> None:
        """Or be killed: nobody can tell them apart."""
        self.stored.expire(worker)
        self.fenced.add(worker)

    @rule(cap=st.sampled_from(list(CAPS)), part=st.sampled_from([0.5, 1, 2]))
    def change_a_limit(self, cap: str, part: float) -> None:
        limit = int(CAPS[cap].limit * part)
        self.stored.do(
            f"UPDATE policies_cap SET {limit_column(cap)} = %s WHERE slug = %s", limit, cap
        )
        self.model.change(cap, limit)

    @rule(cap=st.sampled_from(list(CAPS)), part=st.sampled_from([0.5, 1.5, 3]))
    def raise_for_a_while(self, cap: str, part: float) -> None:
        limit = int(CAPS[cap].limit * part)
        self.stored.do(
            "UPDATE policies_cap SET raised_to = %s,"
            " raised_until = clock_timestamp() + interval '1 day' WHERE slug = %s",
            limit,
            cap,
        )
        self.model.raise_for_a_while(cap, limit)

    @rule(cap=st.sampled_from(list(CAPS)))
    def let_a_raise_end(self, cap: str) -> None:
        """By itself: its moment has come, and nobody has touched the cap."""
        self.stored.do(
            "UPDATE policies_cap SET raised_until = clock_timestamp()"
            " WHERE slug = %s AND raised_to IS NOT NULL",
            cap,
        )
        self.model.end_raise(cap)

    @rule(hours=st.sampled_from([1, 5, 24, 24 * 7]), seconds=st.integers(0, 3600))
    def let_time_pass(self, hours: int, seconds: int) -> None:
        self.now += timedelta(hours=hours, seconds=seconds)
        self.open_windows()

    @rule(night=st.sampled_from(NIGHTS), minutes=AROUND_MINUTES)
    def jump_around_a_change_of_clocks(self, night: Any, minutes: int) -> None:
        """Backwards too, as after a failover to a server whose clock is late."""
        self.now = night + timedelta(minutes=minutes)
        self.open_windows()

    @rule(most=st.sampled_from([1, 2, 500]))
    def reap(self, most: int) -> None:
        self.value("(ledger_reap(clock_timestamp(), '1 hour', %s)).reaped", most)
        reaped = {
            str(row["trace_id"])
            for row in self.stored.all(
                "SELECT trace_id FROM ledger_trace WHERE error_code = 'abandoned'"
            )
        }
        requests = self.model.requests
        dead = {
            trace_id
            for trace_id, request in requests.items()
            if request.cost is None and request.worker in self.fenced
        }
        fresh = {trace_id for trace_id in reaped if requests[trace_id].cost is None}
        assert fresh <= dead
        assert len(fresh) == min(most, len(dead))
        for trace_id in fresh:
            request = requests[trace_id]
            request.cost, request.error_code = request.held + request.spent, "abandoned"
            request.used.append(request.holds)
            request.holds = {}

    def teardown(self) -> None:
        """Let everybody die: then nothing is held and every admission has its trace."""
        for worker in WORKERS:
            self.sleep_through_the_lease(worker)
        self.reap(500)
        assert self.stored.holds() == []
        assert self.stored.traces() == set(self.model.requests)
