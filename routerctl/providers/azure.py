"""OpenAI's models as Azure serves them: the URL names the deployment, a header carries the key.

Provider attribute `api_version`: a dated version (the newest stable one by default), or `v1` for
the undated API, whose URL is OpenAI's and whose body names the deployment.
"""

from collections.abc import Mapping
from urllib.parse import quote

from routerctl.engine.specs import TokenOverhead
from routerctl.providers.errors import ProviderError
from routerctl.providers.openai import OpenAI
from routerctl.providers.openai.dialects import OPENAI
from routerctl.providers.openai.request import chat_body, embeddings_body
from routerctl.providers.ports import StreamParser, Target, UpstreamRequest
from routerctl.providers.types import Answer, EmbeddingRequest, Embeddings, ModelRequest

_API_VERSION = "2024-10-21"


class Azure:
    """The base URL is the resource's endpoint, `https://NAME.openai.azure.com`; the deployment's
    model is the name of Azure's deployment. What reasons is told by that name."""

    def __init__(self) -> None:
        self._openai = OpenAI()

    def overhead(self, model: str) -> TokenOverhead:
        return self._openai.overhead(model)

    def chat(self, target: Target, request: ModelRequest) -> UpstreamRequest:
        body, dropped = chat_body(target.model, request, OPENAI, names_model=_is_undated(target))
        return UpstreamRequest(_url(target, "chat/completions"), _headers(target), body, dropped)

    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        return self._openai.answer(headers, body)

    def stream(self, headers: Mapping[str, str]) -> StreamParser:
        return self._openai.stream(headers)

    def embeddings(self, target: Target, request: EmbeddingRequest) -> UpstreamRequest:
        body = embeddings_body(target.model, request, names_model=_is_undated(target))
        return UpstreamRequest(_url(target, "embeddings"), _headers(target), body)

    def vectors(self, headers: Mapping[str, str], body: bytes) -> Embeddings:
        return self._openai.vectors(headers, body)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return self._openai.error(status, headers, body)


def _api_version(target: Target) -> str:
    version = target.attributes.get("api_version")
    return version if isinstance(version, str) and version else _API_VERSION


def _is_undated(target: Target) -> bool:
    return _api_version(target) == "v1"


def _url(target: Target, operation: str) -> str:
    endpoint = target.base_url.rstrip("/").removesuffix("/openai")
    if _is_undated(target):
        return f"{endpoint}/openai/v1/{operation}"
    deployment, version = quote(target.model, safe=""), quote(_api_version(target), safe="")
    return f"{endpoint}/openai/deployments/{deployment}/{operation}?api-version={version}"


def _headers(target: Target) -> dict[str, str]:
    headers = {"content-type": "application/json"}
    if target.secret:
        headers["api-key"] = target.secret
    return headers
