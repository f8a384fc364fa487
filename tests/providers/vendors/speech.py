"""One thing said by a model and one request heard by a vendor, whatever the wire format."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from routerctl.providers.types import FinishStatus, Usage
from tests.providers.scripted import Heard

USAGE = Usage(input_tokens=20, output_tokens=7)


@dataclass(frozen=True)
class Call:
    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Said:
    """What the model says. `pieces` of text come one event each in a stream."""

    pieces: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    finish: FinishStatus = "stop"
    usage: Usage = USAGE
    refusal: str | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass
class Asked:
    """What a vendor understood. A turn is a role and its parts: ("text", …), ("image", …),
    ("call", id, name, arguments), ("result", id, text)."""

    model: str
    secret: str | None
    max_tokens: int | None
    stream: bool
    system: str = ""
    turns: list[tuple[str, list[tuple[Any, ...]]]] = field(default_factory=list)
    tools: dict[str, Any] = field(default_factory=dict)
    choice: str | None = None
    schema: Any = None


class Vendor(Protocol):
    """`has_ids` says whether calls come with ids of the vendor's own; `writes_cache` whether it
    counts writes to a prompt cache."""

    has_ids: bool
    writes_cache: bool
    embeds: bool

    def base_url(self, url: str) -> str: ...

    def whole(self, said: Said) -> bytes: ...

    def events(self, said: Said) -> list[bytes]:
        """A complete stream."""
        ...

    def beginning(self, said: Said) -> list[bytes]:
        """A stream that is cut: neither a finish reason nor an end marker."""
        ...

    def overloaded_event(self) -> bytes:
        """What a vendor says inside a stream when it breaks down."""
        ...

    def vectors(self, vectors: list[list[float]], input_tokens: int) -> bytes: ...

    def asked(self, heard: Heard) -> Asked: ...


def event(payload: Any, name: str | None = None) -> bytes:
    head = b"" if name is None else f"event: {name}\n".encode()
    return head + b"data: " + msgspec.json.encode(payload) + b"\n\n"


def compact(value: Any) -> str:
    return msgspec.json.encode(value).decode()
