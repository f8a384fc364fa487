"""When a deployment is left alone, and when it may be tried again: one breaker each.

    closed ──failures──▶ resting ──its time is over──▶ due ──one live request──▶ closed
                            ▲                                     │
                            └───────────── longer ◀──failed───────┘

Nobody is asked just to see whether he lives: the probe is a request that somebody makes, one at a
time. A rest is never for ever.
"""

from collections import deque

WINDOW_MS = 30_000
FEWEST_CALLS = 10
FAILURES_IN_A_ROW = 5
WARNED_FAILURES = 1
"""So many are enough while another process leaves the deployment alone."""
WARNED_MS = 15_000
"""How long a warning holds: three of those that are sent."""
BETWEEN_PROBES_MS = 1_000
"""Where everybody rests, the oldest is tried before its time, but not more often than this."""
PROBE_LEASE_MS = 30_000
"""A probe that has not said anything for so long does not keep others from trying."""


class Rests:
    """How long a deployment rests: `first_ms`, doubled after each probe that failed, up to
    `longest_ms`."""

    __slots__ = ("first_ms", "longest_ms")

    def __init__(self, first_ms: int, longest_ms: int) -> None:
        self.first_ms = first_ms
        self.longest_ms = longest_ms


FAILING = Rests(5_000, 28_000)
"""After failures. A little under half a minute at most, so that a deployment which is well again
serves within that."""

REFUSING = Rests(60_000, 900_000)
"""After an answer that says it will go on refusing: no quota, wrong credentials, no such model."""

SATURATED_MS = 5_000
"""How long a deployment that limits its callers comes after the others, when it did not say."""
LONGEST_SATURATED_MS = 60_000


class Breaker:
    """One deployment's. All moments are milliseconds since the epoch."""

    __slots__ = (
        "_calls",
        "_in_a_row",
        "_last_ms",
        "_rests",
        "_tried_ms",
        "probe",
        "probe_until_ms",
        "saturated_until_ms",
        "since_ms",
        "until_ms",
        "warned_until_ms",
        "why",
    )

    def __init__(self) -> None:
        self._calls: deque[tuple[int, bool]] = deque(maxlen=1_000)
        """(moment, failed) of the calls within the window."""
        self._in_a_row = 0
        self._rests = FAILING
        self._last_ms = 0
        """How long the last rest was."""
        self._tried_ms = 0
        self.why = ""
        self.since_ms: int | None = None
        """Since when it rests; None when it does not."""
        self.until_ms = 0
        self.probe: str | None = None
        """The trace id of the request that tries it."""
        self.probe_until_ms = 0
        self.saturated_until_ms = 0
        self.warned_until_ms = 0

    # ------------------------------------------------------------------ what it is now

    def is_due(self, moment_ms: int) -> bool:
        """Whether it rested long enough and nobody tries it yet."""
        return (
            self.since_ms is not None
            and moment_ms >= self.until_ms
            and (self.probe is None or moment_ms >= self.probe_until_ms)
        )

    def changes_ms(self, moment_ms: int) -> float:
        """When it will be something else by time alone."""
        moments = [self.saturated_until_ms]
        if self.since_ms is not None:
            moments += [self.until_ms, self.probe_until_ms if self.probe else 0]
        return min((one for one in moments if one > moment_ms), default=float("inf"))

    # ------------------------------------------------------------------ what it is told

    def call_ended(self, moment_ms: int, *, failed: bool, what: str) -> bool:
        """A call ended; `what` says how it failed. True when its state changed."""
        calls = self._calls
        calls.append((moment_ms, failed))
        if not failed:
            self._in_a_row = 0
            return self._recover()
        self._in_a_row += 1
        if self.since_ms is not None:
            self._rest(moment_ms, FAILING, f"It was tried again, and {what}.")
            return True
        while calls[0][0] < moment_ms - WINDOW_MS:
            calls.popleft()
        failures = sum(failed for _, failed in calls)
        warned = moment_ms < self.warned_until_ms
        if self._in_a_row >= (WARNED_FAILURES if warned else FAILURES_IN_A_ROW):
            times = f"{self._in_a_row} failures in a row; the last time {what}."
            why = f"It fails elsewhere too, and here {what}." if warned else times
        elif len(calls) >= FEWEST_CALLS and 2 * failures >= len(calls):
            share = f"{failures} of {len(calls)} calls within half a minute failed"
            why = f"{share}; the last time {what}."
        else:
            return False
        self._rest(moment_ms, FAILING, why)
        return True

    def refused(self, moment_ms: int, why: str) -> None:
        """It said that it will go on refusing."""
        self._rest(moment_ms, REFUSING, why)

    def saturated(self, moment_ms: int, wait_s: float | None) -> None:
        """It limits its callers, and said for how long or not."""
        wait_ms = SATURATED_MS if wait_s is None else round(wait_s * 1000)
        wait_ms = max(1_000, min(wait_ms, LONGEST_SATURATED_MS))
        self.saturated_until_ms = max(self.saturated_until_ms, moment_ms + wait_ms)

    def try_it(self, trace_id: str, moment_ms: int) -> None:
        """`trace_id` is the probe."""
        self.probe, self.probe_until_ms = trace_id, moment_ms + PROBE_LEASE_MS
        self._tried_ms = moment_ms

    def hasten(self, moment_ms: int) -> bool:
        """There is nobody else: it may be tried now, if that was not done just now."""
        if self.probe is not None or moment_ms < self._tried_ms + BETWEEN_PROBES_MS:
            return False
        self.until_ms = min(self.until_ms, moment_ms)
        return True

    def give_up(self, trace_id: str) -> bool:
        """The request ended; if it was the probe and nothing was learnt, another may be."""
        if self.probe != trace_id:
            return False
        self.probe = None
        return True

    # ------------------------------------------------------------------ inside

    def _rest(self, moment_ms: int, rests: Rests, why: str) -> None:
        tried = self.probe is not None
        if self.since_ms is None:
            self.since_ms, self._last_ms, self._rests = moment_ms, rests.first_ms, rests
        elif tried and rests.first_ms <= self._rests.first_ms:
            self._last_ms = min(2 * self._last_ms, self._rests.longest_ms)
        elif rests.first_ms > self._rests.first_ms:  # it fails, and now says that it will go on
            self._last_ms, self._rests = rests.first_ms, rests
        else:
            return  # a call that was under way before it rested: nothing new
        self.why = why
        self.until_ms = moment_ms + self._last_ms
        self.probe = None

    def _recover(self) -> bool:
        if self.since_ms is None:
            return False
        self.since_ms, self.until_ms, self.probe, self.why = None, 0, None, ""
        self._last_ms = 0
        self._calls.clear()
        return True
