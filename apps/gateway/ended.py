"""A request that is over, for those who tell of it afterwards."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from apps.ledger.records import AttemptRecord, Outcome, TraceHead
from routerctl.engine.revision import Revision

if TYPE_CHECKING:
    from apps.gateway.flow import Flow


class Ended(Struct, frozen=True, kw_only=True):
    """All that can be told of it outside: no prompt and no answer are in it. `revision` is the one
    that it was decided by, `traceparent` the caller's header as it came."""

    head: TraceHead
    outcome: Outcome
    revision: Revision
    attempts: Sequence[AttemptRecord] = ()
    traceparent: str = ""

    @property
    def route(self) -> str:
        """Empty when it was turned away before any was found."""
        return self.head.decision.route or ""


def ended_of(
    flow: "Flow", head: TraceHead, outcome: Outcome, attempts: Sequence[AttemptRecord] = ()
) -> Ended:
    """The end of `flow`, as its trace will tell it."""
    return Ended(
        head=head,
        outcome=outcome,
        revision=flow.snapshot.revision,
        attempts=attempts,
        traceparent=flow.exchange.headers.get("traceparent", ""),
    )
