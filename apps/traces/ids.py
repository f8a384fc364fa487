"""Trace ids as people paste them: UUIDv7 with or without dashes, and the moments inside."""

from uuid import UUID

_RANDOM_BITS = 80


def parse_trace_id(text: str) -> UUID | None:
    """The id that `text` spells; None when it is none."""
    try:
        return UUID(text) if len(text) in (32, 36) else None
    except ValueError:
        return None


def first_id_at(moment_ms: int) -> UUID:
    """The lowest id a trace of that moment can have: ids sort as time does."""
    return UUID(int=(moment_ms & (2**48 - 1)) << _RANDOM_BITS)
