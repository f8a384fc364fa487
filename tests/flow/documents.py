"""Builders of configurations: name what matters, the rest is plain and generous.

A slug's first segment is its provider, and a route serves the feature of its own name, so that
`model="feature:NAME"` or `{"feature": "NAME"}` chooses it.
"""

import json
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

BASE_URLS = {
    "openai": "{mock}/%s/v1",
    "anthropic": "{mock}/%s",
    "gemini": "{mock}/%s/v1beta",
    "azure": "{mock}/%s",
}


def provider(slug: str, adapter: str = "openai", **attributes: bool | str) -> Json:
    """A scripted provider, in good standing unless `attributes` say otherwise."""
    standing = {"dpa_signed": True, "soc2": True, "trains_on_data": False}
    return {
        "slug": slug,
        "adapter": adapter,
        "base_url": BASE_URLS[adapter] % slug,
        "attributes": standing | attributes,
    }


def deployment(slug: str, **changes: Any) -> Json:
    """One US dollar for a million tokens in, two for a million out."""
    return {
        "slug": slug,
        "provider": slug.partition("/")[0],
        "model": slug.replace("/", "-"),
        "region": "eu",
        "context_window": 128000,
        "max_output_tokens": 4096,
        "capabilities": ["streaming", "tools", "schema", "images"],
        "quality": {"default": "0.80"},
        "prices": [
            {"from": "2026-01-01", "input_usd_per_mtok": "1", "output_usd_per_mtok": "2"},
        ],
    } | changes


def route(slug: str, *candidates: str, **changes: Any) -> Json:
    return {
        "slug": slug,
        "when": {"feature": slug},
        "strategy": "priority",
        "candidates": list(candidates),
    } | changes


def document(
    providers: Iterable[Json],
    deployments: Iterable[Json],
    routes: Iterable[Json],
    **sections: Any,
) -> str:
    """A configuration file. Its features are those that the routes ask for."""
    listed = list(routes)
    features = [route["when"]["feature"] for route in listed if "feature" in route["when"]]
    return json.dumps(
        {
            "version": 1,
            "providers": list(providers),
            "deployments": list(deployments),
            "tasks": ["chat", "summary"],
            "plans": ["free", "pro"],
            "features": [{"slug": feature} for feature in features],
            "routes": listed,
        }
        | sections
    )
