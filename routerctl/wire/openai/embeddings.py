"""`POST /v1/embeddings` as the OpenAI SDK sends and expects it."""

from array import array
from base64 import b64decode, b64encode
from collections.abc import Mapping
from sys import byteorder
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.json import Encoder

from routerctl.providers.types import EmbeddingRequest, StreamEvent
from routerctl.wire import sse
from routerctl.wire.assemble import Caller, embedding_call
from routerctl.wire.claims import Metadata
from routerctl.wire.openai.errors import error_body
from routerctl.wire.overrides import read
from routerctl.wire.spoken import Model, heard
from routerctl.wire.strict import invalid, parse_json, typed
from routerctl.wire.types import KeyFacts, ParsedCall, Result, Vocabulary

_encode = Encoder().encode

Token = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Piece = Annotated[str, Meta(min_length=1)]
Tokens = Annotated[list[Token], Meta(min_length=1)]


class EmbeddingBody(Struct, forbid_unknown_fields=True):
    """`input` is a text, texts, one list of token ids, or several: `_inputs` tells them apart."""

    model: Model
    input: str | list[Any]
    dimensions: Annotated[int, Meta(ge=1, le=65536)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    metadata: Metadata | None = None
    user: Any = None


class _Texts(Struct):
    input: Annotated[list[Piece], Meta(min_length=1, max_length=2048)]


class _TokenLists(Struct):
    input: Annotated[list[Tokens], Meta(min_length=1, max_length=2048)]


def parse_embeddings(
    body: bytes,
    headers: Mapping[str, str],
    key: KeyFacts,
    words: Vocabulary,
    trace_id: str,
) -> ParsedCall:
    """The call in `body`. Raises RouterError invalid_request or model_not_selectable."""
    sent, dropped = read(parse_json(body), EmbeddingBody, key.legacy)
    said, metadata, ignored = heard(sent.model, headers, sent.metadata or {}, key.legacy)
    return embedding_call(
        Caller(key, words, trace_id, ignored + dropped),
        said,
        metadata,
        EmbeddingRequest(_inputs(sent.input), sent.dimensions, sent.encoding_format == "base64"),
        body_bytes=len(body),
        echo_model=sent.model,
    )


def _inputs(sent: str | list[Any]) -> tuple[str, ...] | tuple[tuple[int, ...], ...]:
    if isinstance(sent, str):
        if not sent:
            raise invalid("The text is empty.", "input")
        return (sent,)
    first = sent[0] if sent else ""
    if isinstance(first, int):
        return (tuple(typed({"input": [sent]}, _TokenLists).input[0]),)
    if isinstance(first, list):
        return tuple(tuple(ids) for ids in typed({"input": sent}, _TokenLists).input)
    return tuple(typed({"input": sent}, _Texts).input)


class EmbeddingRenderer:
    """Writes one list of vectors, in the form that was asked for whatever the vendor has."""

    __slots__ = ("_base64", "content_type")

    def __init__(self, base64: bool) -> None:
        self.content_type = b"application/json"
        self._base64 = base64

    def whole(self, result: Result) -> bytes:
        if result.error is not None:
            return error_body(result.error, result.trace_id)
        vectors = result.embeddings.vectors if result.embeddings is not None else ()
        form = _as_base64 if self._base64 else _as_floats
        tokens = result.usage.input_tokens
        return _encode(
            {
                "object": "list",
                "data": [
                    {"object": "embedding", "index": index, "embedding": form(vector)}
                    for index, vector in enumerate(vectors)
                ],
                "model": result.echo_model,
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            }
        )

    def begin(self, result: Result) -> bytes:  # noqa: ARG002 - vectors are never streamed
        return b""

    def event(self, event: StreamEvent) -> bytes:  # noqa: ARG002
        return b""

    def end(self, result: Result) -> bytes:
        return self.whole(result)

    def restart(self) -> bytes:
        return b""

    def keep_alive(self) -> bytes:
        return sse.KEEP_ALIVE


def _as_base64(vector: list[float] | str) -> str:
    """Little-endian 32-bit floats, which is what the SDK unpacks."""
    if isinstance(vector, str):
        return vector
    floats = array("f", vector)
    if byteorder == "big":
        floats.byteswap()
    return b64encode(floats.tobytes()).decode()


def _as_floats(vector: list[float] | str) -> list[float]:
    if not isinstance(vector, str):
        return vector
    floats = array("f", b64decode(vector))
    if byteorder == "big":
        floats.byteswap()
    return floats.tolist()
