"""Files in the format of LiteLLM's `model_prices_and_context_window.json`: USD per token, as
floats, by model."""

import hashlib
import json
import re
from decimal import Decimal
from typing import Any

from genai_prices.data import providers as vendors

from routerctl.feeds.values import NotQuoted, Order, Quote, Reading, Tier, Unreadable, Wanted, nano
from routerctl.feeds.vendors import vendor_of

TOKENS_PER_MTOK = 10**6

_CLASSES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write",
    "output_cost_per_reasoning_token": "reasoning",
}
_PER_REQUEST = "input_cost_per_request"
_OF_OUR_REQUESTS = ("input_cost_per_image_token", "citation_cost_per_token")
"""What a request of ours can come to use, and a price here cannot state."""
_ABOVE = re.compile(r"(\w+?)_above_([0-9]+)k_tokens", re.ASCII)
_NAMES = {
    "aws": ("bedrock", "bedrock_converse"),
    "cohere": ("cohere", "cohere_chat"),
    "fireworks": ("fireworks_ai",),
    "google": ("gemini", "vertex_ai-language-models", "vertex_ai-anthropic_models"),
    "moonshotai": ("moonshot",),
    "together": ("together_ai",),
    "voyageai": ("voyage",),
    "x-ai": ("xai",),
}
"""What LiteLLM calls a vendor, where it has another name for it than genai-prices."""


def reading(order: Order) -> Reading:
    """Raises Unreadable for what is no such file."""
    models = _models(order.text)
    quotes: list[Quote] = []
    unmatched = {}
    for wanted in order.wanted:
        try:
            quotes.append(_quote(wanted, models, order))
        except NotQuoted as why:
            unmatched[wanted.deployment] = str(why)
    digest = hashlib.sha256(order.text.encode()).hexdigest()
    return Reading(f"SHA-256 {digest[:12]}", tuple(quotes), unmatched)


def _models(text: str) -> dict[str, Any]:
    try:
        models = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise Unreadable("The file is no JSON.") from None
    if not isinstance(models, dict) or not any(map(_is_model, models.values())):
        raise Unreadable("The file is not in LiteLLM's format: no model has a litellm_provider.")
    return models


def _is_model(said: Any) -> bool:
    return isinstance(said, dict) and isinstance(said.get("litellm_provider"), str)


def _quote(wanted: Wanted, models: dict[str, Any], order: Order) -> Quote:
    vendor = vendor_of(wanted, vendors).id
    named, said = _found(wanted.model, _NAMES.get(vendor, (vendor,)), models)
    if "tiered_pricing" in said:
        raise NotQuoted("the file prices it in ranges")
    rates = {
        ours: _per_mtok(said[key]) for key, ours in _CLASSES.items() if said.get(key) is not None
    }
    if "input" not in rates:
        raise NotQuoted("the file prices it by something else than tokens")
    tiers = _tiers(said)
    if not tiers and rates.get("reasoning") == rates.get("output"):
        rates.pop("reasoning", None)  # which is what not stating it means
    notes = [f"the file prices {key} apart" for key in _OF_OUR_REQUESTS if said.get(key)]
    if "output" not in rates:
        rates["output"] = 0
        if not wanted.embeds_only:
            notes.append("the file states no price for output")
    fee = said.get(_PER_REQUEST)
    return Quote(
        deployment=wanted.deployment,
        model=named,
        starts_on=order.today,
        rates=rates,
        request_nano_usd=nano(_number(fee)) if fee is not None else 0,
        above=tiers,
        notes=tuple(notes),
    )


def _found(
    model: str, names: tuple[str, ...], models: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    for name in names:
        for key in (f"{name}/{model}", model):
            said: Any = models.get(key)
            if _is_model(said) and said["litellm_provider"] == name:
                return key, said
    raise NotQuoted(f"{names[0]} has no model {model} in the file")


def _tiers(said: dict[str, Any]) -> tuple[Tier, ...]:
    found: dict[int, dict[str, int]] = {}
    for key, price in said.items():
        above = _ABOVE.fullmatch(key)
        if above and above[1] in _CLASSES and price is not None:
            found.setdefault(int(above[2]) * 1000, {})[_CLASSES[above[1]]] = _per_mtok(price)
    return tuple(Tier(start, found[start]) for start in sorted(found))


def _per_mtok(usd_per_token: Any) -> int:
    return nano(_number(usd_per_token) * TOKENS_PER_MTOK)


def _number(said: Any) -> Decimal:
    if isinstance(said, bool) or not isinstance(said, Decimal | int):
        raise NotQuoted(f"the file has {said!r} where a price should be")
    number = Decimal(said)
    if not number.is_finite() or not 0 <= number < TOKENS_PER_MTOK:
        raise NotQuoted(f"the file has {said} where a price should be")
    return number
