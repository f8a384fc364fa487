"""Before anything is sent: the money is held, or the request goes on without a hold."""

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from apps.gateway import repeats
from apps.gateway.claims import Claims, told
from apps.gateway.execute import Execution
from apps.gateway.moves import Moves
from apps.gateway.surroundings import Purse
from apps.gateway.unheld import Tab
from apps.ledger.records import LedgerAway, TraceHead
from routerctl.engine.errors import RouterError
from routerctl.engine.types import Decision
from routerctl.wire.types import ParsedCall

if TYPE_CHECKING:
    from apps.gateway.flow import Flow


async def admit(flow: "Flow", call: ParsedCall, decision: Decision) -> Execution:
    """The request as it may now be executed. Raises RouterError when it may not.

    Without a database a request goes on if no closed cap counts it, and if it has no
    Idempotency-Key, which nobody could claim.
    """
    flow.idempotency = repeats.key_of(flow, call.request.tenant or flow.key.prefix)
    flow.head = head = flow.head_of(call.request, decision)
    try:
        return await _held(flow, call, head)
    except LedgerAway:
        if flow.idempotency is not None:
            raise
    flow.tab = Tab(head, flow.snapshot.revision, flow.shared.ledger)
    execution = flow.execution = _execution(flow, call, head, flow.tab, flow.tab.claims)
    hold = execution.first_hold()
    execution.admitted(hold, 0, await flow.tab.begin(hold))
    flow.admitted = True
    return execution


async def _held(flow: "Flow", call: ParsedCall, head: TraceHead) -> Execution:
    books = flow.shared.ledger
    claims = await Claims.of(head.decision, flow.snapshot.revision, books)
    execution = flow.execution = _execution(flow, call, head, books, claims)
    hold = execution.first_hold()
    if flow.idempotency is not None:
        hold = msgspec.structs.replace(hold, idempotency=flow.idempotency)
    try:
        found = await books.reserve(hold)
    except LedgerAway:
        raise
    except RouterError as error:
        raise told(error, claims, books) from None
    flow.admitted = True
    flow.shared.metrics.holds += 1
    flow.recording = repeats.recording(flow)
    execution.admitted(hold, 0, found)
    return execution


def _execution(
    flow: "Flow", call: ParsedCall, head: TraceHead, purse: Purse, claims: Claims
) -> Execution:
    shared = flow.shared
    return Execution(
        snapshot=flow.snapshot,
        ledger=purse,
        transport=shared.transport,
        moves=Moves(
            head.decision.steps,
            flow.snapshot.endpoints,
            partial(shared.health.rests, head.trace_id),
            shared.retries,
            shared.clock.chance,
            head.decision.refusals_elsewhere,
        ),
        noted=shared.noted,
        head=head,
        texts=call.texts,
        claims=claims,
        started_ns=flow.started_ns,
        clock=shared.clock,
    )
