"""The OpenAPI document, made from the very types that are asked and answered with."""

from typing import Any

import msgspec
from msgspec import Struct

from apps.api.errors import ErrorAnswer

_COMPONENTS: dict[str, Any] = {}


def asks(body: type[Struct]) -> dict[str, Any]:
    """The request body of an operation."""
    return {"application/json": _reference(body)}


def answers(answer: type[Struct], *error_statuses: int) -> dict[int, dict[str, Any]]:
    """The responses of an operation: `answer` for 200, the error shape for the rest."""
    return {200: _reference(answer)} | dict.fromkeys(error_statuses, _reference(ErrorAnswer))


def _reference(shape: type[Struct]) -> dict[str, Any]:
    (reference,), components = msgspec.json.schema_components(
        [shape], ref_template="#/components/schemas/{name}"
    )
    _COMPONENTS.update(components)
    return reference


def add_components(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Puts what operations refer to into the document (drf-spectacular's hook)."""
    result.setdefault("components", {}).setdefault("schemas", {}).update(_COMPONENTS)
    return result
