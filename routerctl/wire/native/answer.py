"""The native answer: the same fields whoever answered, and always all of them."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.json import Encoder

from routerctl.engine.errors import RouterError
from routerctl.providers.types import (
    Answer,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)
from routerctl.wire import sse
from routerctl.wire.types import Degraded, Result

_encode = Encoder().encode


class _Function(Struct):
    name: str
    arguments: str


class _Call(Struct):
    """As in the messages: an answer's call can be sent back as it came."""

    id: str
    function: _Function
    type: str = "function"


class _Usage(Struct):
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    reasoning_tokens: int


class _Error(Struct):
    code: str
    message: str
    retryable: bool
    retry_after_s: int | None
    trace_id: str | None
    details: dict[str, Any]


class _Answer(Struct):
    trace_id: str | None
    status: str
    output_text: str
    tool_calls: list[_Call]
    finish_status: str
    usage: _Usage
    safety_flags: tuple[str, ...]
    degraded: Degraded | None
    route: str | None
    provider: str | None
    model: str | None
    error: _Error | UnsetType = UNSET


class NativeRenderer:
    """Writes one native answer. Of a stream it remembers the tool calls: each is told once, when
    it is complete, and all of them again at the end."""

    __slots__ = ("_calls", "_told", "content_type")

    def __init__(self, stream: bool = False) -> None:
        self.content_type = sse.CONTENT_TYPE if stream else b"application/json"
        self._calls: dict[int, _Call] = {}
        self._told = 0

    def whole(self, result: Result) -> bytes:
        answer = result.answer or Answer()
        calls = [_call(call) for call in answer.tool_calls] if answer.tool_calls else []
        return _encode(_answer(result, answer.text or answer.refusal or "", calls))

    def begin(self, result: Result) -> bytes:  # noqa: ARG002 - every renderer may open a stream
        return b""

    def event(self, event: StreamEvent) -> bytes:
        if type(event) is TextDelta or type(event) is RefusalDelta:
            return b'event: delta\ndata: {"text":%b}\n\n' % _encode(event.text)
        if type(event) is ToolCallDelta:
            return self._gather(event)
        return b""

    def end(self, result: Result) -> bytes:
        calls = list(self._calls.values())
        if result.error is not None:
            return sse.named(b"error", _answer(result, "", calls[: self._told]))
        return self._complete(len(calls)) + sse.named(b"done", _answer(result, "", calls))

    def restart(self) -> bytes:
        return b"event: restart\ndata: {}\n\n"

    def keep_alive(self) -> bytes:
        return sse.KEEP_ALIVE

    def _gather(self, event: ToolCallDelta) -> bytes:
        call = self._calls.get(event.index)
        if call is None:
            told = self._complete(len(self._calls))
            function = _Function(event.name or "", event.arguments)
            self._calls[event.index] = _Call(event.id or "", function)
            return told
        call.function.arguments += event.arguments
        return b""

    def _complete(self, count: int) -> bytes:
        """Tell the first `count` calls as far as they are not told yet."""
        calls = list(self._calls.values())[self._told : count]
        self._told = count
        return b"".join(sse.named(b"tool_call", call) for call in calls)


def _answer(result: Result, text: str, calls: list[_Call]) -> _Answer:
    usage = result.usage
    return _Answer(
        result.trace_id or None,
        result.status,
        text,
        calls,
        result.finish_status,
        _Usage(
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_input_tokens,
            usage.reasoning_tokens,
        ),
        result.safety_flags,
        result.degraded,
        result.route,
        result.provider,
        result.model,
        UNSET if result.error is None else _error(result.error, result.trace_id),
    )


def _call(call: ToolCall) -> _Call:
    return _Call(call.id, _Function(call.name, call.arguments))


def _error(error: RouterError, trace_id: str) -> _Error:
    return _Error(
        error.code,
        error.message,
        error.kind.retry_helps,
        error.retry_after_s,
        trace_id or None,
        error.details,
    )
