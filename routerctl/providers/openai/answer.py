"""Chat Completions' answers, whole and streamed, and Embeddings', as neutral values."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from routerctl.providers.errors import ProviderError
from routerctl.providers.sse import EventStream
from routerctl.providers.types import (
    Answer,
    Embeddings,
    Finish,
    FinishStatus,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from routerctl.providers.vendor_errors import (
    UNREADABLE,
    complaint_of,
    error_in_stream,
    request_id,
)

# --------------------------------------------------------------------------- the vendor's shapes

_NULL = Raw(b"null")


class _Details(Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Usage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek
    cached_tokens: int | None = None  # Moonshot

    def neutral(self) -> Usage:
        read = self.prompt_tokens_details or _Details()
        written = self.completion_tokens_details or _Details()
        prompt, completion = self.prompt_tokens or 0, self.completion_tokens or 0
        return Usage(
            input_tokens=prompt,
            # xAI counts reasoning beside the completion, OpenAI inside; the total has it always.
            output_tokens=max(completion, (self.total_tokens or 0) - prompt),
            cached_input_tokens=read.cached_tokens
            or self.prompt_cache_hit_tokens
            or self.cached_tokens
            or 0,
            cache_write_tokens=read.cache_write_tokens or 0,
            reasoning_tokens=written.reasoning_tokens or 0,
        )


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(Struct):
    index: int | None = None
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)


class _Piece(Struct):
    """Mistral's reasoning models answer in pieces of text and thinking."""

    type: str = "text"
    text: str = ""
    thinking: "list[_Piece]" = []


class _Message(Struct):
    """A message, or in a stream what is added to it."""

    content: str | list[_Piece] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None  # DeepSeek, Moonshot, xAI, vLLM
    reasoning: str | None = None  # OpenRouter, newer vLLM
    tool_calls: list[_ToolCall] | None = None


class _Choice(Struct):
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None
    logprobs: Raw = _NULL


class _Completion(Struct):
    """A whole answer or one chunk of a stream."""

    choices: list[_Choice] | None = None
    id: str | None = None
    usage: _Usage | None = None
    error: Any = None


class _Vector(Struct):
    embedding: list[float] | str
    index: int = 0


class _Vectors(Struct):
    data: list[_Vector]
    usage: _Usage | None = None


_completion = msgspec.json.Decoder(_Completion).decode
_vectors = msgspec.json.Decoder(_Vectors).decode

_STATUS: dict[str, FinishStatus] = {
    "stop": "stop",
    "length": "length",
    "model_length": "length",  # Mistral
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refused",
}
_BROKEN_OFF = {"error": "server", "insufficient_system_resource": "overloaded"}

# --------------------------------------------------------------------------- whole answers


def read_answer(headers: Mapping[str, str], body: bytes) -> Answer:
    """Raises ProviderError: malformed, or what an error in a 200 says."""
    upstream_id = request_id(headers)
    try:
        completion = _completion(body)
    except UNREADABLE as error:
        raise _malformed(f"the answer is not as documented: {error}", upstream_id) from None
    upstream_id = upstream_id or completion.id
    if not completion.choices:
        if completion.error is not None:
            raise _said(completion.error, upstream_id)
        raise _malformed("the answer has no choices", upstream_id)
    choice = completion.choices[0]
    message = choice.message or _Message()
    text, thoughts = _texts(message)
    calls = tuple(
        ToolCall(call.id or f"call_{n}", call.function.name or "", call.function.arguments or "{}")
        for n, call in enumerate(message.tool_calls or ())
    )
    return Answer(
        text=text,
        tool_calls=calls,
        thinking=(Thinking(thoughts),) if thoughts else (),
        refusal=message.refusal,
        finish_status=_finish_status(
            choice.finish_reason, bool(calls), bool(message.refusal), upstream_id
        ),
        usage=completion.usage.neutral() if completion.usage else None,
        provider_request_id=upstream_id,
        logprobs=_present(choice.logprobs),
    )


def read_vectors(headers: Mapping[str, str], body: bytes) -> Embeddings:
    """Raises ProviderError malformed."""
    upstream_id = request_id(headers)
    try:
        answer = _vectors(body)
    except UNREADABLE as error:
        raise _malformed(f"the answer is not as documented: {error}", upstream_id) from None
    ordered = sorted(answer.data, key=lambda vector: vector.index)
    return Embeddings(
        vectors=tuple(vector.embedding for vector in ordered),
        usage=answer.usage.neutral() if answer.usage else None,
        provider_request_id=upstream_id,
    )


# --------------------------------------------------------------------------- streams


class OpenAIStream(EventStream):
    """The finish reason comes first, then usage, then `[DONE]`: the `Finish` waits for that."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(request_id(headers))
        self._reason: str | None = None
        self._usage: _Usage | None = None
        self._call_ids: list[str] = []
        self._refused = False

    def _take(self, data: bytes, events: list[StreamEvent]) -> None:
        if data == b"[DONE]":
            events.append(self._ended())
            return
        chunk = _completion(data)
        if chunk.usage is not None:
            self._usage = chunk.usage
        if self.provider_request_id is None:
            self.provider_request_id = chunk.id
        if chunk.choices:
            self._add(chunk.choices[0], events)
        if chunk.error is not None:
            raise _said(chunk.error, self.provider_request_id)

    def _finish(self) -> Finish | None:
        return None if self._reason is None else self._ended()

    def _ended(self) -> Finish:
        self._finished = True
        status = _finish_status(
            self._reason, bool(self._call_ids), self._refused, self.provider_request_id
        )
        return Finish(status, self._usage.neutral() if self._usage else None)

    def _add(self, choice: _Choice, events: list[StreamEvent]) -> None:
        if choice.finish_reason:
            self._reason = choice.finish_reason
        delta = choice.delta
        if delta is None:
            return
        text, thoughts = _texts(delta)
        if thoughts:
            events.append(ThinkingDelta(thoughts))
        if text:
            events.append(TextDelta(text, _present(choice.logprobs)))
        if delta.refusal:
            self._refused = True
            events.append(RefusalDelta(delta.refusal))
        if delta.tool_calls:
            events.extend(map(self._call, delta.tool_calls))

    def _call(self, call: _ToolCall) -> ToolCallDelta:
        """Only the first delta of a call carries its id and name, whatever the vendor repeats.

        A new id begins a call, because some vendors leave `index` out or always say 0; without
        an id, a new index does.
        """
        ids, arguments = self._call_ids, call.function.arguments or ""
        if call.id and call.id in ids:
            return ToolCallDelta(ids.index(call.id), arguments=arguments)
        index = len(ids) - 1 if call.index is None else call.index
        if not call.id and 0 <= index < len(ids):
            return ToolCallDelta(index, arguments=arguments)
        ids.append(call.id or f"call_{len(ids)}")
        return ToolCallDelta(len(ids) - 1, ids[-1], call.function.name or "", arguments)


# --------------------------------------------------------------------------- pieces


def _texts(message: _Message) -> tuple[str, str]:
    """What was said, and what was thought."""
    thoughts = message.reasoning_content or message.reasoning or ""
    content = message.content
    if isinstance(content, list):
        said = [piece.text for piece in content]
        thought = [inner.text for piece in content for inner in piece.thinking]
        return "".join(said), thoughts + "".join(thought)
    return content or "", thoughts


def _present(raw: Raw) -> Raw | None:
    return None if raw == _NULL else raw


def _finish_status(
    reason: str | None, has_calls: bool, refused: bool, upstream_id: str | None
) -> FinishStatus:
    if reason in _BROKEN_OFF:
        raise ProviderError(
            _BROKEN_OFF[reason],
            f"the provider broke the answer off: {reason}",
            http_status=200,
            provider_request_id=upstream_id,
        )
    if refused:
        return "refused"
    status = _STATUS.get(reason or "", "stop")
    # Asked for one named tool, OpenAI calls it and says "stop".
    return "tool_calls" if has_calls and status == "stop" else status


def _said(error: Any, upstream_id: str | None) -> ProviderError:
    return error_in_stream(complaint_of({"error": error}), upstream_id)


def _malformed(message: str, upstream_id: str | None) -> ProviderError:
    return ProviderError("malformed", message, http_status=200, provider_request_id=upstream_id)
