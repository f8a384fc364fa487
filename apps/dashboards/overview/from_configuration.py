"""What the configuration says needs somebody: a few small queries, none of them over traffic but
for the last minutes."""

from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from apps.accounts.tenants import Tenants
from apps.catalog.models import Deployment, Provider, prices_in_force
from apps.catalog.origins import is_local
from apps.catalog.secrets import refusals
from apps.dashboards.figures import counted
from apps.dashboards.overview.findings import Finding, traces_address
from apps.dashboards.overview.from_traffic import RECENT_MS
from apps.dashboards.places import place_of
from apps.policies import editing
from apps.policies.models import Revision, Route
from apps.traces.filters import TraceFilter, matching
from routerctl.engine.sentences import capitalised

_STALE_AFTER_MS = 60_000
"""A request keeps the revision it began with, and its trace comes with its end."""


def from_configuration(now_ms: int, *, tenants: Tenants) -> Iterator[Finding]:
    yield from _stale(now_ms, tenants)
    yield from _waiting()
    yield from _switched_off()
    yield from _without_secret()
    yield from _without_price()


def _stale(now_ms: int, tenants: Tenants) -> Iterator[Finding]:
    newest = Revision.objects.only("hash", "created_at").first()
    if newest is None:
        yield Finding(
            "stale", "warn", "file-text", "No configuration is in force.",
            "Every request is refused until one is published.",
        )  # fmt: skip
        return
    in_force_ms = int(newest.created_at.timestamp() * 1000)
    since_ms = max(in_force_ms + _STALE_AFTER_MS, now_ms - RECENT_MS)
    late = matching(TraceFilter(from_ms=since_ms), tenants).exclude(revision=newest.hash)
    told = late.count()
    if told:
        yield Finding(
            kind="stale",
            tone="error",
            icon="history",
            strong=f"A process still decides by an older revision than {newest.pk}.",
            text=f"{counted(told, 'request')} in the last 15 minutes"
            " were decided by another revision than the one in force.",
            since_ms=in_force_ms,
            href=traces_address(since="now-15m"),
            link="See requests",
        )


def _waiting() -> Iterator[Finding]:
    for asked in editing.waiting("caps"):
        yield Finding(
            kind="waiting",
            tone="warn",
            icon="hourglass",
            strong=f"A change of the cap {asked.slug} waits for a second person.",
            text=asked.why,
            since_ms=int(asked.made_at.timestamp() * 1000),
            **_look("cap", asked.slug),
        )


def _switched_off() -> Iterator[Finding]:
    off = list(Route.objects.filter(enabled=False).values_list("slug", flat=True))
    switched = _switchings(off) if off else {}
    for slug in off:
        row = switched.get(slug)
        yield Finding(
            kind="switched_off",
            tone="warn",
            icon="power",
            strong=f"The route {slug} is switched off.",
            text=f"The reason given: {row.history_change_reason}" if row else "",
            since_ms=int(row.history_date.timestamp() * 1000) if row else None,
            **_look("route", slug),
        )


def _switchings(slugs: list[str]) -> dict[str, Any]:
    """The history row with which each of these routes, all off now, was switched off last."""
    switched: dict[str, Any] = {}
    on_before: set[str] = set()
    for row in Route.history.filter(slug__in=slugs).order_by("-history_id"):
        if row.enabled:
            on_before.add(row.slug)
        elif row.slug not in on_before:
            switched[row.slug] = row
    return switched


def _look(kind: str, slug: str) -> dict[str, Any]:
    """Where to look closer: the object's page, or the requests that it had to do with."""
    href = place_of(kind, slug)
    if href:
        return {"href": href, "link": f"Open {kind}"}
    return {"href": traces_address(**{kind: slug}), "link": "See its requests"}


def _without_secret() -> Iterator[Finding]:
    refused = refusals()
    for provider in Provider.objects.defer("secret_ciphertext"):
        slug = provider.slug
        if slug in refused:
            yield Finding(
                "secret", "error", "key-round", f"The secret of {slug} cannot be used.",
                f"{capitalised(refused[slug])}.", **_look("provider", slug),
            )  # fmt: skip
        elif not provider.secret_origin and not is_local(provider.base_url, provider.attributes):
            yield Finding(
                "secret", "warn", "key-round", f"{slug} has no secret.",
                "It is not on our own ground, so its calls are likely to be turned away.",
                **_look("provider", slug),
            )  # fmt: skip


def _without_price() -> Iterator[Finding]:
    today = timezone.now().date()
    priced = prices_in_force().filter(starts_on__lte=today).values_list("deployment", flat=True)
    known = set(priced)
    for slug in Deployment.objects.filter(enabled=True).values_list("slug", flat=True):
        if slug not in known:
            yield Finding(
                "unpriced", "warn", "tag", f"{slug} has no price.",
                "What it costs is not known, and no total has it.", **_look("deployment", slug),
            )  # fmt: skip
