"""generateContent's answers, whole and streamed, and embeddings, as neutral values."""

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from routerctl.providers.errors import ProviderError
from routerctl.providers.gemini.request import SIGNATURE
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
    shorten,
)

# --------------------------------------------------------------------------- the vendor's shapes


class _Camel(Struct, rename="camel"):
    """Field names as Google writes them."""


class _FunctionCall(_Camel):
    name: str = ""
    id: str | None = None
    args: Raw = Raw(b"{}")


class _Part(_Camel):
    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    function_call: _FunctionCall | None = None


class _Content(_Camel):
    parts: list[_Part] = []


class _Candidate(_Camel):
    content: _Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None


class _Usage(_Camel):
    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    cached_content_token_count: int = 0
    tool_use_prompt_token_count: int = 0

    def neutral(self) -> Usage:
        """Cached tokens stand inside the prompt's, thoughts beside the candidates'."""
        return Usage(
            input_tokens=self.prompt_token_count + self.tool_use_prompt_token_count,
            output_tokens=self.candidates_token_count + self.thoughts_token_count,
            cached_input_tokens=self.cached_content_token_count,
            reasoning_tokens=self.thoughts_token_count,
        )


class _Feedback(_Camel):
    block_reason: str | None = None
    block_reason_message: str | None = None


class _Response(_Camel):
    candidates: list[_Candidate] = []
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None
    response_id: str | None = None
    error: Any = None


class _Vector(_Camel):
    values: list[float]


class _Vectors(_Camel):
    embeddings: list[_Vector]
    usage_metadata: _Usage | None = None


_response = msgspec.json.Decoder(_Response).decode
_vectors = msgspec.json.Decoder(_Vectors).decode

_REFUSED = frozenset(
    [
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "LANGUAGE",
        "MODEL_ARMOR",
        "ESCALATION",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    ]
)

# --------------------------------------------------------------------------- reading


class _Reader:
    """Reads responses in their order: a whole answer is one, a stream many, all of one shape."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.upstream_id = request_id(headers)
        self._id_prefix = ""
        self._reason: str | None = None
        self._refused = False
        self._usage: _Usage | None = None
        self._calls = 0

    def read(self, body: bytes) -> list[StreamEvent]:
        response = _response(body)
        self.upstream_id = self.upstream_id or response.response_id
        if response.error is not None:
            raise error_in_stream(complaint_of({"error": response.error}), self.upstream_id)
        if response.usage_metadata is not None:
            self._usage = response.usage_metadata
        events: list[StreamEvent] = []
        for candidate in response.candidates[:1]:
            for part in candidate.content.parts if candidate.content else ():
                self._add(part, events)
            self._end(candidate, events)
        feedback = response.prompt_feedback
        if feedback is not None and feedback.block_reason:
            self._refuse(feedback.block_reason_message, events)
        return events

    def finish(self) -> Finish | None:
        """None when no finish reason came."""
        usage = self._usage.neutral() if self._usage else None
        if self._refused:
            return Finish("refused", usage)
        if self._reason is None:
            return None
        status: FinishStatus = "length" if self._reason == "MAX_TOKENS" else "stop"
        return Finish("tool_calls" if self._calls and status == "stop" else status, usage)

    def _add(self, part: _Part, events: list[StreamEvent]) -> None:
        if part.function_call is not None:
            if part.thought_signature:
                events.append(ThinkingDelta(signature=SIGNATURE + part.thought_signature))
            events.append(self._call(part.function_call))
        elif part.text:
            events.append(ThinkingDelta(part.text) if part.thought else TextDelta(part.text))

    def _call(self, call: _FunctionCall) -> ToolCallDelta:
        """A call comes whole. Most models give it no id, and ids must differ over all turns of
        a conversation."""
        if not self._id_prefix:
            self._id_prefix = uuid.uuid4().hex[:16]
        index = self._calls
        self._calls += 1
        call_id = call.id or f"call_{self._id_prefix}_{index}"
        return ToolCallDelta(index, call_id, call.name, bytes(call.args).decode())

    def _end(self, candidate: _Candidate, events: list[StreamEvent]) -> None:
        reason = candidate.finish_reason
        if reason is None or reason == "FINISH_REASON_UNSPECIFIED":
            return
        if reason in _REFUSED:
            self._refuse(candidate.finish_message, events)
        elif reason not in ("STOP", "MAX_TOKENS"):
            message = f"the answer ended with {reason} {candidate.finish_message or ''}"
            raise ProviderError(
                "malformed",
                shorten(message),
                http_status=200,
                provider_request_id=self.upstream_id,
            )
        self._reason = reason

    def _refuse(self, message: str | None, events: list[StreamEvent]) -> None:
        self._refused = True
        if message:
            events.append(RefusalDelta(message))


class GeminiStream(EventStream):
    """No end marker: the last response has the finish reason, and then the stream ends."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(request_id(headers))
        self._reader = _Reader(headers)

    def _take(self, data: bytes, events: list[StreamEvent]) -> None:
        events.extend(self._reader.read(data))
        self.provider_request_id = self._reader.upstream_id

    def _finish(self) -> Finish | None:
        return self._reader.finish()


def read_answer(headers: Mapping[str, str], body: bytes) -> Answer:
    """Raises ProviderError malformed, or what an error in a 200 says."""
    reader = _Reader(headers)
    try:
        events = reader.read(body)
    except UNREADABLE as error:
        raise _malformed(f"the answer is not as documented: {error}", headers) from None
    finish = reader.finish()
    if finish is None:
        raise _malformed("the answer has no finish reason", headers)
    refusals = [event.text for event in events if isinstance(event, RefusalDelta)]
    return Answer(
        text="".join(event.text for event in events if isinstance(event, TextDelta)),
        tool_calls=tuple(
            ToolCall(event.id or "", event.name or "", event.arguments)
            for event in events
            if isinstance(event, ToolCallDelta)
        ),
        thinking=tuple(
            Thinking(event.text, event.signature)
            for event in events
            if isinstance(event, ThinkingDelta)
        ),
        refusal="".join(refusals) or None,
        finish_status=finish.finish_status,
        usage=finish.usage,
        provider_request_id=reader.upstream_id,
    )


def read_vectors(headers: Mapping[str, str], body: bytes) -> Embeddings:
    """Raises ProviderError malformed."""
    try:
        answer = _vectors(body)
    except UNREADABLE as error:
        raise _malformed(f"the answer is not as documented: {error}", headers) from None
    return Embeddings(
        vectors=tuple(vector.values for vector in answer.embeddings),
        usage=answer.usage_metadata.neutral() if answer.usage_metadata else None,
        provider_request_id=request_id(headers),
    )


def _malformed(message: str, headers: Mapping[str, str]) -> ProviderError:
    return ProviderError(
        "malformed", message, http_status=200, provider_request_id=request_id(headers)
    )
