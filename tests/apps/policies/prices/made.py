"""A catalog to propose prices for: three vendors' models, of which one has no price."""

import json
from typing import Any

from apps.policies import editing, prices
from apps.policies.apply import apply
from apps.policies.export import Entry
from tests.apps.policies.files import price, route, small

FLASH, PRO, MINI, LOCAL = "google/flash", "google/pro", "openai/mini", "cellar/qwen"
BY: dict[str, Any] = {"person": None, "source": "page"}

FLASH_PRICE = price(
    "2025-06-17", "0.30", output_usd_per_mtok="2.50", cached_input_usd_per_mtok="0.03"
)
"""As Google published it, and as both feeds have it."""


def provider(slug: str, adapter: str, base_url: str) -> dict[str, Any]:
    return {"slug": slug, "adapter": adapter, "base_url": base_url}


def deployment(slug: str, model: str, *prices: Entry) -> dict[str, Any]:
    return {
        "slug": slug,
        "provider": slug.partition("/")[0],
        "model": model,
        "region": "us",
        "context_window": 1_000_000,
        "max_output_tokens": 8_000,
        "prices": list(prices),
    }


def apply_catalog(*flash: Entry) -> None:
    """`flash` are the prices of google/flash; the published one when left out."""
    file = small(
        providers=[
            provider("google", "gemini", "https://generativelanguage.googleapis.com/v1beta"),
            provider("openai", "openai", "https://api.openai.com/v1"),
            provider("cellar", "openai", "http://127.0.0.1:8000/v1"),
        ],
        deployments=[
            deployment(FLASH, "gemini-2.5-flash", *(flash or (FLASH_PRICE,))),
            deployment(PRO, "gemini-2.5-pro"),
            deployment(MINI, "gpt-4o-mini-2024-07-18", price("2024-10-01", "0.10",
                       output_usd_per_mtok="0.60", cached_input_usd_per_mtok="0.075")),
            deployment(LOCAL, "qwen3-8b", price("2026-01-01", "0", output_usd_per_mtok="0")),
        ],
        gates=[],
        routes=[route(slug="chat", candidates=[FLASH, MINI], fallback=[PRO])],
    )  # fmt: skip
    apply(file, reason="for a test")


def litellm(**models: dict[str, Any]) -> prices.Feed:
    """A file in LiteLLM's format; models by slug with _ for /, costs in USD per million."""
    named = {"google_flash": "gemini/gemini-2.5-flash", "openai_mini": "gpt-4o-mini-2024-07-18"}
    text = {
        named[slug]: {
            "litellm_provider": slug.partition("_")[0].replace("google", "gemini"),
            **{key: float(usd) / 10**6 for key, usd in costs.items()},
        }
        for slug, costs in models.items()
    }
    return prices.Feed("litellm", json.dumps(text))


def flash_feed(usd: str = "0.30", **costs: str) -> prices.Feed:
    """A file that says what google/flash costs, by default what it does."""
    said = {
        "input_cost_per_token": usd,
        "output_cost_per_token": "2.50",
        "cache_read_input_token_cost": "0.03",
        **costs,
    }
    return litellm(google_flash={key: usd for key, usd in said.items() if usd})


def proposed(feed: prices.Feed) -> prices.Proposal:
    version, content = prices.look_up(feed)
    made = prices.store(feed.name, version, content, **BY)
    assert made is not None
    found = prices.proposal(made.pk)
    assert found is not None
    return found


def stated(slug: str) -> list[Entry]:
    """The prices that stand for a deployment."""
    listed: list[Entry] = editing.entry("deployments", slug).entry.get("prices", [])
    return listed
