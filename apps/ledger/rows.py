"""The rows of a batch as JSON that the database takes: no NUL, no lone surrogate, no huge text.

The usual row is encoded once and looked at twice; only a suspicious one is taken apart.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from apps.ledger.ids import moment_of
from apps.ledger.records import (
    AttemptRecord,
    Claim,
    Hold,
    Outcome,
    Refused,
    Settlement,
    TraceHead,
    Unheld,
    Wanted,
)
from routerctl.engine.types import Decision, RoutingRequest, Sensitivity, TextReading

_MAX_ROW_BYTES = 128 * 1024
_MAX_TEXT = 2000
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_encode = msgspec.json.Encoder().encode
Row = tuple[str, bytes]
"""A trace id and the row's JSON."""


class _HoldRow(Struct, omit_defaults=True):
    trace_id: str
    n: int
    amount_nano_usd: int
    head: Raw
    windows: tuple[int, ...] = ()
    amounts: tuple[int, ...] = ()
    others: tuple[Claim, ...] = ()


class _AdvanceRow(Struct, omit_defaults=True):
    trace_id: str
    n: int
    amount_nano_usd: int
    attempt: AttemptRecord
    used: tuple[int, ...]
    windows: tuple[int, ...] = ()
    amounts: tuple[int, ...] = ()
    others: tuple[Claim, ...] = ()


class _SettleRow(Struct):
    trace_id: str
    n: int
    outcome: Outcome
    attempts: tuple[AttemptRecord, ...]
    used: tuple[int, ...]


class _RefuseRow(Struct):
    trace_id: str
    head: TraceHead
    outcome: Outcome
    attempts: tuple[AttemptRecord, ...] = ()


class _ReleaseRow(Struct):
    trace_id: str
    key_hash: str | None
    outcome: Outcome
    attempts: tuple[AttemptRecord, ...] = ()
    used: tuple[int, ...] = ()
    """Nothing, of whatever was held."""


class _ClaimRow(Struct):
    trace_id: str
    key_hash: str
    body_hash: str


class _UnheldRow(Struct):
    trace_id: str
    head: TraceHead
    outcome: Outcome
    attempts: tuple[AttemptRecord, ...]
    counted: tuple[Wanted, ...]
    used: tuple[int, ...]
    began_at_ms: int


class _KeepRow(Struct):
    trace_id: str
    key_hash: str
    answer: str


def batch(rows: list[bytes]) -> bytes:
    """One parameter of many rows."""
    return b"[%b]" % b",".join(rows)


def hold_row(hold: Hold) -> bytes:
    first, *others = hold.claims
    return _safe(
        _HoldRow(
            hold.trace_id,
            hold.n,
            first.amount_nano_usd,
            hold.head,
            first.windows,
            first.amounts,
            tuple(others),
        )
    )


def claim_row(hold: Hold) -> bytes | None:
    """The idempotency key of `hold`, if it has one."""
    key = hold.idempotency
    return None if key is None else _safe(_ClaimRow(hold.trace_id, key.key_hash, key.body_hash))


def advance_row(hold: Hold, attempt: AttemptRecord, used: tuple[int, ...]) -> bytes:
    first, *others = hold.claims
    return _safe(
        _AdvanceRow(
            hold.trace_id,
            hold.n,
            first.amount_nano_usd,
            attempt,
            used,
            first.windows,
            first.amounts,
            tuple(others),
        )
    )


def release_row(hold: Hold, outcome: Outcome) -> bytes:
    key = hold.idempotency
    return _safe(_ReleaseRow(hold.trace_id, key.key_hash if key else None, outcome))


def settle_row(settlement: Settlement) -> bytes:
    return _safe(
        _SettleRow(
            settlement.trace_id,
            settlement.n,
            settlement.outcome,
            settlement.attempts,
            settlement.used,
        )
    )


def keep_row(trace_id: str, key_hash: str, answer: str) -> bytes:
    """`answer` is sealed, so it has no character that a database minds, at any length."""
    return _encode(_KeepRow(trace_id, key_hash, answer))


def unheld_row(unheld: Unheld) -> bytes:
    return _safe(
        _UnheldRow(
            unheld.head.trace_id,
            unheld.head,
            unheld.outcome,
            unheld.attempts,
            unheld.counted,
            unheld.used,
            unheld.head.started_at_ms,
        )
    )


def refuse_row(refused: Refused) -> bytes:
    return _safe(_RefuseRow(refused.head.trace_id, refused.head, refused.outcome))


# --------------------------------------------------------------------------- poison


def _safe(row: Struct) -> bytes:
    try:
        encoded = _encode(row)
    except UnicodeEncodeError:  # a lone surrogate
        return _encode(_cleaned(msgspec.to_builtins(row)))
    # Most rows have no backslash, which is found out in a fifth of the time.
    if (b"\\" in encoded and b"\\u0000" in encoded) or len(encoded) > _MAX_ROW_BYTES:
        return _encode(_cleaned(msgspec.json.decode(encoded)))
    return encoded


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, dict):
        return {_clean_text(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    if isinstance(value, Raw):
        return _cleaned(msgspec.json.decode(value))
    return value


def _clean_text(text: str) -> str:
    if len(text) > _MAX_TEXT:
        text = text[:_MAX_TEXT] + "…"
    text = text.replace("\0", _REPLACEMENT)
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def reduced(row: Row) -> list[bytes]:
    """What to store of a row that the database will not take, the best first: its outcome
    alone; then that with an empty head, in case the stored one is at fault."""
    trace_id, encoded = row
    told = msgspec.json.decode(encoded)
    outcome = _reduced_outcome(told.get("outcome") or {})
    kept = {"trace_id": trace_id, "n": 1, "outcome": outcome, "attempts": []}
    return [
        _encode(kept | ({"head": told["head"]} if "head" in told else {})),
        _encode(kept | {"head": _empty_head(trace_id)}),
    ]


def _reduced_outcome(told: dict[str, Any]) -> dict[str, Any]:
    empty: dict[str, Any] = msgspec.to_builtins(
        Outcome(status="failed", finish_status="error", http_status=500, marks=("reduced",))
    )
    kept = {
        name: told[name]
        for name, default in empty.items()
        if name in told and (_is_word(told[name]) or (type(default) is int and _fits(told[name])))
    }
    return empty | kept


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 128 and value.isprintable()


def _fits(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**31


def _empty_head(trace_id: str) -> TraceHead:
    moment_ms = moment_of(trace_id)
    return TraceHead(
        trace_id=trace_id,
        started_at_ms=moment_ms,
        door="",
        request=RoutingRequest(),
        reading=TextReading(),
        decision=Decision(
            revision="",
            moment_ms=moment_ms,
            task="",
            task_source="default",
            sensitivity=Sensitivity.INTERNAL,
        ),
    )
