"""What a change of price touches: routes, and the money of the last 30 days' tokens.

The sums are over tokens and not over calls, so they can differ from a bill by the rounding of
each call, which is less than a millionth of a cent.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from django.db import connection
from msgspec import Struct

from apps.catalog.models import Deployment
from apps.policies.compile import price_spec
from apps.policies.export import Entry
from apps.policies.models import Route
from apps.policies.prices.values import Effect
from apps.policies.rows import price_of
from apps.policies.schema.catalog import PriceEntry
from apps.traces.ids import first_id_at
from routerctl.engine.prices import PriceSpec
from routerctl.engine.pricing import cost_nano_usd

DAYS = 30

_SUMS = """
SELECT a.deployment, width_bucket(a.input_tokens, w.least), count(*), sum(a.input_tokens),
       sum(a.cached_input_tokens), sum(a.cache_write_tokens), sum(a.output_tokens),
       sum(a.reasoning_tokens)
FROM ledger_attempt a
JOIN jsonb_to_recordset(%s::jsonb) AS w(deployment text, least bigint[])
  ON w.deployment = a.deployment
WHERE a.trace_id >= %s AND a.usage_source <> 'none'
GROUP BY 1, 2
"""


class Changed(Struct, frozen=True):
    """A deployment's price before and after, for the reckoning."""

    deployment: str
    before: Entry | None
    after: Entry


class _Used(Struct, frozen=True):
    """Tokens of all calls whose input was at least `least` and below the next tier."""

    least: int
    calls: int
    sent: int
    cached: int
    written: int
    output: int
    reasoning: int


def effects(changed: Iterable[Changed], now: datetime) -> list[Effect]:
    """One for each of `changed`. Reads the attempts of 30 days once: seconds when there are
    millions."""
    pairs = [(one, _spec(one.before), _spec(one.after)) for one in changed]
    limits: defaultdict[str, set[int]] = defaultdict(set)
    for one, before, after in pairs:
        for spec in (before, after):
            tiers = spec.above if spec else ()
            limits[one.deployment] |= {tier.above_input_tokens + 1 for tier in tiers}
    used = _used({slug: sorted(found) for slug, found in limits.items()}, now)
    routes = _routes()
    return [
        _effect(routes.get(one.deployment, ()), used.get(one.deployment, ()), before, after)
        for one, before, after in pairs
    ]


def _effect(
    routes: Iterable[str], used: Iterable[_Used], before: PriceSpec | None, after: PriceSpec | None
) -> Effect:
    assert after is not None
    return Effect(
        routes=tuple(routes),
        calls=sum(part.calls for part in used),
        was_nano_usd=None if before is None else sum(_cost(before, part) for part in used),
        would_nano_usd=sum(_cost(after, part) for part in used),
    )


def _spec(entry: Entry | None) -> PriceSpec | None:
    """An entry as the engine reckons with it."""
    if entry is None:
        return None
    row = price_of("-", PriceEntry.model_validate(entry))
    row.fingerprint = 0
    return price_spec(row)


def _cost(price: PriceSpec, used: _Used) -> int:
    tier = price.tier_of(used.least)
    flat = PriceSpec(
        id=0,
        starts_at_ms=0,
        input_nano_usd_per_mtok=tier.input_nano_usd_per_mtok,
        output_nano_usd_per_mtok=tier.output_nano_usd_per_mtok,
        cached_input_nano_usd_per_mtok=tier.cached_input_nano_usd_per_mtok,
        cache_write_nano_usd_per_mtok=tier.cache_write_nano_usd_per_mtok,
        reasoning_nano_usd_per_mtok=tier.reasoning_nano_usd_per_mtok,
        request_nano_usd=price.request_nano_usd * used.calls,
    )
    return cost_nano_usd(flat, used.sent, used.cached, used.written, used.output, used.reasoning)


def _used(limits: dict[str, list[int]], now: datetime) -> dict[str, list[_Used]]:
    since = first_id_at(int((now - timedelta(days=DAYS)).timestamp() * 1000))
    wanted = [{"deployment": slug, "least": least} for slug, least in limits.items()]
    found: defaultdict[str, list[_Used]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, [msgspec.json.encode(wanted).decode(), since])
        for slug, bucket, *sums in cursor.fetchall():
            least = limits[slug][bucket - 1] if bucket else 0
            found[slug].append(_Used(least, *map(int, sums)))
    return found


def _routes() -> dict[str, list[str]]:
    """Slugs of routes by the deployments that stand on them."""
    known = set(Deployment.objects.values_list("slug", flat=True))
    found: defaultdict[str, list[str]] = defaultdict(list)
    for route in Route.objects.all():
        named = {candidate["deployment"] for candidate in route.candidates} | set(route.fallback)
        for slug in named & known:
            found[slug].append(route.slug)
    return found
