"""What every adapter needs to know about a neutral conversation, whatever its vendor."""

import hashlib
import re
from collections.abc import Iterable
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Raw

from routerctl.providers.errors import ProviderError
from routerctl.providers.types import (
    Message,
    ModelRequest,
    OutputSchema,
    Part,
    Text,
    ToolCall,
    ToolResult,
)
from routerctl.providers.vendor_errors import UNREADABLE

T = TypeVar("T")


def turns(messages: Iterable[Message]) -> list[tuple[Literal["user", "assistant"], list[Part]]]:
    """The messages with neighbours of one role merged, and tool results before what else a turn
    says: the vendors with strict turns want all results of parallel calls in the next one."""
    merged: list[tuple[Literal["user", "assistant"], list[Part]]] = []
    for message in messages:
        if merged and merged[-1][0] == message.role:
            merged[-1][1].extend(message.parts)
        else:
            merged.append((message.role, list(message.parts)))
    for _, parts in merged:
        parts.sort(key=lambda part: not isinstance(part, ToolResult))
    return merged


def has_cache_breakpoints(request: ModelRequest) -> bool:
    if any(block.cache for block in request.system):
        return True
    return any(
        isinstance(part, Text) and part.cache
        for message in request.messages
        for part in message.parts
    )


def call_names(messages: Iterable[Message]) -> dict[str, str]:
    """The name of every tool call by its id."""
    return {
        part.id: part.name
        for message in messages
        for part in message.parts
        if isinstance(part, ToolCall)
    }


def arguments_object(arguments: str) -> Raw:
    """A call's arguments as a JSON object, which models do not always write."""
    try:
        msgspec.json.decode(arguments, type=dict[str, Raw])
    except UNREADABLE:
        return Raw(msgspec.json.encode({"arguments": arguments} if arguments else {}))
    return Raw(arguments.encode())


_PORTABLE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def portable_id(call_id: str) -> str:
    """`call_id` as every vendor takes it. Ids that another vendor made may be too long or hold
    dots and colons; equal ids stay equal."""
    if _PORTABLE_ID.fullmatch(call_id):
        return call_id
    return "call_" + hashlib.blake2b(call_id.encode(), digest_size=12).hexdigest()


def param(request: ModelRequest, name: str, kind: type[T]) -> T:
    """The parameter `name`. Raises ProviderError invalid_request when it is not a `kind`."""
    value: T = _decoded(request, name, kind)
    return value


def stop_sequences(request: ModelRequest) -> list[str]:
    """`stop` as a list, however it was written."""
    stop: str | list[str] | None = _decoded(request, "stop", str | list[str] | None)
    return [stop] if isinstance(stop, str) else stop or []


def _decoded(request: ModelRequest, name: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(request.params[name], type=kind)
    except UNREADABLE:
        raise ProviderError("invalid_request", f"{name} has the wrong type") from None


def schema_in_words(output: OutputSchema) -> str:
    """Asks for JSON where the vendor cannot be made to write it."""
    if output.schema is None:
        return "Answer with one JSON object and nothing else."
    return f"Answer with JSON of this schema and nothing else:\n{bytes(output.schema).decode()}"
