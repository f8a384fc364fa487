"""Providers, deployments and prices, as the file writes them."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from apps.catalog.models import REFERENCE_PATTERN, RESERVED_PATTERN, TOKEN_CLASSES
from apps.catalog.origins import origin_of
from apps.policies import amounts
from apps.policies.schema.fields import (
    Count,
    Distinct,
    Entry,
    Milliseconds,
    Share,
    Text,
    amount,
    one_of,
    repeats,
)
from apps.policies.schema.names import ProviderSlug, Slug, names_in, refuse, refuse_all
from apps.policies.yaml12 import Path
from routerctl.engine.types import CAPABILITIES
from routerctl.providers import ADAPTERS

STORED = "stored"
"""Stands for a secret that is kept encrypted: exports know it in no other form."""

MAX_USD_PER_MTOK = 10_000
"""Dearer than any model there is: a price above it is a slip of the decimal point."""
MAX_USD_PER_REQUEST = 1_000

_REFERENCE, _RESERVED = re.compile(REFERENCE_PATTERN), re.compile(RESERVED_PATTERN)
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


def _base_url(url: str) -> str:
    try:
        origin_of(url)
    except ValueError as error:
        raise refuse(str(error)) from None
    if "?" in url or "#" in url or len(url) > 500:
        raise refuse("the base URL ends before any ? or #, and has at most 500 characters")
    return url


def _secret(secret: str) -> str:
    if secret == STORED:
        return secret
    if not _REFERENCE.match(secret):
        raise refuse("write env:NAME; a secret itself never stands in a file")
    if _RESERVED.match(secret):
        raise refuse(f"{secret.removeprefix('env:')} is our own setting and never sent anywhere")
    return secret


def _attributes(attributes: dict[str, Any]) -> dict[str, bool | str]:
    refuse_all(_attribute_problems(attributes), attributes)
    return attributes


def _attribute_problems(attributes: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    for name, value in attributes.items():
        if not _ATTRIBUTE.fullmatch(name):
            yield (name,), "attributes are named with a-z, 0-9 and _"
        if not isinstance(value, bool | str) or value == "":
            yield (name,), "must be true, false or text"


class ProviderEntry(Entry):
    slug: Slug
    adapter: Annotated[str, one_of(ADAPTERS, "adapter")]
    base_url: Annotated[str, AfterValidator(_base_url)]
    secret: Annotated[str, AfterValidator(_secret)] | None = None
    attributes: Annotated[dict[str, Any], AfterValidator(_attributes)] = {}

    @model_validator(mode="after")
    def _stored_secret_is_there(self, info: ValidationInfo) -> Self:
        if self.secret == STORED:
            origin = names_in(info).stored_secrets.get(self.slug)
            if origin is None:
                said = "no secret is stored for this provider; write env:NAME or leave it out"
                refuse_all([(("secret",), said)], self.secret)
            if origin != origin_of(self.base_url):
                said = f"the stored secret was given for {origin}; give it again for the new origin"
                refuse_all([(("secret",), said)], self.secret)
        return self


# --------------------------------------------------------------------------- deployments

_UsdPerMtok = Annotated[int, amount(amounts.NANO, MAX_USD_PER_MTOK * 10**amounts.NANO)]
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _day(value: Any) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass  # such as 2025-02-30
    raise refuse("must be a day such as 2025-05-14")


class TierEntry(Entry):
    """What holds for requests of more than `input_tokens`; the rest stays as it is below."""

    input_tokens: Count
    input_usd_per_mtok: _UsdPerMtok | None = None
    output_usd_per_mtok: _UsdPerMtok | None = None
    cached_input_usd_per_mtok: _UsdPerMtok | None = None
    cache_write_usd_per_mtok: _UsdPerMtok | None = None
    reasoning_usd_per_mtok: _UsdPerMtok | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, f"{name}_usd_per_mtok") is None for name in TOKEN_CLASSES):
            refuse_all([((), "states no price")], self)
        return self


def _ascending(tiers: list[TierEntry]) -> list[TierEntry]:
    falls = (i for i in range(1, len(tiers)) if tiers[i].input_tokens <= tiers[i - 1].input_tokens)
    said = "must be more than in the tier before"
    refuse_all((((i, "input_tokens"), said) for i in falls), tiers)
    return tiers


class PriceEntry(Entry):
    """In force from midnight UTC of `starts_on` until the next price begins."""

    starts_on: Annotated[date, BeforeValidator(_day)] = Field(alias="from")
    input_usd_per_mtok: _UsdPerMtok
    output_usd_per_mtok: _UsdPerMtok
    cached_input_usd_per_mtok: _UsdPerMtok | None = None
    cache_write_usd_per_mtok: _UsdPerMtok | None = None
    reasoning_usd_per_mtok: _UsdPerMtok | None = None
    request_usd: Annotated[int, amount(amounts.NANO, MAX_USD_PER_REQUEST * 10**amounts.NANO)] = 0
    above: Annotated[list[TierEntry], AfterValidator(_ascending)] = []

    @model_validator(mode="after")
    def _cached_reads_are_no_dearer(self) -> Self:
        refuse_all(self._dear_cached_reads(), self.cached_input_usd_per_mtok)
        return self

    def _dear_cached_reads(self) -> Iterator[tuple[Path, str]]:
        full, cached = self.input_usd_per_mtok, self.cached_input_usd_per_mtok
        said = "a cached read costs no more than input"
        if cached is not None and cached > full:
            yield ("cached_input_usd_per_mtok",), said
        for i, tier in enumerate(self.above):
            full = full if tier.input_usd_per_mtok is None else tier.input_usd_per_mtok
            stated = tier.cached_input_usd_per_mtok
            cached = cached if stated is None else stated
            if cached is not None and cached > full:
                yield ("above", i, "cached_input_usd_per_mtok"), said


def _one_price_a_day(prices: list[PriceEntry]) -> list[PriceEntry]:
    twice = repeats(price.starts_on for price in prices)
    refuse_all((((i, "from"), "another price begins on that day") for i in twice), prices)
    return prices


class DeploymentLimits(Entry):
    """What a deployment may state for itself; it wins over the route's."""

    connect_ms: Milliseconds | None = None
    first_token_ms: Milliseconds | None = None
    stall_ms: Milliseconds | None = None
    total_ms: Milliseconds | None = None
    max_input_tokens: Count | None = None
    max_output_tokens: Count | None = None


def _known_tasks(quality: dict[str, int], info: ValidationInfo) -> dict[str, int]:
    known = names_in(info).slugs["tasks"] | {"default"}
    unknown = (task for task in quality if task not in known)
    refuse_all((((task,), f"there is no task {task}") for task in unknown), quality)
    return quality


class DeploymentEntry(Entry):
    slug: Slug
    provider: ProviderSlug
    model: Text
    region: Annotated[Text, Field(max_length=64)]
    context_window: Count
    max_output_tokens: Count
    capabilities: Annotated[list[Annotated[str, one_of(CAPABILITIES, "capability")]], Distinct] = []
    quality: Annotated[dict[str, Share], AfterValidator(_known_tasks)] = {}
    limits: DeploymentLimits = DeploymentLimits()
    prices: Annotated[list[PriceEntry], AfterValidator(_one_price_a_day)] = []
    enabled: bool = True
