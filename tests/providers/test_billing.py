"""Each vendor splits its tokens another way; each token is charged once, in one class."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routerctl.engine.pricing import component, cost_nano_usd
from routerctl.providers import ADAPTERS
from routerctl.providers.types import Usage
from tests.engine.builders import price

PRICE = price(
    3,
    15,
    cached_input_nano_usd_per_mtok=300_000_000,
    cache_write_nano_usd_per_mtok=3_750_000_000,
    reasoning_nano_usd_per_mtok=7_000_000_000,
)
tokens = st.integers(0, 10**6)


def openai(plain: int, cached: int, written: int, said: int, thought: int) -> dict[str, Any]:
    """Everything cached inside the prompt, reasoning inside the completion."""
    usage = {
        "prompt_tokens": plain + cached + written,
        "completion_tokens": said + thought,
        "total_tokens": plain + cached + written + said + thought,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": thought},
    }
    return _openai_shaped(usage)


def xai(plain: int, cached: int, written: int, said: int, thought: int) -> dict[str, Any]:
    """Reasoning beside the completion, in the total alone."""
    answer = openai(plain, cached, written, said, thought)
    answer["usage"]["completion_tokens"] = said
    return answer


def deepseek(plain: int, cached: int, written: int, said: int, thought: int) -> dict[str, Any]:
    """What hit the cache and what missed it are told apart; nothing is said of writes."""
    answer = openai(plain, cached, written, said, thought)
    answer["usage"]["prompt_tokens_details"] = None
    answer["usage"]["prompt_cache_hit_tokens"] = cached
    answer["usage"]["prompt_cache_miss_tokens"] = plain + written
    return answer


def moonshot(plain: int, cached: int, written: int, said: int, thought: int) -> dict[str, Any]:
    answer = openai(plain, cached, written, said, thought)
    answer["usage"]["prompt_tokens_details"] = None
    answer["usage"]["cached_tokens"] = cached
    return answer


def anthropic(plain: int, cached: int, written: int, said: int, thought: int) -> dict[str, Any]:
    """Cached reads and writes beside the input, thinking inside the output."""
    usage = {
        "input_tokens": plain,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
        "output_tokens": said + thought,
        "output_tokens_details": {"thinking_tokens": thought},
    }
    content = [{"type": "text", "text": "x"}]
    return {"id": "m", "content": content, "stop_reason": "end_turn", "usage": usage}


def gemini(plain: int, cached: int, written: int, said: int, thought: int) -> dict[str, Any]:
    """Cached reads inside the prompt, thoughts beside the candidates, no cache writes."""
    usage = {
        "promptTokenCount": plain + cached + written,
        "cachedContentTokenCount": cached,
        "candidatesTokenCount": said,
        "thoughtsTokenCount": thought,
    }
    content = {"parts": [{"text": "x"}], "role": "model"}
    return {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage}


def _openai_shaped(usage: dict[str, Any]) -> dict[str, Any]:
    choice = {"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}
    return {"id": "c", "choices": [choice], "usage": usage}


VENDORS = {
    "openai": ("openai", openai, True),
    "azure": ("azure", openai, True),
    "xai": ("openai", xai, True),
    "deepseek": ("openai", deepseek, False),
    "moonshot": ("openai", moonshot, False),
    "anthropic": ("anthropic", anthropic, True),
    "gemini": ("gemini", gemini, False),
}
"""Adapter, how the vendor counts, and whether it tells cache writes from ordinary input."""


@pytest.mark.parametrize("vendor", VENDORS)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(tokens, tokens, tokens, tokens, tokens)
def test_no_token_is_charged_twice_however_the_vendor_counts(
    vendor: str, plain: int, cached: int, written: int, said: int, thought: int
) -> None:
    adapter, counted, tells_writes = VENDORS[vendor]
    if not tells_writes:
        plain, written = plain + written, 0
    body = msgspec.json.encode(counted(plain, cached, written, said, thought))
    usage = ADAPTERS[adapter].answer({}, body).usage
    assert isinstance(usage, Usage)
    assert cost_nano_usd(
        PRICE,
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
    ) == (
        component(plain, 3_000_000_000)
        + component(cached, 300_000_000)
        + component(written, 3_750_000_000)
        + component(said, 15_000_000_000)
        + component(thought, 7_000_000_000)
    )
