"""Messages as the Anthropic SDK expects them: whole, as an event stream, or as an error."""

from typing import Any

from msgspec import Raw, Struct
from msgspec.json import Encoder

from routerctl.providers.conversation import arguments_object
from routerctl.providers.types import (
    REDACTED_THINKING,
    Answer,
    Finish,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCallDelta,
    Usage,
)
from routerctl.wire import sse
from routerctl.wire.anthropic.errors import error_body
from routerctl.wire.types import Result

_encode = Encoder().encode

_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "refused": "refusal",
}


class _Text(Struct, tag_field="type", tag="text"):
    text: str


class _ToolUse(Struct, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: Raw


class _Thinking(Struct, tag_field="type", tag="thinking"):
    thinking: str
    signature: str


class _Redacted(Struct, tag_field="type", tag="redacted_thinking"):
    data: str


_Block = _Text | _ToolUse | _Thinking | _Redacted


class _Usage(Struct):
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_creation_input_tokens: int


class _Message(Struct):
    id: str
    type: str
    role: str
    model: str
    content: list[_Block]
    stop_reason: str | None
    stop_sequence: str | None
    usage: _Usage


class MessageRenderer:
    """Writes one message. Of a stream it remembers which block is open: a block is a run of
    pieces of one kind, and one is closed before the next begins."""

    __slots__ = ("_block", "_open", "_stop_sequence", "_tool_blocks", "content_type")

    def __init__(self, stream: bool = False) -> None:
        self.content_type = sse.CONTENT_TYPE if stream else b"application/json"
        self._block = -1
        """The number of the last block that was opened."""
        self._open: str | int | None = None
        """The kind of the open block; a tool call by its index."""
        self._tool_blocks: dict[int, int] = {}
        self._stop_sequence: str | None = None

    def whole(self, result: Result) -> bytes:
        if result.error is not None:
            return error_body(result.error, result.trace_id)
        answer = result.answer or Answer()
        reason = _reason(result, answer.stop_sequence)
        return _encode(_message(result, _content(answer), reason, answer.stop_sequence))

    def begin(self, result: Result) -> bytes:
        message = _message(result, [], None, None)
        return sse.named(b"message_start", {"type": "message_start", "message": message})

    def event(self, event: StreamEvent) -> bytes:
        if type(event) is TextDelta or type(event) is RefusalDelta:
            opened = b"" if self._open == "text" else self._start("text", _Text(""))
            return opened + self._delta(b'"text_delta","text":%b' % _encode(event.text))
        if type(event) is ToolCallDelta:
            return self._tool_call(event)
        if type(event) is ThinkingDelta:
            return self._thinking(event)
        if type(event) is Finish:
            self._stop_sequence = event.stop_sequence
        return b""

    def end(self, result: Result) -> bytes:
        if result.error is not None:
            body = error_body(result.error, result.trace_id)
            return b"event: error\ndata: %b\n\n" % body
        delta = {
            "stop_reason": _reason(result, self._stop_sequence),
            "stop_sequence": self._stop_sequence,
        }
        usage = _usage(result.usage)
        last = {"type": "message_delta", "delta": delta, "usage": usage}
        return (
            self._stop()
            + sse.named(b"message_delta", last)
            + sse.named(b"message_stop", {"type": "message_stop"})
        )

    def restart(self) -> bytes:
        return b""

    def keep_alive(self) -> bytes:
        return sse.KEEP_ALIVE

    def _tool_call(self, event: ToolCallDelta) -> bytes:
        opened = b""
        if event.index not in self._tool_blocks:
            call = _ToolUse(event.id or "", event.name or "", Raw(b"{}"))
            opened = self._start(event.index, call)
            self._tool_blocks[event.index] = self._block
        if not event.arguments:
            return opened
        piece = b'"input_json_delta","partial_json":%b' % _encode(event.arguments)
        return opened + self._delta(piece, self._tool_blocks[event.index])

    def _thinking(self, event: ThinkingDelta) -> bytes:
        signature = event.signature or ""
        if signature.startswith(REDACTED_THINKING):
            sealed = _Redacted(signature.removeprefix(REDACTED_THINKING))
            return self._start("sealed", sealed) + self._stop()
        written = b"" if self._open == "thinking" else self._start("thinking", _Thinking("", ""))
        if event.text:
            written += self._delta(b'"thinking_delta","thinking":%b' % _encode(event.text))
        if signature:
            # A signature covers what was thought before it: more thoughts are another block.
            written += self._delta(b'"signature_delta","signature":%b' % _encode(signature))
            written += self._stop()
        return written

    def _start(self, kind: str | int, block: _Block) -> bytes:
        stopped = self._stop()
        self._block += 1
        self._open = kind
        data = {"type": "content_block_start", "index": self._block, "content_block": block}
        return stopped + sse.named(b"content_block_start", data)

    def _delta(self, delta: bytes, block: int | None = None) -> bytes:
        return (
            b"event: content_block_delta\n"
            b'data: {"type":"content_block_delta","index":%d,"delta":{"type":%b}}\n\n'
            % (self._block if block is None else block, delta)
        )

    def _stop(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        data: dict[str, Any] = {"type": "content_block_stop", "index": self._block}
        return sse.named(b"content_block_stop", data)


def _message(
    result: Result, content: list[_Block], reason: str | None, stop_sequence: str | None
) -> _Message:
    return _Message(
        f"msg_{result.trace_id}",
        "message",
        "assistant",
        result.echo_model,
        content,
        reason,
        stop_sequence,
        _usage(result.usage),
    )


def _content(answer: Answer) -> list[_Block]:
    blocks: list[_Block] = [_thought(thought) for thought in answer.thinking]
    text = answer.text or answer.refusal
    if text:
        blocks.append(_Text(text))
    blocks += [
        _ToolUse(call.id, call.name, arguments_object(call.arguments)) for call in answer.tool_calls
    ]
    return blocks


def _thought(thought: Thinking) -> _Thinking | _Redacted:
    signature = thought.signature or ""
    if signature.startswith(REDACTED_THINKING):
        return _Redacted(signature.removeprefix(REDACTED_THINKING))
    return _Thinking(thought.text, signature)


def _reason(result: Result, stop_sequence: str | None) -> str:
    if stop_sequence is not None and result.finish_status == "stop":
        return "stop_sequence"
    return _REASONS.get(result.finish_status, "end_turn")


def _usage(usage: Usage) -> _Usage:
    """Anthropic counts what the cache gave or took beside the input, not in it."""
    cached = usage.cached_input_tokens + usage.cache_write_tokens
    return _Usage(
        max(usage.input_tokens - cached, 0),
        usage.output_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
    )
