"""One stored trace as a value: what the ledger wrote, read back in the words it was written in.

`head` is what was known when the request came in, `outcome` how it ended, `attempts` the calls
to providers in order. The verdict, the public JSON and the pages are functions of it.
"""

from msgspec import Struct

from apps.ledger.records import AttemptRecord, Outcome, TraceHead
from routerctl.engine.types import Candidate


class StoredTrace(Struct, frozen=True):
    head: TraceHead
    outcome: Outcome
    attempts: tuple[AttemptRecord, ...] = ()

    @property
    def trace_id(self) -> str:
        return self.head.trace_id

    @property
    def estimated_nano_usd(self) -> int | None:
        """What the decision expected `expected` to cost; None when it had no price, or was chosen
        by no decision."""
        return None if self.expected is None else self.expected.estimated_nano_usd

    @property
    def expected(self) -> Candidate | None:
        """The candidate that answered or, when nobody did, the decision's first choice."""
        steps = self.head.decision.steps
        asked = self.outcome.deployment or (steps[0].deployment if steps else None)
        candidates = self.head.decision.candidates
        return next((one for one in candidates if one.deployment == asked), None)
