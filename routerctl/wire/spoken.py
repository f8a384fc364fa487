"""Claims as the SDK doors hear them: in `model`, in `X-...` headers, in the body's metadata."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from routerctl.wire.claims import Claims, Said, gathered
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

_FIELD_BY_NAME = {name: _FIELD_OF.get(name, name) for name in _SPOKEN}
_FIELD_BY_HEADER = {f"x-{name.replace('_', '-')}": field for name, field in _FIELD_BY_NAME.items()}

SPOKEN_HEADERS = tuple(_FIELD_BY_HEADER)
"""All headers that say something of the request itself."""


def heard(
    model: str, headers: Mapping[str, str], metadata: dict[str, str], legacy: bool
) -> tuple[Said, dict[str, str], tuple[str, ...]]:
    """What was said, the metadata that is left, and the names of what a legacy key sent in vain.

    Headers win over metadata, and both over `model`. Raises RouterError invalid_request or
    model_not_selectable.
    """
    asked, ignored = _asked_for(model, legacy)
    metadata, unusable = admit_metadata(metadata, legacy)
    asked.update(_spoken(headers, metadata))
    rest = {name: text for name, text in metadata.items() if name not in _FIELD_BY_NAME}
    return asked, rest, ignored + unusable


def _asked_for(model: str, legacy: bool) -> tuple[Said, tuple[str, ...]]:
    """The task or feature that `model` asks for, and `("model",)` when a legacy key named a real
    one in vain. Raises RouterError model_not_selectable."""
    if model == "auto":
        return {}, ()
    kind, _, name = model.partition(":")
    if name and kind in ("task", "feature"):
        return {kind: name}, ()
    if legacy:
        return {}, ("model",)
    raise not_selectable("model")


def _spoken(headers: Mapping[str, str], metadata: Mapping[str, str]) -> Said:
    found = {_FIELD_BY_NAME[name]: metadata[name] for name in metadata if name in _FIELD_BY_NAME}
    for header in headers:
        if header in _FIELD_BY_HEADER and (value := headers[header]):
            found[_FIELD_BY_HEADER[header]] = value if value.isascii() else _as_utf8(value)
    if not found:
        return {}
    try:
        claims = msgspec.convert(found, Claims, strict=False)
    except msgspec.ValidationError as error:
        message, field = explain(error)
        raise invalid(message, _where(field, headers)) from None
    return gathered(claims, found)


def _as_utf8(value: str) -> str:
    """Header values arrive as Latin-1; who sends more than ASCII mostly means UTF-8."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _where(field: str, headers: Mapping[str, str]) -> str:
    """The name under which the caller said what `field` holds."""
    for header, named in _FIELD_BY_HEADER.items():
        if named == field and headers.get(header):
            return header
    return next(
        (f"metadata.{name}" for name, named in _FIELD_BY_NAME.items() if named == field), field
    )
