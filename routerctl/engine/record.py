"""A decision on paper: what was asked, what was read, what was decided; JSON both ways.

Defaults are left out, so a usual record is a few hundred bytes per candidate at most. The health
which a candidate had stands beside it and the moment in the decision, so a record holds every
fact that was used and `decide_again` needs nothing else than a revision.
"""

from collections.abc import Iterable, Mapping

import msgspec

from routerctl.engine.caps import balance_of
from routerctl.engine.decide import decide
from routerctl.engine.revision import Revision
from routerctl.engine.types import (
    Candidate,
    Decision,
    Facts,
    History,
    RoutingRequest,
    TextReading,
    Usual,
)


class DecisionRecord(msgspec.Struct, frozen=True):
    """One decision with everything that went into it but the revision."""

    request: RoutingRequest
    reading: TextReading
    decision: Decision


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(DecisionRecord)


def encode(record: DecisionRecord) -> bytes:
    """The record as JSON."""
    return _encoder.encode(record)


def decode(stored: bytes | str) -> DecisionRecord:
    """The record that `encode` wrote. Raises msgspec.ValidationError for anything else."""
    return _decoder.decode(stored)


def facts_of(decision: Decision) -> Facts:
    """The facts which `decision` was made from."""
    known = (*decision.before_redaction, *decision.candidates)
    return Facts(
        moment_ms=decision.moment_ms,
        health={one.deployment: one.health for one in known if one.health is not None},
        balances={balance_of(use.cap, use.key): use.used_permille for use in decision.caps},
        history=_history_of(decision),
    )


def _history_of(decision: Decision) -> History:
    """What was usual on the route that was taken, and on the one before redaction."""
    here, before = _usual(decision.candidates), _usual(decision.before_redaction)
    return lambda route, _task: here if route == decision.route else before


def _usual(candidates: Iterable[Candidate]) -> Mapping[str, Usual]:
    return {one.deployment: one.usual for one in candidates if one.usual is not None}


def decide_again(record: DecisionRecord, revision: Revision) -> Decision:
    """The decision made anew: under its own revision the same one, under another what that
    would have decided then."""
    return decide(record.request, record.reading, revision, facts_of(record.decision))
