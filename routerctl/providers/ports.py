"""What an adapter is: pure translation, no I/O. The transport moves the bytes.

Adding a vendor is one module with one adapter and one line in `providers.ADAPTERS`.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from routerctl.engine.specs import TokenOverhead
from routerctl.providers.errors import ProviderError
from routerctl.providers.types import (
    Answer,
    EmbeddingRequest,
    Embeddings,
    ModelRequest,
    StreamEvent,
)


class Target(Struct, frozen=True):
    """Where a call goes: the provider's base URL and secret, and the vendor's model id.

    `attributes` are the provider's, for vendors that need one (Azure's `api_version`).
    """

    base_url: str
    secret: str | None
    model: str
    attributes: Mapping[str, bool | str] = {}


class UpstreamRequest(Struct, frozen=True):
    """A POST to `url`. `dropped` names the parameters which the vendor does not have."""

    url: str
    headers: dict[str, str]
    body: bytes
    dropped: tuple[str, ...] = ()


class StreamParser(Protocol):
    """Bytes of one streamed answer in, events out. One parser serves one stream."""

    provider_request_id: str | None

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Raises ProviderError for an error inside the stream or a malformed chunk."""
        ...

    def close(self) -> list[StreamEvent]:
        """The upstream's bytes ended. Returns what was still owed (a `Finish` when a finish
        reason came without the end marker); raises ProviderError `truncated` otherwise."""
        ...


class Adapter(Protocol):
    """One vendor's wire format."""

    def overhead(self, model: str) -> TokenOverhead:
        """The most tokens that the vendor counts for what is not text, with this model."""
        ...

    def chat(self, target: Target, request: ModelRequest) -> UpstreamRequest: ...

    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """A 200's body. Raises ProviderError `malformed` when it is not an answer."""
        ...

    def stream(self, headers: Mapping[str, str]) -> StreamParser: ...

    def embeddings(self, target: Target, request: EmbeddingRequest) -> UpstreamRequest: ...

    def vectors(self, headers: Mapping[str, str], body: bytes) -> Embeddings: ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What a status other than 200 means. Never raises: nonsense is an error too."""
        ...
