"""Google's Gemini API."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from routerctl.engine.specs import TokenOverhead
from routerctl.providers.errors import ProviderError
from routerctl.providers.gemini.answer import GeminiStream, read_answer, read_vectors
from routerctl.providers.gemini.errors import read_error
from routerctl.providers.gemini.request import chat_body, embeddings_body
from routerctl.providers.ports import StreamParser, Target, UpstreamRequest
from routerctl.providers.types import Answer, EmbeddingRequest, Embeddings, ModelRequest

# An image is cut into tiles of 258 tokens; Gemini 3 spends up to 2240 on one at ultra-high
# resolution and 1120 unasked.
_OVERHEAD = TokenOverhead(per_image=4_128, per_message=8, with_tools=400)


class Gemini:
    """The base URL is `https://generativelanguage.googleapis.com`, with or without the version
    (`/v1beta`). The key goes in a header, never in the URL."""

    def overhead(self, _model: str) -> TokenOverhead:
        return _OVERHEAD

    def chat(self, target: Target, request: ModelRequest) -> UpstreamRequest:
        body, dropped = chat_body(target.model, request)
        method = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
        return UpstreamRequest(_url(target, method), _headers(target), body, dropped)

    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        return read_answer(headers, body)

    def stream(self, headers: Mapping[str, str]) -> StreamParser:
        return GeminiStream(headers)

    def embeddings(self, target: Target, request: EmbeddingRequest) -> UpstreamRequest:
        body = embeddings_body(_resource(target.model), request)
        url = _url(target, "batchEmbedContents")
        dropped = ("encoding_format",) if request.base64 else ()
        return UpstreamRequest(url, _headers(target), body, dropped)

    def vectors(self, headers: Mapping[str, str], body: bytes) -> Embeddings:
        return read_vectors(headers, body)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return read_error(status, headers, body)


def _resource(model: str) -> str:
    return model if "/" in model else f"models/{model}"


def _url(target: Target, method: str) -> str:
    base_url = target.base_url.rstrip("/")
    if not urlsplit(base_url).path:
        base_url += "/v1beta"
    return f"{base_url}/{quote(_resource(target.model))}:{method}"


def _headers(target: Target) -> dict[str, str]:
    headers = {"content-type": "application/json"}
    if target.secret:
        headers["x-goog-api-key"] = target.secret
    return headers
