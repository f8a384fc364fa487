"""The `genai-prices` feed: what its package brings along, or its newest data from the network."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from importlib.metadata import version

import httpx2
from genai_prices import UpdatePrices
from genai_prices.data import providers as bundled
from genai_prices.types import (
    ConditionalPrice,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)
from genai_prices.types import Provider as Vendor

from routerctl.feeds.values import NotQuoted, Order, Quote, Reading, Tier, Unreadable, Wanted, nano
from routerctl.feeds.vendors import vendor_of

_CLASSES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write",
    "output_reasoning_mtok": "reasoning",
}
_PER_REQUEST = "requests_kcount"
_OF_OUR_REQUESTS = ("input_image_mtok", "cache_image_read_mtok", "output_citation_mtok")
"""What a request of ours can come to use, and a price here cannot state. Other units (audio,
searches, hosted tools, caches for an hour) are of requests that no door lets through."""


def reading(order: Order) -> Reading:
    """Raises Unreadable when the network was asked for and did not give it."""
    vendors, named = _fetched(order.url) if order.url else (bundled, version("genai-prices"))
    quotes: list[Quote] = []
    unmatched = {}
    for wanted in order.wanted:
        try:
            quotes.extend(_quotes(wanted, vendors, order.today))
        except NotQuoted as why:
            unmatched[wanted.deployment] = str(why)
    return Reading(named, tuple(quotes), unmatched)


def _fetched(url: str) -> tuple[Sequence[Vendor], str]:
    try:
        fetched = UpdatePrices(url=url).fetch()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        said = str(error).partition("\n")[0]
        raise Unreadable(f"The newest prices could not be fetched: {said}") from None
    if fetched is None:
        raise Unreadable("There are no newest prices at that address.")
    return fetched.providers, f"fetched {fetched.timestamp:%Y-%m-%d %H:%M}"


def _quotes(wanted: Wanted, vendors: Sequence[Vendor], today: date) -> Iterator[Quote]:
    """What holds today, as of today, and what is announced for later."""
    vendor = vendor_of(wanted, vendors)
    model = vendor.find_model(wanted.model, all_providers=list(vendors))
    if model is None:
        raise NotQuoted(f"{vendor.id} has no model {wanted.model} in the feed")
    named = f"{vendor.id}/{model.id}"
    for starts_on, prices in _in_order(model.prices, today):
        yield _quote(wanted, named, starts_on, prices)


def _in_order(
    prices: ModelPrice | list[ConditionalPrice], today: date
) -> Iterator[tuple[date, ModelPrice]]:
    if isinstance(prices, ModelPrice):
        yield today, prices
        return
    if any(isinstance(price.constraint, TimeOfDateConstraint) for price in prices):
        raise NotQuoted("its price depends on the time of day")
    if not prices:
        raise NotQuoted("the feed has the model without a price")
    begun = [price for price in prices if _start(price) <= today]
    yield today, (begun[-1] if begun else prices[0]).prices
    for price in prices:
        if _start(price) > today:
            yield _start(price), price.prices


def _start(price: ConditionalPrice) -> date:
    constraint = price.constraint
    return constraint.start_date if isinstance(constraint, StartDateConstraint) else date.min


def _quote(wanted: Wanted, named: str, starts_on: date, prices: ModelPrice) -> Quote:
    stated = {key: price for key, price in vars(prices).items() if price is not None}
    rates = {ours: nano(_base(stated[key])) for key, ours in _CLASSES.items() if key in stated}
    if "input" not in rates:
        raise NotQuoted("the feed prices it by something else than tokens")
    notes = [f"the feed prices {key} apart" for key in _OF_OUR_REQUESTS if key in stated]
    if "output" not in rates:
        rates["output"] = 0
        if not wanted.embeds_only:
            notes.append("the feed states no price for output")
    fee = stated.get(_PER_REQUEST)
    return Quote(
        deployment=wanted.deployment,
        model=named,
        starts_on=starts_on,
        rates=rates,
        request_nano_usd=nano(_base(fee) / 1000) if fee is not None else 0,
        above=_tiers(stated),
        notes=tuple(notes),
    )


def _base(price: Decimal | TieredPrices) -> Decimal:
    return price.base if isinstance(price, TieredPrices) else price


def _tiers(stated: dict[str, Decimal | TieredPrices]) -> tuple[Tier, ...]:
    """One tier for each length at which some class changes its price."""
    found: dict[int, dict[str, int]] = {}
    for key, ours in _CLASSES.items():
        price = stated.get(key)
        if isinstance(price, TieredPrices):
            for tier in price.tiers:
                found.setdefault(tier.start, {})[ours] = nano(tier.price)
    return tuple(Tier(start, found[start]) for start in sorted(found))
