"""One stored trace as a value: what the ledger wrote, read back in the words it was written in.

`head` is what was known when the request came in, `outcome` how it ended, `attempts` the calls
to providers in order. The verdict, the public JSON and the pages are functions of it.
"""

from msgspec import Struct

from apps.ledger.records import AttemptRecord, Outcome, TraceHead


class StoredTrace(Struct, frozen=True):
    head: TraceHead
    outcome: Outcome
    attempts: tuple[AttemptRecord, ...] = ()

    @property
    def trace_id(self) -> str:
        return self.head.trace_id
