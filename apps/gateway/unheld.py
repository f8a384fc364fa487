"""Requests that go on while the database is away: nothing can be held for them, and no cap that
counts them forbids it. What they used is written down on disk, and counted afterwards."""

from msgspec.structs import replace

from apps.gateway.claims import Claims
from apps.gateway.surroundings import Books
from apps.ledger.records import (
    Admitted,
    AttemptRecord,
    Hold,
    LedgerAway,
    Outcome,
    Settlement,
    TraceHead,
    Unheld,
)
from apps.ledger.windows import wanted
from routerctl.engine.errors import CATALOGUE
from routerctl.engine.revision import Revision

MARK = "unheld"
"""Stands on the trace of every such request."""


class Tab:
    """What one such request used so far. Its `claims` name windows that nobody opened yet by
    their places, -1 and downwards."""

    __slots__ = ("_attempts", "_books", "_head", "_used", "_wanted", "claims")

    def __init__(self, head: TraceHead, revision: Revision, books: Books) -> None:
        """Raises LedgerAway when a cap is closed, or the disk has no room for what is used."""
        decision = head.decision
        uses = [(revision.caps.named[use.cap], use.key) for use in decision.caps]
        counting = [(cap, key) for cap, key in uses if cap.has_window]
        if not books.keeps_unheld or any(cap.spec.mode == "closed" for cap, _ in counting):
            raise LedgerAway
        self._head, self._books = head, books
        self._attempts: list[AttemptRecord] = []
        self._wanted = tuple([wanted(cap, key) for cap, key in counting])
        self._used = [0] * len(counting)
        places = iter(range(-1, -1 - len(counting), -1))
        self.claims = Claims(
            decision.steps,
            [cap for cap, _ in uses],
            [next(places) if cap.has_window else 0 for cap, _ in uses],
        )

    def window(self, id_: int) -> None:
        """None is known."""

    async def begin(self, hold: Hold) -> Admitted:
        """Write down what the attempt that would have had `hold` may cost, should this process die
        meanwhile. Raises LedgerAway when the disk does not take it."""
        claim, used = hold.claims[0], list(self._used)
        for window, amount in zip(claim.windows, claim.amounts, strict=True):
            used[-1 - window] += amount
        spent = sum(attempt.cost_nano_usd for attempt in self._attempts)
        await self._books.begin_unheld(
            Unheld(
                head=self._head,
                outcome=_abandoned(spent + claim.amount_nano_usd),
                attempts=tuple(self._attempts),
                counted=self._wanted,
                used=tuple(used),
            )
        )
        return Admitted()

    async def advance(
        self,
        hold: Hold,
        attempt: AttemptRecord,
        *,
        had: tuple[int, ...] = (),
        used: tuple[int, ...] = (),
    ) -> Admitted:
        """Write down an attempt that failed, and what the next may cost."""
        self._attempts.append(replace(attempt, held_nano_usd=0))
        self._add(had, used)
        try:
            return await self.begin(hold)
        except BaseException:  # whoever settles brings the attempt along
            self._attempts.pop()
            self._add(had, tuple([-amount for amount in used]))
            raise

    def ended(self, settlement: Settlement, windows: tuple[int, ...]) -> Unheld:
        """The whole request, when its last attempt used what `settlement` says of `windows`."""
        self._add(windows, settlement.used)
        outcome = settlement.outcome
        attempts = (*self._attempts, *settlement.attempts)
        return Unheld(
            head=settlement.head,
            outcome=replace(outcome, held_nano_usd=0, marks=(*outcome.marks, MARK)),
            attempts=tuple([replace(attempt, held_nano_usd=0) for attempt in attempts]),
            counted=self._wanted,
            used=tuple(self._used),
        )

    def _add(self, windows: tuple[int, ...], used: tuple[int, ...]) -> None:
        for place, amount in zip(windows, used, strict=True):
            self._used[-1 - place] += amount


def _abandoned(cost_nano_usd: int) -> Outcome:
    """As the reaper ends a request whose process died: it may have cost all that it could."""
    return Outcome(
        status="failed",
        finish_status="error",
        http_status=CATALOGUE["abandoned"].status,
        error_code="abandoned",
        usage_source="estimated",
        cost_nano_usd=cost_nano_usd,
        marks=(MARK,),
    )
