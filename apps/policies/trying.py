"""One tiny call to one deployment, now and in earnest: whether it answers, how fast, for how much.

It goes where a request would go, with the provider's own secret, adapter and transport, and so
under the same rules for origins. It is no request of a client: it has no trace, and no cap counts
it.
"""

import asyncio
import time

from django.conf import settings
from msgspec import Struct

from apps.catalog import secrets
from apps.catalog.models import Deployment, Provider
from apps.policies.compiled import current_revision
from routerctl.engine.pricing import cost_nano_usd, price_at
from routerctl.providers import ADAPTERS
from routerctl.providers.errors import ProviderError
from routerctl.providers.ports import Adapter, Target, UpstreamRequest
from routerctl.providers.transport import Transport
from routerctl.providers.types import EmbeddingRequest, Message, ModelRequest, Text, Usage

PROMPT = "Answer with the single word: pong"
CONNECT_MS = 5_000
TOTAL_MS = 20_000
_MAX_OUTPUT_TOKENS = 64
_SHOWN = 300


class Tried(Struct, frozen=True, kw_only=True):
    """What came of it. `error_class` is empty when it answered, with `text`. Tokens are what the
    provider said, None when it did not; `cost_nano_usd` is None without them or a price."""

    latency_ms: int
    text: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_nano_usd: int | None = None
    error_class: str = ""
    message: str = ""
    http_status: int | None = None
    provider_request_id: str = ""


def try_deployment(slug: str) -> Tried:
    """Call the deployment `slug`; takes at most about `TOTAL_MS`. Whatever goes wrong with the
    provider is an answer. Raises Deployment.DoesNotExist."""
    row = Deployment.objects.select_related("provider").get(slug=slug)
    began = time.monotonic()
    try:
        text, usage, request_id = asyncio.run(_call(row, _target(row)))
    except ProviderError as error:
        return Tried(
            latency_ms=_since(began),
            error_class=error.error_class,
            message=error.message[:_SHOWN],
            http_status=error.http_status,
            provider_request_id=error.provider_request_id or "",
        )
    return Tried(
        latency_ms=_since(began),
        text=text[:_SHOWN],
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        cost_nano_usd=_cost(slug, usage),
        provider_request_id=request_id or "",
    )


def _target(row: Deployment) -> Target:
    """Raises ProviderError auth when the provider's secret is refused."""
    provider: Provider = row.provider
    try:
        secret = secrets.secret_of(provider)
    except secrets.SecretRefused as refused:
        raise ProviderError("auth", f"The secret is not usable: {refused}.") from None
    return Target(provider.base_url, secret, row.model, provider.attributes)


async def _call(row: Deployment, target: Target) -> tuple[str, Usage | None, str | None]:
    adapter = ADAPTERS[row.provider.adapter]
    if "embeddings" in row.capabilities:
        request = adapter.embeddings(target, EmbeddingRequest((PROMPT,)))
        vectors = adapter.vectors(*await _sent(adapter, request))
        size = len(vectors.vectors[0]) if vectors.vectors else 0
        return f"A vector of {size} numbers.", vectors.usage, vectors.provider_request_id
    chat = ModelRequest(
        messages=(Message("user", (Text(PROMPT),)),),
        max_output_tokens=min(_MAX_OUTPUT_TOKENS, row.max_output_tokens),
    )
    answer = adapter.answer(*await _sent(adapter, adapter.chat(target, chat)))
    return answer.text, answer.usage, answer.provider_request_id


async def _sent(adapter: Adapter, request: UpstreamRequest) -> tuple[dict[str, str], bytes]:
    transport = Transport(settings.ENV.private_origins)
    try:
        response = await transport.send(request, connect_ms=CONNECT_MS, total_ms=TOTAL_MS)
    finally:
        await transport.close()
    if response.status != 200:
        raise adapter.error(response.status, response.headers, response.body)
    return response.headers, response.body


def _cost(slug: str, usage: Usage | None) -> int | None:
    deployment = current_revision().deployments.get(slug)
    price = price_at(deployment, time.time_ns() // 1_000_000) if deployment else None
    if usage is None or price is None:
        return None
    return cost_nano_usd(
        price,
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
    )


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
