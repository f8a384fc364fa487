"""Checked entries as rows that are not saved yet. `export.py` goes the other way."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import models

from apps.catalog import secrets
from apps.catalog.models import TOKEN_CLASSES, Deployment, Price, Provider
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
from apps.policies.schema import File
from apps.policies.schema.caps import LIMITS, CapEntry, RaisedEntry
from apps.policies.schema.catalog import (
    STORED,
    DeploymentEntry,
    PriceEntry,
    ProviderEntry,
    TierEntry,
)
from apps.policies.schema.fields import Entry
from apps.policies.schema.policy import RouteEntry
from apps.policies.schema.rate_limits import RateLimitEntry

KINDS: tuple[type[models.Model], ...] = (
    Provider,
    Deployment,
    Price,
    Task,
    Plan,
    Feature,
    Prompt,
    Flag,
    Check,
    Gate,
    Route,
    Cap,
    RateLimit,
)
"""What a file can say; whatever refers to another comes after it."""

Rows = dict[type[models.Model], list[Any]]


def rows_of(file: File, stored: Mapping[str, Provider]) -> Rows:
    """The rows which `file` asks for, in its order.

    `stored` has the providers whose secret is kept encrypted: `secret: stored` takes it over.
    """
    return {
        Provider: [_provider(entry, stored) for entry in file.providers],
        Deployment: [_deployment(entry) for entry in file.deployments],
        Price: [
            price_of(entry.slug, price) for entry in file.deployments for price in entry.prices
        ],
        Task: [Task(slug=slug) for slug in file.tasks],
        Plan: [Plan(slug=slug) for slug in file.plans],
        Feature: [Feature(**_said(entry)) for entry in file.features],
        Prompt: [Prompt(**_said(entry)) for entry in file.prompts],
        Flag: [Flag(**_said(entry)) for entry in file.flags],
        Check: [Check(**_said(entry)) for entry in file.checks],
        Gate: [Gate(**_said(entry)) for entry in file.gates],
        Route: [_route(entry) for entry in file.routes],
        Cap: [_cap(entry) for entry in file.caps],
        RateLimit: [_rate_limit(entry) for entry in file.rate_limits],
    }


def price_of(deployment: str, entry: PriceEntry) -> Price:
    return Price(
        deployment=deployment,
        starts_on=entry.starts_on,
        request_nano_usd=entry.request_usd,
        above=[{"input_tokens": tier.input_tokens, **_rates(tier)} for tier in entry.above],
        **_rates(entry),
    )


def _rates(entry: PriceEntry | TierEntry) -> dict[str, int]:
    """The prices by class of token which `entry` states, as columns."""
    stated = ((name, getattr(entry, f"{name}_usd_per_mtok")) for name in TOKEN_CLASSES)
    return {f"{name}_nano_usd_per_mtok": rate for name, rate in stated if rate is not None}


def _said(entry: Entry, *left_out: str) -> dict[str, Any]:
    """The entry's fields as columns."""
    return entry.model_dump(exclude=set(left_out))


def _provider(entry: ProviderEntry, stored: Mapping[str, Provider]) -> Provider:
    row = Provider(**_said(entry, "secret"))
    if entry.secret == STORED:
        secrets.take_over(row, stored[entry.slug])
    elif entry.secret is not None:
        secrets.refer(row, entry.secret)
    return row


def _deployment(entry: DeploymentEntry) -> Deployment:
    return Deployment(
        **_said(entry, "provider", "limits", "prices"),
        provider_id=entry.provider,
        limits=entry.limits.model_dump(exclude_none=True),
    )


def _route(entry: RouteEntry) -> Route:
    return Route(
        **_said(entry, "prompt", "limits", "sticky_by"),
        prompt_id=entry.prompt,
        sticky_by=entry.sticky_by or "",
        limits=entry.limits.model_dump(exclude_none=True),
    )


def _rate_limit(entry: RateLimitEntry) -> RateLimit:
    reserved = entry.reserved.model_dump() if entry.reserved else {}
    return RateLimit(**_said(entry, "reserved"), reserved=reserved)


def _cap(entry: CapEntry) -> Cap:
    return Cap(
        **_said(entry, "limit_usd", "actions", "raised"),
        limit_nano_usd=entry.limit_usd,
        raised_to=None if entry.raised is None else _limit(entry.raised),
        raised_until=None if entry.raised is None else entry.raised.until,
        actions=[action.model_dump(exclude_none=True) for action in entry.actions],
    )


def _limit(raised: RaisedEntry) -> int:
    stated: Iterator[int | None] = (getattr(raised, name) for name in LIMITS)
    return next(limit for limit in stated if limit is not None)
