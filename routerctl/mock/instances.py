"""The smallest value a JSON schema allows, as far as models' answers go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]

_PLAIN: dict[str, Any] = {"string": "ok", "integer": 1, "number": 1.5, "boolean": True}


def instance(schema: Json, root: Json | None = None) -> Any:
    """A valid instance of `schema`. Objects have all their properties, arrays their least length
    but one item if they may; unknown keywords are not looked at."""
    root = schema if root is None else root
    if "$ref" in schema:
        return instance(_resolved(schema["$ref"], root), root)
    for choice in ("anyOf", "oneOf", "allOf"):
        if schema.get(choice):
            return instance(schema[choice][0], root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    return _of_kind(_kind(schema), schema, root)


def _kind(schema: Json) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    return str(kind).lower()  # Gemini's own schemas shout


def _of_kind(kind: str, schema: Json, root: Json) -> Any:
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: instance(inner, root) for name, inner in properties.items()}
    if kind == "array":
        if schema.get("maxItems") == 0:
            return []
        return [instance(schema.get("items", {}), root)] * max(1, schema.get("minItems", 1))
    if kind in ("integer", "number") and "minimum" in schema:
        return schema["minimum"]
    if kind == "string" and "minLength" in schema:
        return "ok".ljust(schema["minLength"], "k")
    return _PLAIN.get(kind)


def _resolved(reference: str, root: Json) -> Json:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found  # type: ignore[no-any-return]
