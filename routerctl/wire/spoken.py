"""Claims as the SDK doors hear them: in `model`, in `X-...` headers, in the body's metadata."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from routerctl.wire.claims import Claims
from routerctl.wire.overrides import admit_metadata, not_selectable
from routerctl.wire.strict import explain, invalid

Model = Annotated[str, Meta(min_length=1, max_length=256)]
"""`auto`, `task:NAME` or `feature:NAME`; old clients have a real model's name there."""

_FIELD_OF = {"task_type": "task", "user_tier": "plan"}
"""Where the spoken name differs from ours."""

_SPOKEN = (
    "task_type", "feature", "user_tier", "tenant", "user", "session", "app", "app_version",
    "sensitivity", "residency", "latency_class", "max_latency_ms", "max_cost_usd",
)  # fmt: skip

_INPUTS = tuple(
    (f"x-{name.replace('_', '-')}", name, _FIELD_OF.get(name, name)) for name in _SPOKEN
)


def heard(
    model: str, headers: Mapping[str, str], metadata: dict[str, str], legacy: bool
) -> tuple[Claims, dict[str, str], tuple[str, ...]]:
    """The claims, the metadata that is left, and what a legacy key said in vain.

    Headers win over metadata, and both over `model`. Raises RouterError invalid_request or
    model_not_selectable.
    """
    task, feature, ignored = _asked_for(model, legacy)
    metadata, unusable = admit_metadata(metadata, legacy)
    claims, metadata = _spoken(headers, metadata)
    claims.task = claims.task or task
    claims.feature = claims.feature or feature
    return claims, metadata, ignored + unusable


def _asked_for(model: str, legacy: bool) -> tuple[str | None, str | None, tuple[str, ...]]:
    """The task and feature that `model` asks for, and `("model",)` when a legacy key named a real
    one in vain. Raises RouterError model_not_selectable."""
    if model == "auto":
        return None, None, ()
    kind, colon, name = model.partition(":")
    if colon and name and kind == "task":
        return name, None, ()
    if colon and name and kind == "feature":
        return None, name, ()
    if legacy:
        return None, None, ("model",)
    raise not_selectable("model")


def _spoken(
    headers: Mapping[str, str], metadata: Mapping[str, str]
) -> tuple[Claims, dict[str, str]]:
    found: dict[str, str] = {}
    for header, name, field in _INPUTS:
        value = headers.get(header)
        if value:
            found[field] = value if value.isascii() else _as_utf8(value)
        elif name in metadata:
            found[field] = metadata[name]
    if not found:
        return Claims(), dict(metadata)
    try:
        claims = msgspec.convert(found, Claims, strict=False)
    except msgspec.ValidationError as error:
        message, field = explain(error)
        raise invalid(message, _where(field, headers)) from None
    return claims, {name: text for name, text in metadata.items() if name not in _SPOKEN}


def _as_utf8(value: str) -> str:
    """Header values arrive as Latin-1; who sends more than ASCII mostly means UTF-8."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _where(field: str, headers: Mapping[str, str]) -> str:
    for header, name, ours in _INPUTS:
        if ours == field:
            return header if headers.get(header) else f"metadata.{name}"
    return field
