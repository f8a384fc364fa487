"""JSON schemas as the vendors that compile them take them.

Anthropic compiles a schema into a grammar and refuses the keywords it cannot compile; what they
say is moved into the description, where the model still reads it.
"""

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from routerctl.providers.errors import ProviderError
from routerctl.providers.vendor_errors import UNREADABLE

_KEPT = frozenset(["type", "title", "description", "enum", "const", "default", "required", "$ref"])
_FORMATS = frozenset(
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"]
)


def compilable(schema: Raw) -> Raw:
    """`schema` with what a grammar can hold, and the rest in words."""
    return _compilable(bytes(schema))


@lru_cache(maxsize=256)
def _compilable(schema: bytes) -> Raw:
    try:
        return Raw(msgspec.json.encode(_simplified(msgspec.json.decode(schema))))
    except UNREADABLE:
        raise ProviderError("invalid_request", "the output schema is not JSON") from None


def _simplified(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    said: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in ("properties", "$defs", "definitions") and isinstance(value, dict):
            kept[keyword] = {name: _simplified(inner) for name, inner in value.items()}
        elif keyword in ("anyOf", "allOf", "oneOf") and isinstance(value, list):
            name = "anyOf" if keyword == "oneOf" else keyword
            kept[name] = [_simplified(inner) for inner in value]
        elif keyword == "items":
            kept[keyword] = _simplified(value)
        elif keyword in _KEPT or _is_held(keyword, value):
            kept[keyword] = value
        elif not keyword.startswith("$") and (keyword, value) != ("additionalProperties", False):
            said[keyword] = value
    if "properties" in kept or kept.get("type") == "object":
        kept["additionalProperties"] = False
    if said:
        words = msgspec.json.encode(said).decode()
        kept["description"] = f"{kept['description']} {words}" if "description" in kept else words
    return kept


def _is_held(keyword: str, value: Any) -> bool:
    return (keyword == "format" and value in _FORMATS) or (
        keyword == "minItems" and value in (0, 1)
    )
