"""Requests that go on while the database is away: nothing can be held for them, and no cap that
counts them forbids it. What they used is written down on disk, and counted afterwards."""

from msgspec.structs import replace

from apps.gateway.claims import Claims
from apps.gateway.surroundings import Books
from apps.ledger.records import Admitted, AttemptRecord, Hold, LedgerAway, Settlement, Unheld
from apps.ledger.windows import wanted
from routerctl.engine.revision import Revision
from routerctl.engine.types import Decision

MARK = "unheld"
"""Stands on the trace of every such request."""


class Tab:
    """What one such request used so far. Its `claims` name windows that nobody opened yet by
    their places, -1 and downwards."""

    __slots__ = ("_attempts", "_used", "_wanted", "claims")

    def __init__(self, decision: Decision, revision: Revision, books: Books) -> None:
        """Raises LedgerAway when a cap is closed, or the disk has no room for what is used."""
        uses = [(revision.caps.named[use.cap], use.key) for use in decision.caps]
        counting = [(cap, key) for cap, key in uses if cap.has_window]
        if not books.keeps_unheld or any(cap.spec.mode == "closed" for cap, _ in counting):
            raise LedgerAway
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

    async def advance(
        self,
        hold: Hold,  # noqa: ARG002  # as of the ledger, which would hold it
        attempt: AttemptRecord,
        *,
        had: tuple[int, ...] = (),
        used: tuple[int, ...] = (),
    ) -> Admitted:
        """Write down an attempt that failed."""
        self._attempts.append(attempt)
        self._add(had, used)
        return Admitted()

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
