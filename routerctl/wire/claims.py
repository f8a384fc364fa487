"""What a caller says about its request, beside the text: task, feature, tenant, limits, ...

Three voices say it: the API key's pins, the `X-...` headers, the body. The first wins.
"""

import re
from typing import Annotated, Literal

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
    """As said by the caller; `believed` makes it what the router goes by.

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


_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?", re.ASCII)


def believed(claims: Claims, key: KeyFacts, words: Vocabulary) -> Claims:
    """`claims` as the key's pins leave them.

    Raises RouterError invalid_request for words that the configuration does not know, amounts
    that are not exact and labels that no text column could hold.
    """
    for field in _LABELS:
        label = getattr(claims, field)
        if label is not None and not label.isprintable():
            raise invalid("Only printable characters are allowed here.", field)
    if key.tenant != "*":
        claims.tenant = key.tenant
    claims.plan = key.plan or _known(claims.plan, words.plans, "plan")
    claims.feature = key.feature or _known(claims.feature, words.features, "feature")
    claims.app = key.app or claims.app
    _known(claims.task, words.tasks, "task")
    return claims


_LABELS = (
    "task", "feature", "plan", "tenant", "user", "session", "app", "app_version",
    "residency", "language",
)  # fmt: skip


def nano_usd(amount: str | None) -> int | None:
    """`"0.02"` is 20_000_000. Raises RouterError invalid_request when it is not exact."""
    if amount is None:
        return None
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


def _known(word: str | None, words: frozenset[str], field: str) -> str | None:
    if word is not None and word not in words:
        raise invalid(f"No {field} of this name is configured.", field)
    return word
