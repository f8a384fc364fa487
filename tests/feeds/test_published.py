"""Ten prices as their vendors published them, against both feeds: none may be wrong by a unit."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from routerctl.feeds import Order, Wanted, read
from routerctl.feeds.values import Quote

LITELLM = Path(__file__).with_name("litellm.json")
"""Ten models of LiteLLM's file, with all that it says of their prices."""

BASE_URLS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "google": "https://generativelanguage.googleapis.com/v1beta",
    "perplexity": "https://api.perplexity.ai",
}


@dataclass(frozen=True)
class Published:
    """USD per million tokens from the day `since` on, as the vendor's price page has them.
    `above` are the prices for more than so many input tokens."""

    vendor: str
    model: str
    since: date
    usd: dict[str, str]
    above: tuple[int, dict[str, str]] | None = None


TEN = (
    Published("openai", "gpt-4o-mini-2024-07-18", date(2024, 10, 1),
              {"input": "0.15", "cached_input": "0.075", "output": "0.60"}),
    Published("openai", "gpt-4.1-2025-04-14", date(2025, 4, 14),
              {"input": "2.00", "cached_input": "0.50", "output": "8.00"}),
    Published("openai", "gpt-5-2025-08-07", date(2025, 8, 7),
              {"input": "1.25", "cached_input": "0.125", "output": "10.00"}),
    Published("openai", "gpt-5.4-2026-03-05", date(2026, 3, 5),
              {"input": "2.50", "cached_input": "0.25", "output": "15.00"},
              (272_000, {"input": "5.00", "cached_input": "0.50", "output": "22.50"})),
    Published("openai", "text-embedding-3-small", date(2024, 1, 25),
              {"input": "0.02", "output": "0"}),
    Published("anthropic", "claude-opus-4-5-20251101", date(2025, 11, 24),
              {"input": "5.00", "cached_input": "0.50", "cache_write": "6.25", "output": "25.00"}),
    Published("anthropic", "claude-haiku-4-5-20251001", date(2025, 10, 15),
              {"input": "1.00", "cached_input": "0.10", "cache_write": "1.25", "output": "5.00"}),
    Published("google", "gemini-2.5-pro", date(2025, 6, 17),
              {"input": "1.25", "cached_input": "0.125", "output": "10.00"},
              (200_000, {"input": "2.50", "cached_input": "0.25", "output": "15.00"})),
    Published("google", "gemini-2.5-flash", date(2025, 6, 17),
              {"input": "0.30", "cached_input": "0.03", "output": "2.50"}),
    Published("perplexity", "sonar-deep-research", date(2025, 3, 7),
              {"input": "2.00", "reasoning": "3.00", "output": "8.00"}),
)  # fmt: skip
TODAY = date(2026, 11, 25)


def wanted(published: Published) -> Wanted:
    adapter = {"anthropic": "anthropic", "google": "gemini"}.get(published.vendor, "openai")
    embeds = "embedding" in published.model
    return Wanted(
        published.model, published.model, adapter, BASE_URLS[published.vendor], embeds_only=embeds
    )


@pytest.fixture(scope="module", params=["genai-prices", "litellm"])
def quoted(request) -> dict[str, Quote]:
    text = LITELLM.read_text() if request.param == "litellm" else ""
    reading = read(Order(request.param, TODAY, tuple(map(wanted, TEN)), text))
    assert reading.unmatched == {}
    return {quote.deployment: quote for quote in reading.quotes}


def nano(usd: dict[str, str]) -> dict[str, int]:
    return {name: int(Decimal(amount) * 10**9) for name, amount in usd.items()}


@pytest.mark.parametrize("published", TEN, ids=lambda published: published.model)
def test_a_published_price_is_read_to_the_nano_dollar(
    quoted: dict[str, Quote], published: Published
) -> None:
    quote = quoted[published.model]
    assert quote.rates == nano(published.usd)
    assert quote.request_nano_usd == 0
    above = [(tier.input_tokens, tier.rates) for tier in quote.above]
    assert above == ([] if published.above is None
                     else [(published.above[0], nano(published.above[1]))])  # fmt: skip
