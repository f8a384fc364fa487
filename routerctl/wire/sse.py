"""Server-sent events: the framing all three doors share."""

from typing import Any

from msgspec.json import Encoder

_encode = Encoder().encode

CONTENT_TYPE = b"text/event-stream"
KEEP_ALIVE = b": keep-alive\n\n"


def named(event: bytes, data: Any) -> bytes:
    """One event with a name and JSON data, which never contains a line break."""
    return b"event: %b\ndata: %b\n\n" % (event, _encode(data))


def unnamed(data: Any) -> bytes:
    return b"data: %b\n\n" % _encode(data)
