"""Whose models a provider serves, by the names that genai-prices has for vendors."""

import re
from collections.abc import Sequence

from genai_prices.types import Provider as Vendor

from routerctl.feeds.values import NotQuoted, Wanted

_OF_ADAPTER = {"anthropic": "anthropic", "gemini": "google", "azure": "azure"}
"""Formats that one vendor speaks. OpenAI's is spoken by everybody, and says nothing."""


def vendor_of(wanted: Wanted, vendors: Sequence[Vendor]) -> Vendor:
    """As the provider states, else by its address, else by its format. Raises NotQuoted."""
    by_id = {vendor.id: vendor for vendor in vendors}
    if wanted.vendor is not None:
        if wanted.vendor not in by_id:
            raise NotQuoted(f"the feed knows no vendor {wanted.vendor}")
        return by_id[wanted.vendor]
    if wanted.local:
        raise NotQuoted("its provider runs on your own ground")
    for vendor in vendors:
        if re.match(vendor.api_pattern, wanted.base_url):
            return vendor
    if wanted.adapter in _OF_ADAPTER:
        return by_id[_OF_ADAPTER[wanted.adapter]]
    raise NotQuoted("no vendor has its provider's address; the attribute vendor can name one")
