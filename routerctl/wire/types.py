"""What the three public wire formats have in common: one parsed call, one result to write."""

from collections.abc import Mapping
from typing import Literal, Protocol

from msgspec import Struct

from routerctl.engine.errors import RouterError
from routerctl.engine.types import RoutingRequest
from routerctl.providers.types import (
    Answer,
    EmbeddingRequest,
    Embeddings,
    ModelRequest,
    StreamEvent,
    Usage,
)

Disclose = Literal["none", "route", "deployment"]


class KeyFacts(Struct, frozen=True):
    """What an API key pins and allows. `tenant` is "*" when it may speak for any; what is
    pinned wins over the request's own."""

    id: int
    prefix: str
    tenant: str
    plan: str | None = None
    feature: str | None = None
    app: str | None = None
    scopes: frozenset[str] = frozenset(("generate",))
    disclose: Disclose = "none"
    legacy: bool = False
    expires_at_ms: int | None = None


class Vocabulary(Struct, frozen=True):
    """The words a request may use: unknown ones are an `invalid_request`."""

    tasks: frozenset[str]
    features: frozenset[str]
    plans: frozenset[str]


class ParsedCall(Struct, frozen=True, kw_only=True):
    """One request as a door understood it.

    `texts` are all pieces of text that would be sent (what checks look at), `last_user` the
    last user message's text (what `text_matches` looks at). `echo_model` is the `model` to
    repeat in the answer. `ignored_fields` is what a legacy key sent in vain.
    """

    request: RoutingRequest
    chat: ModelRequest | None = None
    embedding: EmbeddingRequest | None = None
    texts: tuple[str, ...] = ()
    last_user: str = ""
    echo_model: str = "auto"
    stream: bool = False
    include_usage: bool = True
    """A stream's client wants usage in it (OpenAI's `stream_options.include_usage`)."""
    ignored_fields: tuple[str, ...] = ()


class Degraded(Struct, frozen=True):
    """`action` is one of X-Degraded's words."""

    reason: str
    action: str
    message: str


class Result(Struct, frozen=True, kw_only=True):
    """What a renderer writes: the outcome of one call, already disclosed or not."""

    trace_id: str
    created_s: int
    status: str = "succeeded"
    finish_status: str = "stop"
    answer: Answer | None = None
    embeddings: Embeddings | None = None
    usage: Usage = Usage()
    safety_flags: tuple[str, ...] = ()
    degraded: Degraded | None = None
    route: str | None = None
    provider: str | None = None
    model: str | None = None
    """The deployment's slug when the key may know it."""
    echo_model: str = "auto"
    error: RouterError | None = None


class Renderer(Protocol):
    """Writes one wire format. One renderer serves one call; a stream's state lives in it."""

    content_type: bytes

    def whole(self, result: Result) -> bytes:
        """The body of a whole answer, or of an error when `result.error` is set."""
        ...

    def begin(self, result: Result) -> bytes:
        """What opens a stream (Anthropic's message_start, OpenAI's role chunk); may be empty."""
        ...

    def event(self, event: StreamEvent) -> bytes:
        """One event; empty when this format does not show it. `Finish` is left to `end`."""
        ...

    def end(self, result: Result) -> bytes:
        """What closes a complete stream: finish, usage, end marker. With `result.error`: the
        format's error event and no success marker."""
        ...

    def restart(self) -> bytes:
        """What says in a stream that the answer begins anew; empty where clients of this format
        would not understand it."""
        ...

    def keep_alive(self) -> bytes:
        """A comment that clients skip."""
        ...


Headers = Mapping[str, str]
"""Request headers by lower-case name."""
