"""What is asked of a feed, and what it says."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

FEEDS = ("genai-prices", "litellm")

Rates = dict[str, int]
"""Nano-USD per million tokens by class of token: input, output, cached_input, cache_write and
reasoning. What a feed does not state is not there."""


class Unreadable(Exception):
    """A feed could not be read; the message says why, for people."""


class Wanted(Struct, frozen=True):
    """A deployment whose price is wanted. `vendor` is what its provider states (`attributes:
    {vendor: …}`, named as genai-prices names them); None: found by base URL and adapter."""

    deployment: str
    model: str
    adapter: str
    base_url: str
    vendor: str | None = None
    local: bool = False
    embeds_only: bool = False


class Order(Struct, frozen=True):
    """One reading. `text` is the file's content, for feeds that are files; `url`, if not empty,
    where genai-prices' newest data is to be fetched instead of what its package has."""

    feed: str
    today: date
    wanted: tuple[Wanted, ...]
    text: str = ""
    url: str = ""


class Tier(Struct, frozen=True):
    """The rates that differ above so many input tokens."""

    input_tokens: int
    rates: Rates


class Quote(Struct, frozen=True):
    """What a feed says that `deployment` costs from `starts_on` on. `model` is the feed's name
    for it; `notes` say what the feed prices that a price here cannot say."""

    deployment: str
    model: str
    starts_on: date
    rates: Rates
    request_nano_usd: int = 0
    above: tuple[Tier, ...] = ()
    notes: tuple[str, ...] = ()


class Reading(Struct, frozen=True):
    """`version` says which data it was. `unmatched` has a reason by deployment."""

    version: str
    quotes: tuple[Quote, ...]
    unmatched: dict[str, str]


class NotQuoted(Exception):
    """The feed has no price that could be used for a deployment; the message says why."""


NANO_USD_PER_USD = 10**9


def nano(usd: Decimal) -> int:
    """`usd` in nano-USD. What floats of a feed have behind the ninth place is noise."""
    return int((usd * NANO_USD_PER_USD).to_integral_value(ROUND_HALF_UP))
