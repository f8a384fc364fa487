"""The Messages API's answers, whole and streamed, as neutral values."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from routerctl.providers.anthropic.request import ANSWER_TOOL, REDACTED
from routerctl.providers.errors import ProviderError
from routerctl.providers.sse import EventStream
from routerctl.providers.types import (
    Answer,
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


class _OutputDetails(Struct):
    thinking_tokens: int = 0


class _Usage(Struct):
    """In a stream the last word on each count wins."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None

    def neutral(self) -> Usage:
        """Cached reads and cache writes stand beside `input_tokens` here, reasoning inside
        `output_tokens`."""
        read, written = self.cache_read_input_tokens or 0, self.cache_creation_input_tokens or 0
        details = self.output_tokens_details
        return Usage(
            input_tokens=(self.input_tokens or 0) + read + written,
            output_tokens=self.output_tokens or 0,
            cached_input_tokens=read,
            cache_write_tokens=written,
            reasoning_tokens=details.thinking_tokens if details else 0,
        )

    def updated(self, later: "_Usage") -> "_Usage":
        return _Usage(
            *(
                getattr(self, name) if (value := getattr(later, name)) is None else value
                for name in self.__struct_fields__
            )
        )


class _Block(Struct):
    type: str
    text: str = ""
    thinking: str = ""
    signature: str = ""
    data: str = ""
    id: str = ""
    name: str = ""
    input: Raw = Raw(b"{}")


class _StopDetails(Struct):
    explanation: str | None = None


class _Message(Struct):
    content: list[_Block]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: _StopDetails | None = None
    usage: _Usage | None = None
    id: str | None = None


class _Delta(Struct):
    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: _StopDetails | None = None


class _Event(Struct):
    type: str
    index: int = 0
    delta: _Delta | None = None
    content_block: _Block | None = None
    message: _Message | None = None
    usage: _Usage | None = None
    error: Any = None


_message = msgspec.json.Decoder(_Message).decode
_event = msgspec.json.Decoder(_Event).decode

_STATUS: dict[str, FinishStatus] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refused",
}

# --------------------------------------------------------------------------- whole answers


def read_answer(headers: Mapping[str, str], body: bytes) -> Answer:
    """Raises ProviderError malformed."""
    upstream_id = request_id(headers)
    try:
        message = _message(body)
    except UNREADABLE as error:
        raise ProviderError(
            "malformed",
            f"the answer is not as documented: {error}",
            http_status=200,
            provider_request_id=upstream_id,
        ) from None
    blocks = message.content
    calls = tuple(
        ToolCall(block.id, block.name, bytes(block.input).decode())
        for block in blocks
        if block.type == "tool_use" and block.name != ANSWER_TOOL
    )
    return Answer(
        text="".join(map(_said, blocks)),
        tool_calls=calls,
        thinking=tuple(thought for block in blocks if (thought := _thought(block)) is not None),
        refusal=message.stop_details.explanation if message.stop_details else None,
        finish_status=_finish_status(message.stop_reason, bool(calls)),
        stop_sequence=message.stop_sequence,
        usage=message.usage.neutral() if message.usage else None,
        provider_request_id=upstream_id or message.id,
    )


def _said(block: _Block) -> str:
    if block.type == "text":
        return block.text
    if block.type == "tool_use" and block.name == ANSWER_TOOL:
        return bytes(block.input).decode()
    return ""


def _thought(block: _Block) -> Thinking | None:
    if block.type == "thinking":
        return Thinking(block.thinking, block.signature or None)
    if block.type == "redacted_thinking":
        return Thinking("", REDACTED + block.data)
    return None


def _finish_status(reason: str | None, has_calls: bool) -> FinishStatus:
    status = _STATUS.get(reason or "", "stop")
    # Calling the answer tool is how the answer was given: nobody is asked to run anything.
    return "stop" if status == "tool_calls" and not has_calls else status


# --------------------------------------------------------------------------- streams


class AnthropicStream(EventStream):
    """`message_start` has the input's usage, `message_delta` the reason and the output's, and
    `message_stop` ends."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(request_id(headers))
        self._usage: _Usage | None = None
        self._reason: str | None = None
        self._stop_sequence: str | None = None
        self._calls: dict[int, int] = {}  # our index of the call in a block
        self._answer_block: int | None = None

    def _take(self, data: bytes, events: list[StreamEvent]) -> None:
        event = _event(data)
        kind, delta = event.type, event.delta
        if kind == "content_block_delta" and delta is not None:
            self._add(event.index, delta, events)
        elif kind == "content_block_start" and event.content_block is not None:
            self._begin(event.index, event.content_block, events)
        elif kind == "message_delta" and delta is not None:
            self._reason = delta.stop_reason or self._reason
            self._stop_sequence = delta.stop_sequence
            self._count(event.usage)
            if delta.stop_details is not None and delta.stop_details.explanation:
                events.append(RefusalDelta(delta.stop_details.explanation))
        elif kind == "message_start" and event.message is not None:
            self._count(event.message.usage)
            self.provider_request_id = self.provider_request_id or event.message.id
        elif kind == "message_stop":
            events.append(self._ended())
        elif kind == "error":
            raise error_in_stream(complaint_of({"error": event.error}), self.provider_request_id)

    def _finish(self) -> Finish | None:
        return None if self._reason is None else self._ended()

    def _ended(self) -> Finish:
        self._finished = True
        return Finish(
            _finish_status(self._reason, bool(self._calls)),
            self._usage.neutral() if self._usage else None,
            self._stop_sequence,
        )

    def _count(self, usage: _Usage | None) -> None:
        if usage is not None:
            self._usage = usage if self._usage is None else self._usage.updated(usage)

    def _begin(self, index: int, block: _Block, events: list[StreamEvent]) -> None:
        if block.type == "tool_use" and block.name == ANSWER_TOOL:
            self._answer_block = index
        elif block.type == "tool_use":
            self._calls[index] = len(self._calls)
            events.append(ToolCallDelta(self._calls[index], block.id, block.name))
        elif block.type == "redacted_thinking":
            events.append(ThinkingDelta(signature=REDACTED + block.data))
        elif block.text:
            events.append(TextDelta(block.text))
        elif block.thinking:
            events.append(ThinkingDelta(block.thinking))

    def _add(self, index: int, delta: _Delta, events: list[StreamEvent]) -> None:
        if delta.text:
            events.append(TextDelta(delta.text))
        elif delta.partial_json:
            if index == self._answer_block:
                events.append(TextDelta(delta.partial_json))
            elif index in self._calls:
                events.append(ToolCallDelta(self._calls[index], arguments=delta.partial_json))
        elif delta.thinking:
            events.append(ThinkingDelta(delta.thinking))
        elif delta.signature:
            events.append(ThinkingDelta(signature=delta.signature))
