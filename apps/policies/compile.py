"""From rows to the document that a revision freezes, and between a document and its sections.

A revision keeps five sections, each known by its hash, so that an edit of one cap among a
thousand does not store the routes again.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from django.db import models
from msgspec import Struct, convert

from apps.catalog.models import TOKEN_CLASSES, Deployment, Price, Provider, prices_in_force
from apps.catalog.origins import is_local
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
from routerctl.engine.prices import PriceSpec, PriceTier
from routerctl.engine.specs import (
    CapSpec,
    CheckSpec,
    DeploymentSpec,
    FeatureSpec,
    FlagSpec,
    GateSpec,
    PromptSpec,
    ProviderSpec,
    RaisedLimit,
    RateLimitSpec,
    RevisionDocument,
    RouteSpec,
)
from routerctl.providers import ADAPTERS
from routerctl.providers.ports import Adapter

Spec = TypeVar("Spec", bound=Struct)


def compile_document() -> RevisionDocument:
    """What the database says now, as one value. Reads a dozen small tables."""
    providers = list(Provider.objects.all())
    adapters = {provider.slug: ADAPTERS[provider.adapter] for provider in providers}
    prices = _prices()
    return RevisionDocument(
        tasks=tuple(Task.objects.values_list("slug", flat=True)),
        plans=tuple(Plan.objects.values_list("slug", flat=True)),
        features=tuple(
            FeatureSpec(row.slug, row.owner, row.quality_floor) for row in Feature.objects.all()
        ),
        prompts=tuple(PromptSpec(row.slug, row.system) for row in Prompt.objects.all()),
        flags=tuple(
            FlagSpec(row.slug, row.enabled, row.percent, row.sticky_by)
            for row in Flag.objects.all()
        ),
        checks=_specs(CheckSpec, _rows(Check)),
        gates=_specs(GateSpec, _rows(Gate)),
        routes=_specs(RouteSpec, map(_route, _rows(Route, prompt="prompt_id"))),
        providers=tuple(_provider(row) for row in providers),
        deployments=tuple(
            _deployment(row, prices.get(row["slug"], ()), adapters[row["provider"]])
            for row in _rows(Deployment, provider="provider_id")
        ),
        caps=tuple(_cap(row) for row in _rows(Cap)),
        rate_limits=tuple(_rate_limit(row) for row in _rows(RateLimit)) or msgspec.UNSET,
    )


def _route(row: dict[str, Any]) -> dict[str, Any]:
    """Without what later versions can say and this one does not."""
    usual = {"on_refusal": "stop", "sticky_by": ""}
    return {name: value for name, value in row.items() if usual.get(name) != value}


def _rows(model: type[models.Model], **renamed: str) -> list[dict[str, Any]]:
    """All rows as columns by name, in their order; `renamed` columns by another name too."""
    return [
        {**row, **{name: row[column] for name, column in renamed.items()}}
        for row in model._default_manager.values()
    ]


def _specs(spec: type[Spec], rows: Iterable[dict[str, Any]]) -> tuple[Spec, ...]:
    """Rows whose columns are the spec's fields; columns that the spec does not have are left."""
    return tuple(convert(row, spec) for row in rows)


def _cap(row: dict[str, Any]) -> CapSpec:
    spec = convert(row, CapSpec)
    if row["raised_to"] is None:
        return spec
    until_ms = int(row["raised_until"].timestamp() * 1000)
    return msgspec.structs.replace(spec, raised=RaisedLimit(row["raised_to"], until_ms))


def _rate_limit(row: dict[str, Any]) -> RateLimitSpec:
    return convert({name: value for name, value in row.items() if value}, RateLimitSpec)


def _provider(row: Provider) -> ProviderSpec:
    return ProviderSpec(
        slug=row.slug,
        adapter=row.adapter,
        base_url=row.base_url,
        attributes=row.attributes,
        local=is_local(row.base_url, row.attributes),
    )


def _deployment(
    row: dict[str, Any], prices: tuple[PriceSpec, ...], adapter: Adapter
) -> DeploymentSpec:
    spec = convert(row, DeploymentSpec)
    return msgspec.structs.replace(spec, prices=prices, overhead=adapter.overhead(spec.model))


def _prices() -> dict[str, tuple[PriceSpec, ...]]:
    found: defaultdict[str, tuple[PriceSpec, ...]] = defaultdict(tuple)
    for row in prices_in_force():
        found[row.deployment] += (price_spec(row),)
    return found


def price_spec(row: Price) -> PriceSpec:
    """A row of the catalog as the engine reckons with it."""
    rates = {column: getattr(row, column) for column in _RATES}
    return PriceSpec(
        id=row.fingerprint,
        starts_at_ms=row.starts_at_ms,
        request_nano_usd=row.request_nano_usd,
        above=tuple(_tiers(rates, row.above)),
        **rates,
    )


_RATES = tuple(f"{name}_nano_usd_per_mtok" for name in TOKEN_CLASSES)


def _tiers(below: dict[str, Any], above: list[dict[str, int]]) -> Iterator[PriceTier]:
    """Tiers in full: what one does not state is as it is below it."""
    rates = below
    for tier in above:
        rates = {column: tier.get(column, rates[column]) for column in _RATES}
        yield PriceTier(tier["input_tokens"], **rates)


# --------------------------------------------------------------------------- sections


class Sections(Struct, frozen=True):
    """A document cut in five, each part canonical JSON."""

    policy: bytes
    prices: bytes
    deployments: bytes
    caps: bytes
    flags: bytes


class _Deployments(Struct, frozen=True):
    providers: tuple[ProviderSpec, ...]
    deployments: tuple[DeploymentSpec, ...]


_Prices = dict[str, tuple[PriceSpec, ...]]


def split(document: RevisionDocument) -> Sections:
    """`document` as sections; equal parts of two documents give equal bytes."""
    unpriced = tuple(msgspec.structs.replace(d, prices=()) for d in document.deployments)
    policy = msgspec.structs.replace(document, providers=(), deployments=(), caps=(), flags=())
    return Sections(
        policy=_encode(policy),
        prices=_encode({d.slug: d.prices for d in document.deployments}),
        deployments=_encode(_Deployments(document.providers, unpriced)),
        caps=_encode(document.caps),
        flags=_encode(document.flags),
    )


def join(sections: Sections) -> RevisionDocument:
    """The document which `split` cut."""
    policy = msgspec.json.decode(sections.policy, type=RevisionDocument)
    prices = msgspec.json.decode(sections.prices, type=_Prices)
    catalog = msgspec.json.decode(sections.deployments, type=_Deployments)
    return msgspec.structs.replace(
        policy,
        providers=catalog.providers,
        deployments=tuple(
            msgspec.structs.replace(deployment, prices=prices[deployment.slug])
            for deployment in catalog.deployments
        ),
        caps=msgspec.json.decode(sections.caps, type=tuple[CapSpec, ...]),
        flags=msgspec.json.decode(sections.flags, type=tuple[FlagSpec, ...]),
    )


def section_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _encode(part: Any) -> bytes:
    return msgspec.json.encode(part, order="sorted")
