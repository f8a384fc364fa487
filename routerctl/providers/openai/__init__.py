"""OpenAI's Chat Completions and Embeddings, and every vendor that speaks them: vLLM, Ollama, xAI,
Moonshot, Mistral, DeepSeek, OpenRouter. Their differences are in `dialects`."""

from collections.abc import Mapping

from routerctl.engine.specs import TokenOverhead
from routerctl.providers.errors import ProviderError
from routerctl.providers.openai.answer import OpenAIStream, read_answer, read_vectors
from routerctl.providers.openai.dialects import dialect_of
from routerctl.providers.openai.request import chat_body, embeddings_body
from routerctl.providers.ports import StreamParser, Target, UpstreamRequest
from routerctl.providers.types import Answer, EmbeddingRequest, Embeddings, ModelRequest
from routerctl.providers.vendor_errors import error_from_status

# An image is 1536 patches at most, counted up to 2.46 times by the small models, or 85 + 8 tiles of
# 170 on GPT-4o. GPT-4o mini alone counts 2833 + 8 tiles of 5667.
_OVERHEAD = TokenOverhead(per_image=3_779, per_message=8, with_tools=400)
_DEAR_IMAGES = TokenOverhead(per_image=48_169, per_message=8, with_tools=400)


class OpenAI:
    """The base URL ends before `/chat/completions` (`https://api.openai.com/v1`)."""

    def overhead(self, model: str) -> TokenOverhead:
        return _DEAR_IMAGES if "gpt-4o-mini" in model else _OVERHEAD

    def chat(self, target: Target, request: ModelRequest) -> UpstreamRequest:
        body, dropped = chat_body(
            target.model, request, dialect_of(target.base_url, target.attributes)
        )
        url = f"{target.base_url.rstrip('/')}/chat/completions"
        return UpstreamRequest(url, _headers(target), body, dropped)

    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        return read_answer(headers, body)

    def stream(self, headers: Mapping[str, str]) -> StreamParser:
        return OpenAIStream(headers)

    def embeddings(self, target: Target, request: EmbeddingRequest) -> UpstreamRequest:
        url = f"{target.base_url.rstrip('/')}/embeddings"
        return UpstreamRequest(url, _headers(target), embeddings_body(target.model, request))

    def vectors(self, headers: Mapping[str, str], body: bytes) -> Embeddings:
        return read_vectors(headers, body)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return error_from_status(status, headers, body)


def _headers(target: Target) -> dict[str, str]:
    headers = {"content-type": "application/json"}
    if target.secret:
        headers["authorization"] = f"Bearer {target.secret}"
    return headers
