"""Trace ids as people paste them: UUIDv7 with or without dashes, and the moments inside."""

from uuid import UUID

from apps.ledger.ids import first_id_at

__all__ = ["first_id_at", "parse_trace_id"]


def parse_trace_id(text: str) -> UUID | None:
    """The id that `text` spells; None when it is none."""
    try:
        return UUID(text) if len(text) in (32, 36) else None
    except ValueError:
        return None
