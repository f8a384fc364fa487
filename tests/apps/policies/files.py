"""Configuration files for tests: the worked example, and a small one to break."""

import json
from pathlib import Path
from typing import Any, Protocol

from apps.policies import live
from apps.policies.plan import ChangePlan
from routerctl.engine.specs import RevisionDocument

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "support-chat.yaml"


class Apply(Protocol):
    """The fixture `applied`."""

    def __call__(self, file: bytes | None = None, reason: str = "test") -> ChangePlan: ...


def in_force() -> RevisionDocument:
    """What gateways would load now."""
    found = live.load_document()
    assert found is not None
    return found[2]


def small(**sections: Any) -> bytes:
    """A file with one of each, in which whole lists are replaced by `sections`."""
    return text({**_small(), **sections})


def text(data: Any) -> bytes:
    """JSON is YAML; every text in it is quoted."""
    return json.dumps(data, indent=1, ensure_ascii=False).encode()


def deployment(**fields: Any) -> dict[str, Any]:
    return {
        "slug": "vendor/small",
        "provider": "vendor",
        "model": "small-1",
        "region": "eu",
        "context_window": 32000,
        "max_output_tokens": 4096,
        **fields,
    }


def price(day: str = "2025-01-01", usd: Any = "1.00", **fields: Any) -> dict[str, Any]:
    """`usd` is the price of input."""
    return {"from": day, "input_usd_per_mtok": usd, "output_usd_per_mtok": "4.00", **fields}


def route(**fields: Any) -> dict[str, Any]:
    return {"slug": "all", "strategy": "priority", "candidates": ["vendor/small"], **fields}


def _small() -> dict[str, Any]:
    return {
        "version": 1,
        "providers": [
            {
                "slug": "vendor",
                "adapter": "openai",
                "base_url": "https://vendor.example/v1",
                "secret": "env:VENDOR_KEY",
                "attributes": {"dpa_signed": True},
            }
        ],
        "deployments": [deployment(prices=[price()])],
        "tasks": ["chat", "summary"],
        "plans": ["free", "pro"],
        "features": [{"slug": "support"}],
        "prompts": [{"slug": "strict", "system": "Be strict."}],
        "flags": [{"slug": "new", "enabled": True, "percent": 50}],
        "checks": [{"slug": "no-secrets", "match": ["secrets"], "do": "block"}],
        "gates": [{"slug": "dpa", "require": {"provider.dpa_signed": True}}],
        "routes": [route()],
        "caps": [{"slug": "daily", "period": "day", "limit_usd": "5.00"}],
        "rate_limits": [{"slug": "each-key", "limit_requests": 60, "period": "minute"}],
    }
