"""Fields by which a client would choose for itself who answers.

Clients say what they want; the server decides. A key marked `legacy` belongs to a program that
cannot be changed any more: what it sends in vain is ignored and counted.
"""

from typing import Any, TypeVar

import msgspec

from routerctl.engine.errors import RouterError
from routerctl.wire.strict import invalid, plain, typed

T = TypeVar("T", bound=msgspec.Struct)

CHOOSING = frozenset((
    "model", "models", "model_id", "model_name", "model_list", "engine", "engines", "provider",
    "providers", "provider_id", "provider_options", "vendor", "custom_llm_provider",
    "deployment", "deployments", "deployment_id", "deployment_name", "azure_deployment",
    "base_url", "api_base", "api_url", "api_version", "azure_endpoint", "endpoint", "host",
    "url", "organization", "project", "api_key", "apikey", "api_token", "auth_token",
    "authorization", "token", "secret", "credentials", "aws_access_key_id",
    "aws_secret_access_key", "vertex_project", "vertex_location", "fallback", "fallbacks",
    "fallback_order", "fallback_models", "context_window_fallbacks", "route", "router",
    "routing", "order", "extra_body", "extra_headers", "extra_query", "headers", "transforms",
    "plugins",
))  # fmt: skip
"""Names that would pick a provider, a model, a key, a URL or an order of fallbacks."""

CHOOSING_IN_METADATA = frozenset((
    "model", "model_id", "model_name", "provider", "provider_id", "custom_llm_provider",
    "deployment", "deployment_id", "base_url", "api_base", "api_key", "fallbacks",
    "fallback_order", "fallback_models",
))  # fmt: skip
"""Fewer: metadata is the caller's own, and an order or a project may well be its business."""

_MOST_IGNORED = 32
"""Enough for the report on old clients; a body of a million names is no reason to store them."""


def read(body: dict[str, Any], shape: type[T], legacy: bool) -> tuple[T, tuple[str, ...]]:
    """`body` as a `shape`, and the names of fields that were ignored for a legacy key.

    Raises RouterError model_not_selectable for a field that chooses, invalid_request for any
    other that nobody knows and for values of the wrong shape.
    """
    try:
        return msgspec.convert(body, shape), ()
    except msgspec.ValidationError:
        known, ignored = _admit(body, shape, legacy)
        return typed(known, shape), ignored


def _admit(
    body: dict[str, Any], shape: type[msgspec.Struct], legacy: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    known = {field.encode_name for field in msgspec.structs.fields(shape)}
    unknown = [name for name in body if name not in known]
    if legacy:
        return {name: body[name] for name in body if name in known}, _storable(unknown)
    for name in unknown:
        if name.lower() in CHOOSING:
            raise not_selectable(plain(name))
    if unknown:
        raise invalid("This field is not known here.", plain(unknown[0]))
    return body, ()


def admit_metadata(
    metadata: dict[str, str], legacy: bool
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The same for metadata: whoever names a model there believes that it matters."""
    if CHOOSING_IN_METADATA.isdisjoint(metadata):
        return metadata, ()
    choosing = [name for name in metadata if name in CHOOSING_IN_METADATA]
    if not legacy:
        raise not_selectable(f"metadata.{choosing[0]}")
    kept = {name: value for name, value in metadata.items() if name not in CHOOSING_IN_METADATA}
    return kept, _storable([f"metadata.{name}" for name in choosing])


def not_selectable(path: str) -> RouterError:
    message = f"{path}: the server chooses who answers. Say what you want with task or feature."
    return RouterError("model_not_selectable", message, details={"path": path})


def _storable(names: list[str]) -> tuple[str, ...]:
    """`names` as they may be stored: few, short, printable."""
    return tuple(plain(name) for name in names[:_MOST_IGNORED])
