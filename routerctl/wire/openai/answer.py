"""Chat completions as the OpenAI SDK expects them: whole, in chunks, or as an error."""

from msgspec import Raw, Struct
from msgspec.json import Encoder

from routerctl.providers.types import (
    Answer,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from routerctl.wire import sse
from routerctl.wire.openai.errors import error_body
from routerctl.wire.types import Result

_encode = Encoder().encode

_REASONS = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "refused": "content_filter",
}


class _Function(Struct):
    name: str
    arguments: str


class _Call(Struct):
    id: str
    function: _Function
    type: str = "function"


class _Message(Struct):
    content: str | None
    refusal: str | None = None
    role: str = "assistant"


class _CallingMessage(Struct):
    content: str | None
    tool_calls: list[_Call]
    refusal: str | None = None
    role: str = "assistant"


class _Choice(Struct):
    message: _Message | _CallingMessage
    finish_reason: str
    logprobs: Raw | None = None
    index: int = 0


class _PromptDetails(Struct):
    cached_tokens: int
    cache_write_tokens: int
    audio_tokens: int = 0


class _CompletionDetails(Struct):
    reasoning_tokens: int
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class _Usage(Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: _PromptDetails
    completion_tokens_details: _CompletionDetails


class _Completion(Struct):
    id: str
    created: int
    model: str
    choices: list[_Choice]
    usage: _Usage
    object: str = "chat.completion"
    system_fingerprint: None = None


class ChatRenderer:
    """Writes one chat completion. `include_usage`: the stream's client wants a usage chunk."""

    __slots__ = ("_head", "_include_usage", "_refused", "_tail", "content_type")

    def __init__(self, stream: bool = False, include_usage: bool = False) -> None:
        self.content_type = sse.CONTENT_TYPE if stream else b"application/json"
        self._include_usage = include_usage
        self._refused = False
        self._head = b""
        self._tail = b',"logprobs":null,"finish_reason":null}]%b}\n\n' % (
            b',"usage":null' if include_usage else b""
        )

    def whole(self, result: Result) -> bytes:
        if result.error is not None:
            return error_body(result.error, result.trace_id)
        answer = result.answer or Answer()
        return _encode(
            _Completion(
                f"chatcmpl-{result.trace_id}",
                result.created_s,
                result.echo_model,
                [
                    _Choice(
                        _message(answer),
                        _reason(result, bool(answer.refusal)),
                        answer.logprobs,
                    )
                ],
                _usage(result.usage),
            )
        )

    def begin(self, result: Result) -> bytes:
        self._head = (
            b'data: {"id":"chatcmpl-%b","object":"chat.completion.chunk","created":%d,"model":%b,'
            b'"system_fingerprint":null,"choices":['
            % (result.trace_id.encode(), result.created_s, _encode(result.echo_model))
        )
        return self._chunk(b'{"role":"assistant","content":"","refusal":null}')

    def event(self, event: StreamEvent) -> bytes:
        if type(event) is TextDelta:
            if event.logprobs is not None:
                return self._with_logprobs(event.text, event.logprobs)
            return self._chunk(b'{"content":%b}' % _encode(event.text))
        if type(event) is ToolCallDelta:
            return self._chunk(b'{"tool_calls":[%b]}' % _call_delta(event))
        if type(event) is RefusalDelta:
            self._refused = True
            return self._chunk(b'{"refusal":%b}' % _encode(event.text))
        return b""

    def end(self, result: Result) -> bytes:
        if result.error is not None:
            return b"data: %b\n\n" % error_body(result.error, result.trace_id)
        usage = b',"usage":null' if self._include_usage else b""
        last = b'%b{"index":0,"delta":{},"logprobs":null,"finish_reason":%b}]%b}\n\n' % (
            self._head,
            _encode(_reason(result, self._refused)),
            usage,
        )
        if self._include_usage:
            last += b'%b],"usage":%b}\n\n' % (self._head, _encode(_usage(result.usage)))
        return last + b"data: [DONE]\n\n"

    def restart(self) -> bytes:
        return b""

    def keep_alive(self) -> bytes:
        return sse.KEEP_ALIVE

    def _chunk(self, delta: bytes) -> bytes:
        return b'%b{"index":0,"delta":%b%b' % (self._head, delta, self._tail)

    def _with_logprobs(self, text: str, logprobs: Raw) -> bytes:
        usage = b',"usage":null' if self._include_usage else b""
        return (
            b'%b{"index":0,"delta":{"content":%b},"logprobs":%b,"finish_reason":null}]%b}\n\n'
            % (
                self._head,
                _encode(text),
                bytes(logprobs),
                usage,
            )
        )


def _message(answer: Answer) -> _Message | _CallingMessage:
    if answer.tool_calls:
        calls = [_call(call) for call in answer.tool_calls]
        return _CallingMessage(answer.text or None, calls, answer.refusal)
    if answer.refusal is not None:
        return _Message(answer.text or None, answer.refusal)
    return _Message(answer.text)


def _call(call: ToolCall) -> _Call:
    return _Call(call.id, _Function(call.name, call.arguments))


def _call_delta(event: ToolCallDelta) -> bytes:
    arguments = _encode(event.arguments)
    if event.id is None and event.name is None:
        return b'{"index":%d,"function":{"arguments":%b}}' % (event.index, arguments)
    return b'{"index":%d,"id":%b,"type":"function","function":{"name":%b,"arguments":%b}}' % (
        event.index,
        _encode(event.id),
        _encode(event.name),
        arguments,
    )


def _reason(result: Result, refused_in_words: bool) -> str:
    """A refusal that was put into words ended as usual, as OpenAI sees it."""
    if refused_in_words and result.finish_status == "refused":
        return "stop"
    return _REASONS.get(result.finish_status, "stop")


def _usage(usage: Usage) -> _Usage:
    return _Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.input_tokens + usage.output_tokens,
        _PromptDetails(usage.cached_input_tokens, usage.cache_write_tokens),
        _CompletionDetails(usage.reasoning_tokens),
    )
