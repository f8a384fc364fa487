"""What a caller says about its request, beside the text: task, feature, tenant, limits, ...

Three voices say it: the API key's pins, the `X-...` headers, the body. The first wins.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from routerctl.engine.types import Sensitivity
from routerctl.wire.strict import invalid
from routerctl.wire.types import KeyFacts, Vocabulary

Label = Annotated[str, Meta(min_length=1, max_length=128)]
Milliseconds = Annotated[int, Meta(ge=1, le=86_400_000)]
Tokens = Annotated[int, Meta(ge=1, le=100_000_000)]
MetadataName = Annotated[str, Meta(min_length=1, max_length=64)]
MetadataText = Annotated[str, Meta(max_length=512)]
Metadata = dict[MetadataName, MetadataText]

_MOST_METADATA = 64


class Claims(Struct, kw_only=True):
    """The shape of what may be said; `gathered` takes from it what was.

    `max_cost_usd` is a decimal string with at most nine places, so that it is exact.
    """

    task: Label | None = None
    feature: Label | None = None
    plan: Label | None = None
    tenant: Label | None = None
    user: Label | None = None
    session: Label | None = None
    app: Label | None = None
    app_version: Label | None = None
    sensitivity: Sensitivity | None = None
    residency: Label | None = None
    language: Label | None = None
    latency_class: Literal["interactive", "batch"] | None = None
    max_latency_ms: Milliseconds | None = None
    max_cost_usd: str | None = None


Said = dict[str, Any]
"""What was said, by the field of `RoutingRequest` that it fills; nothing else has an entry."""

_CLAIMS = frozenset(Claims.__struct_fields__)
_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?", re.ASCII)


def gathered(claims: Claims, names: Iterable[str]) -> Said:
    """What `claims` says under those of `names` that it knows.

    Raises RouterError invalid_request for labels that no text column could hold and amounts that
    are not exact.
    """
    said: Said = {}
    for name in names:
        value = getattr(claims, name) if name in _CLAIMS else None
        if type(value) is str and not value.isprintable():
            raise invalid("Only printable characters are allowed here.", name)
        if value is not None:
            said[name] = value
    if "max_cost_usd" in said:
        said["max_cost_nano_usd"] = nano_usd(said.pop("max_cost_usd"))
    return said


def believed(said: Said, key: KeyFacts, words: Vocabulary) -> Said:
    """`said` with the key's pins, which nothing overrides.

    Raises RouterError invalid_request for words that the configuration does not know.
    """
    if key.tenant != "*":
        said["tenant"] = key.tenant
    if key.app is not None:
        said["app"] = key.app
    for field, pinned, known in (
        ("task", None, words.tasks),
        ("feature", key.feature, words.features),
        ("plan", key.plan, words.plans),
    ):
        if pinned is not None:
            said[field] = pinned
        elif field in said and said[field] not in known:
            raise invalid(f"No {field} of this name is configured.", field)
    return said


def nano_usd(amount: str) -> int:
    """`"0.02"` is 20_000_000. Raises RouterError invalid_request when it is not exact."""
    match = _AMOUNT.fullmatch(amount)
    if match is None:
        raise invalid('Write an amount like "0.02", with at most nine places.', "max_cost_usd")
    whole, places = match.groups()
    return int(whole) * 1_000_000_000 + int((places or "").ljust(9, "0"))


def storable(metadata: dict[str, str]) -> dict[str, str]:
    """`metadata` as a trace may keep it. Raises RouterError invalid_request."""
    if len(metadata) > _MOST_METADATA:
        raise invalid(f"At most {_MOST_METADATA} entries are kept.", "metadata")
    for name, text in metadata.items():
        if "\0" in name or "\0" in text:
            raise invalid("The character U+0000 is not allowed here.", "metadata")
    return metadata
