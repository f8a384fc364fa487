"""The OpenAPI document, made from the very types that are asked and answered with."""

from typing import Any

import msgspec
from msgspec import Struct

from apps.api.errors import ErrorAnswer

_COMPONENTS: dict[str, Any] = {}


def asks(body: type[Struct]) -> dict[str, Any]:
    """The request body of an operation."""
    return {"application/json": _reference(body)}


def answers(answer: type[Struct], *error_statuses: int, success: int = 200) -> dict[int, Any]:
    """The responses of an operation: `answer` for `success`, the error shape for the rest."""
    return {success: _reference(answer)} | _errors(error_statuses)


def nothing(*error_statuses: int) -> dict[int, Any]:
    """The responses of an operation that answers with a bare 204."""
    return {204: None} | _errors(error_statuses)


def _errors(statuses: tuple[int, ...]) -> dict[int, Any]:
    return dict.fromkeys(statuses, _reference(ErrorAnswer))


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
