"""The kinds of objects, by the names of the file's lists."""

from collections.abc import Mapping
from typing import Any

from apps.catalog.models import Deployment, Provider
from apps.policies.editing.refusals import NotThere
from apps.policies.models import (
    Cap,
    Check,
    Feature,
    Flag,
    Gate,
    Plan,
    Prompt,
    RateLimit,
    Route,
    Task,
)
from apps.policies.schema.names import SECTIONS

MODELS: Mapping[str, Any] = {
    "providers": Provider,
    "deployments": Deployment,
    "tasks": Task,
    "plans": Plan,
    "features": Feature,
    "prompts": Prompt,
    "flags": Flag,
    "checks": Check,
    "gates": Gate,
    "routes": Route,
    "caps": Cap,
    "rate_limits": RateLimit,
}

KINDS = tuple(SECTIONS)

BARE = ("tasks", "plans")
"""Lists whose entries the file writes as nothing but a slug."""


def model_of(kind: str) -> Any:
    """The model that keeps the objects of `kind`. Raises NotThere."""
    if kind not in MODELS:
        raise NotThere(f"there is no kind of object {kind}")
    return MODELS[kind]


def as_written(kind: str, entry: Any) -> Any:
    """`entry` as an element of the file's list."""
    return entry.get("slug") if kind in BARE and isinstance(entry, dict) else entry
