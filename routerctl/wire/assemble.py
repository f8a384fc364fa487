"""The last step of every door: claims and conversation become one `ParsedCall`."""

from msgspec import Struct

from routerctl.engine.types import RoutingRequest, Sensitivity
from routerctl.providers.types import EmbeddingRequest, ModelRequest
from routerctl.wire.claims import Claims, believed, nano_usd, storable
from routerctl.wire.contents import contents_of
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
    claims: Claims,
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
        claims,
        metadata,
        operation="chat",
        max_output_tokens=chat.max_output_tokens or None,
        text_bytes=body_bytes - contents.image_bytes,
        messages=len(chat.messages) + len(chat.system),
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
    claims: Claims,
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
        claims,
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
    claims: Claims,
    metadata: dict[str, str],
    *,
    operation: str,
    max_output_tokens: int | None,
    text_bytes: int,
    messages: int,
    images: int,
    needs: tuple[str, ...],
    stream: bool,
) -> RoutingRequest:
    said = believed(claims, caller.key, caller.words)
    return RoutingRequest(
        operation=operation,
        task=said.task,
        feature=said.feature,
        plan=said.plan,
        tenant=said.tenant,
        user=said.user,
        session=said.session,
        app=said.app,
        app_version=said.app_version,
        key=caller.key.prefix,
        sensitivity=said.sensitivity or Sensitivity.INTERNAL,
        residency=said.residency,
        language=said.language,
        latency_class=said.latency_class or "interactive",
        max_latency_ms=said.max_latency_ms,
        max_cost_nano_usd=nano_usd(said.max_cost_usd),
        max_output_tokens=max_output_tokens,
        text_bytes=text_bytes,
        messages=messages,
        images=images,
        needs=needs,
        stream=stream,
        metadata=storable(metadata),
        draw=caller.trace_id,
    )
