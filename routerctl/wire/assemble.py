"""The last step of every door: what was said and what is sent become one `ParsedCall`."""

from msgspec import Struct

from routerctl.engine.types import RoutingRequest
from routerctl.providers.types import EmbeddingRequest, ModelRequest
from routerctl.wire.claims import Said, believed, storable
from routerctl.wire.contents import contents_of, turn_bytes
from routerctl.wire.types import KeyFacts, ParsedCall, Vocabulary


class Caller(Struct):
    """Who asks, and what a door needs to know for every call: the key, the words that may be
    used, the trace id that seeds the draws, the names ignored so far for a legacy key."""

    key: KeyFacts
    words: Vocabulary
    trace_id: str
    ignored: tuple[str, ...] = ()


def chat_call(
    caller: Caller,
    said: Said,
    metadata: dict[str, str],
    chat: ModelRequest,
    *,
    body_bytes: int,
    echo_model: str = "auto",
    include_usage: bool = True,
    needs: tuple[str, ...] = (),
) -> ParsedCall:
    """A conversation. `chat.max_output_tokens` is what was asked for, 0 for nothing; `needs`
    are capabilities beyond those that show in the conversation."""
    contents = contents_of(chat)
    request = _routing_request(
        caller,
        said,
        metadata,
        operation="chat",
        max_output_tokens=chat.max_output_tokens or None,
        text_bytes=body_bytes - contents.image_bytes,
        messages=len(chat.messages) + len(chat.system),
        turns=turn_bytes(chat.messages),
        images=contents.images,
        needs=contents.needs(chat) + needs,
        stream=chat.stream,
    )
    return ParsedCall(
        request=request,
        chat=chat,
        texts=tuple(contents.texts),
        last_user=contents.last_user,
        echo_model=echo_model,
        stream=chat.stream,
        include_usage=include_usage,
        ignored_fields=caller.ignored,
    )


def embedding_call(
    caller: Caller,
    said: Said,
    metadata: dict[str, str],
    embedding: EmbeddingRequest,
    *,
    body_bytes: int,
    echo_model: str,
) -> ParsedCall:
    """Texts to be turned into vectors; token ids are no text that could be looked at."""
    texts = tuple(text for text in embedding.inputs if isinstance(text, str))
    request = _routing_request(
        caller,
        said,
        metadata,
        operation="embeddings",
        max_output_tokens=None,
        text_bytes=body_bytes,
        messages=len(embedding.inputs),
        images=0,
        needs=(),
        stream=False,
    )
    return ParsedCall(
        request=request,
        embedding=embedding,
        texts=texts,
        last_user=texts[-1] if texts else "",
        echo_model=echo_model,
        ignored_fields=caller.ignored,
    )


def _routing_request(
    caller: Caller,
    said: Said,
    metadata: dict[str, str],
    *,
    operation: str,
    max_output_tokens: int | None,
    text_bytes: int,
    messages: int,
    images: int,
    needs: tuple[str, ...],
    stream: bool,
    turns: tuple[int, ...] = (),
) -> RoutingRequest:
    return RoutingRequest(
        operation=operation,
        key=caller.key.prefix,
        max_output_tokens=max_output_tokens,
        text_bytes=text_bytes,
        messages=messages,
        turn_bytes=turns,
        images=images,
        needs=needs,
        stream=stream,
        metadata=storable(metadata),
        draw=caller.trace_id,
        **believed(said, caller.key, caller.words),
    )
