"""Proposals made: from a feed, or from what a person typed. Nothing is changed by one."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from django.conf import settings
from django.utils import timezone
from msgspec import to_builtins
from msgspec.structs import replace

from apps.accounts.models import User
from apps.catalog.models import Deployment, Price, Provider
from apps.catalog.origins import is_local
from apps.policies import editing
from apps.policies.export import Entry, as_data, entry_of
from apps.policies.models import PriceProposal
from apps.policies.prices.classes import rows_between
from apps.policies.prices.dated import days_after, in_force, with_item
from apps.policies.prices.effect import Changed, effects
from apps.policies.prices.marks import marks_of
from apps.policies.prices.values import HAND, Content, Item, Mark, Refused
from routerctl import feeds


@dataclass(frozen=True, slots=True)
class Feed:
    """Where prices come from: `name` is one of `feeds.FEEDS`, `text` a file's content; `newest`
    asks the network for genai-prices' newest data."""

    name: str
    text: str = ""
    newest: bool = False


def look_up(feed: Feed) -> tuple[str, Content]:
    """What a feed would change, and which data it is; nothing is stored.

    Takes a second or two. Raises feeds.Unreadable, and Refused when the network may not be asked.
    """
    url = settings.ENV.price_feed_url if feed.newest else ""
    if feed.newest and not url:
        raise Refused("The network may not be asked: ROUTERCTL_PRICE_FEED_URL is not set.")
    order = feeds.Order(feed.name, _today(), tuple(_wanted()), feed.text, url)
    reading = feeds.read(order)
    items, unchanged = _items(reading.quotes)
    return reading.version, Content(_reckoned(items), reading.unmatched, tuple(unchanged))


def store(
    feed: str, version: str, content: Content, *, person: User | None, source: str
) -> PriceProposal | None:
    """Keep what was looked up for somebody to approve or reject; None when nothing differs."""
    if not content.items:
        return None
    return PriceProposal.objects.create(
        feed=feed, version=version, content=to_builtins(content), person=person, source=source
    )


def propose(
    deployment: str, after: Entry, until: date | None, *, person: User | None, source: str
) -> PriceProposal:
    """One price by hand, from the day it says, and until another where that is given.

    Raises editing.NotThere; editing.Invalid with paths into `after`; Refused.
    """
    held = editing.entry("deployments", deployment)
    prices = held.entry.get("prices", [])
    after = _checked(held, prices, after)
    if until is not None and until.isoformat() <= str(after["from"]):
        raise Refused("It has to end after the day on which it begins.")
    before = in_force(prices, str(after["from"]))
    item = Item(deployment, before, after, until)
    with_item(prices, item)
    later = () if until else days_after(prices, item.starts_on)
    item = replace(item, marks=marks_of(before, after, later))
    content = Content(_reckoned([item]))
    made = store(HAND, "", content, person=person, source=source)
    assert made is not None
    return made


def _checked(held: editing.Held, prices: list[Entry], after: Entry) -> Entry:
    """`after` as an export would write it, if it could stand among the deployment's prices."""
    others = [entry for entry in prices if entry["from"] != after.get("from")]
    wanted = {**held.entry, "prices": [*others, after]}
    try:
        shown = editing.preview("deployments", held.slug, wanted)
    except editing.Invalid as wrong:
        here = f"prices.{len(others)}."
        raise editing.Invalid(
            dataclasses.replace(problem, path=problem.path.removeprefix(here))
            for problem in wrong.problems
        ) from None
    return next(entry for entry in shown.entry["prices"] if entry["from"] == after["from"])


def _today() -> date:
    """Prices begin at midnight UTC."""
    return timezone.now().astimezone(UTC).date()


def _wanted() -> Iterator[feeds.Wanted]:
    providers = {row.slug: row for row in Provider.objects.all()}
    for row in Deployment.objects.all():
        provider = providers[row.provider_id]
        vendor: Any = provider.attributes.get("vendor")
        yield feeds.Wanted(
            deployment=row.slug,
            model=row.model,
            adapter=provider.adapter,
            base_url=provider.base_url,
            vendor=vendor if isinstance(vendor, str) else None,
            local=is_local(provider.base_url, provider.attributes),
            embeds_only=row.capabilities == ["embeddings"],
        )


def _items(quotes: Iterable[feeds.Quote]) -> tuple[list[Item], list[str]]:
    """An item for each quote that says something new, and who has all that the feed says."""
    listed = {held.slug: held.entry.get("prices", []) for held in editing.entries("deployments")}
    by_deployment: defaultdict[str, list[feeds.Quote]] = defaultdict(list)
    for quote in quotes:
        by_deployment[quote.deployment].append(quote)
    items, unchanged = [], []
    for slug, said in by_deployment.items():
        days = {str(quote.starts_on) for quote in said}
        found = [item for quote in said if (item := _item(quote, listed[slug], days))]
        items += found
        if not found:
            unchanged.append(slug)
    return items, unchanged


def _item(quote: feeds.Quote, prices: list[Entry], quoted_days: set[str]) -> Item | None:
    after = _entry(quote)
    before = in_force(prices, str(after["from"]))
    if before is not None and not any(row.changed for row in rows_between(before, after)):
        return None
    later = tuple(day for day in days_after(prices, str(after["from"])) if day not in quoted_days)
    noted = tuple(Mark("noted", f"{note[0].upper()}{note[1:]}.") for note in quote.notes)
    return Item(
        deployment=quote.deployment,
        before=before,
        after=after,
        named=quote.model,
        marks=(*marks_of(before, after, later), *noted),
    )


def _entry(quote: feeds.Quote) -> Entry:
    row = Price(
        deployment=quote.deployment,
        starts_on=quote.starts_on,
        request_nano_usd=quote.request_nano_usd,
        above=[{"input_tokens": tier.input_tokens, **_columns(tier.rates)} for tier in quote.above],
        **_columns(quote.rates),
    )
    return as_data(entry_of(row))


def _columns(rates: dict[str, int]) -> dict[str, int]:
    return {f"{name}_nano_usd_per_mtok": rate for name, rate in rates.items()}


def _reckoned(items: list[Item]) -> tuple[Item, ...]:
    """The items with their effects; one that cannot be approved has none."""
    open_to = [item for item in items if not item.refused]
    changed = [Changed(item.deployment, item.before, item.after) for item in open_to]
    found = iter(effects(changed, timezone.now()))
    return tuple(item if item.refused else replace(item, effect=next(found)) for item in items)
