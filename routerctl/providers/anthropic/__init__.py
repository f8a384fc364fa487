"""Anthropic's Messages API."""

from collections.abc import Mapping

from routerctl.engine.specs import TokenOverhead
from routerctl.providers.anthropic.answer import AnthropicStream, read_answer
from routerctl.providers.anthropic.request import chat_body
from routerctl.providers.errors import ProviderError
from routerctl.providers.ports import StreamParser, Target, UpstreamRequest
from routerctl.providers.types import Answer, EmbeddingRequest, Embeddings, ModelRequest
from routerctl.providers.vendor_errors import error_from_status

API_VERSION = "2023-06-01"


# An image costs (width * height) / 750, up to 1600 tokens until 4.6 and 4784 since; tools
# add a system prompt of up to 675 tokens.
_OVERHEAD = TokenOverhead(per_image=4_784, per_message=8, with_tools=700)


class Anthropic:
    """The base URL is `https://api.anthropic.com`, with or without `/v1`."""

    def overhead(self, _model: str) -> TokenOverhead:
        return _OVERHEAD

    def chat(self, target: Target, request: ModelRequest) -> UpstreamRequest:
        body, dropped = chat_body(target.model, request)
        url = f"{target.base_url.rstrip('/').removesuffix('/v1')}/v1/messages"
        headers = {"content-type": "application/json", "anthropic-version": API_VERSION}
        if target.secret:
            headers["x-api-key"] = target.secret
        return UpstreamRequest(url, headers, body, dropped)

    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        return read_answer(headers, body)

    def stream(self, headers: Mapping[str, str]) -> StreamParser:
        return AnthropicStream(headers)

    def embeddings(self, target: Target, request: EmbeddingRequest) -> UpstreamRequest:  # noqa: ARG002
        raise ProviderError("invalid_request", "Anthropic has no embeddings")

    def vectors(self, headers: Mapping[str, str], body: bytes) -> Embeddings:  # noqa: ARG002
        raise ProviderError("malformed", "Anthropic has no embeddings")

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return error_from_status(status, headers, body)
