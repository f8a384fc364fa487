"""The same scenarios against every adapter, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from routerctl.providers import ADAPTERS
from routerctl.providers.errors import ProviderError
from routerctl.providers.origins import parse_networks
from routerctl.providers.ports import Adapter, Target
from routerctl.providers.transport import Transport
from routerctl.providers.types import (
    Answer,
    EmbeddingRequest,
    Finish,
    Image,
    Message,
    ModelRequest,
    OutputSchema,
    RefusalDelta,
    StreamEvent,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    ToolResult,
    Usage,
)
from tests.providers.scripted import Reply, Scripted, provider
from tests.providers.vendors import VENDORS, Asked, Said, Vendor
from tests.providers.vendors.speech import Call

MODELS = {
    "openai": "gpt-4o-mini",
    "anthropic": "claude-sonnet-4-5-20250929",
    "gemini": "gemini-2.5-flash",
    "azure": "gpt-4o-mini",
}
SECRET = "sk-test-0123456789"
WEATHER = Tool(
    "get_weather",
    "The weather in a city.",
    Raw(b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}'),
)
CLOCK = Tool("get_time", "The time in a city.")
SCHEMA = Raw(
    b'{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],'
    b'"additionalProperties":false}'
)
ROME, OSLO = Call("call_1", "get_weather", {"city": "Rome"}), Call("call_2", "get_time", {})


class Line:
    """One adapter, connected to its scripted vendor."""

    def __init__(self, name: str, said: Scripted, transport: Transport) -> None:
        self.adapter: Adapter = ADAPTERS[name]
        self.vendor: Vendor = VENDORS[name]
        self.said = said
        self.transport = transport
        self.target = Target(self.vendor.base_url(said.url), SECRET, MODELS[name])

    async def chat(self, request: ModelRequest, said: Said) -> tuple[Answer, Asked]:
        self.said.say(Reply(body=self.vendor.whole(said), headers={"x-request-id": "req_7"}))
        answer = await self.send(request)
        return answer, self.vendor.asked(self.said.last)

    async def send(self, request: ModelRequest) -> Answer:
        response = await self.transport.send(
            self.adapter.chat(self.target, request), connect_ms=5000, total_ms=5000
        )
        if response.status != 200:
            raise self.adapter.error(response.status, response.headers, response.body)
        return self.adapter.answer(response.headers, response.body)

    async def stream(self, *chunks: bytes) -> tuple[list[StreamEvent], Asked]:
        """All events of a stream that comes in `chunks`, and what was asked for it."""
        self.said.say(Reply(chunks=chunks, headers={"content-type": "text/event-stream"}))
        request = self.adapter.chat(self.target, ask("Hi", stream=True))
        stream = await self.transport.open(request, connect_ms=5000, first_byte_ms=5000)
        parser = self.adapter.stream(stream.headers)
        events: list[StreamEvent] = []
        try:
            while (chunk := await stream.read(5000)) is not None:
                events += parser.feed(chunk)
            if not (events and isinstance(events[-1], Finish)):
                events += parser.close()
        finally:
            await stream.close()
        return events, self.vendor.asked(self.said.last)


@pytest.fixture(params=sorted(ADAPTERS))
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    transport = Transport(parse_networks(["127.0.0.0/8"]))
    async with provider() as said:
        yield Line(request.param, said, transport)
    await transport.close()


def user(*parts: Text | Image | ToolResult) -> Message:
    return Message("user", parts)


def ask(text: str = "Hi", **more: Any) -> ModelRequest:
    return ModelRequest(**{"messages": (user(Text(text)),), "max_output_tokens": 400, **more})


def heard(line: Line, *answer: bytes) -> list[StreamEvent]:
    """The same bytes through a parser alone."""
    parser = line.adapter.stream({})
    events = [event for chunk in answer for event in parser.feed(chunk)]
    return events if events and isinstance(events[-1], Finish) else events + parser.close()


# --------------------------------------------------------------------------- whole answers


async def test_a_plain_question(line: Line) -> None:
    answer, asked = await line.chat(ask("How much?"), Said(("42",)))
    assert answer.text == "42"
    assert answer.finish_status == "stop"
    assert answer.usage == Usage(input_tokens=20, output_tokens=7)
    assert answer.provider_request_id == "req_7"
    assert (asked.model, asked.secret, asked.max_tokens) == (line.target.model, SECRET, 400)
    assert asked.turns == [("user", [("text", "How much?")])]
    assert not asked.stream
    assert SECRET not in line.said.last.path


async def test_the_output_is_always_bounded(line: Line) -> None:
    for stream in (False, True):
        request = ask(stream=stream, max_output_tokens=17)
        line.said.say(Reply(body=line.vendor.whole(Said(("x",)))))
        await line.transport.send(
            line.adapter.chat(line.target, request), connect_ms=5000, total_ms=5000
        )
        assert line.vendor.asked(line.said.last).max_tokens == 17


async def test_a_target_without_secret_sends_none(line: Line) -> None:
    line.target = msgspec.structs.replace(line.target, secret=None)
    _, asked = await line.chat(ask(), Said(("x",)))
    assert asked.secret is None


async def test_a_system_prompt(line: Line) -> None:
    _, asked = await line.chat(ask(system=(Text("Be brief."),)), Said(("ok",)))
    assert asked.system == "Be brief."
    assert [role for role, _ in asked.turns] == ["user"]


async def test_several_turns_and_characters_from_everywhere(line: Line) -> None:
    turns = (
        user(Text("Hé \U0001f600\u2028")),
        Message("assistant", (Text("Oui"),)),
        user(Text("世")),
    )
    answer, asked = await line.chat(ask(messages=turns), Said(("ça va \U0001f44d",)))
    assert answer.text == "ça va \U0001f44d"
    assert asked.turns == [
        ("user", [("text", "Hé \U0001f600\u2028")]),
        ("assistant", [("text", "Oui")]),
        ("user", [("text", "世")]),
    ]


async def test_a_tool_is_called_and_its_result_goes_back(line: Line) -> None:
    request = ask(tools=(WEATHER,), tool_choice=ToolChoice("auto"))
    answer, asked = await line.chat(request, Said(calls=(ROME,), finish="tool_calls"))
    assert asked.tools == {"get_weather": msgspec.json.decode(WEATHER.schema)}
    assert answer.finish_status == "tool_calls"
    (call,) = answer.tool_calls
    assert call.name == "get_weather"
    assert msgspec.json.decode(call.arguments) == {"city": "Rome"}
    assert call.id == ROME.id or not line.vendor.has_ids

    messages = (
        user(Text("Hi")),
        Message("assistant", (call,)),
        user(ToolResult(call.id, (Text("sunny"),))),
    )
    answer, asked = await line.chat(ask(messages=messages, tools=(WEATHER,)), Said(("Sun.",)))
    assert answer.text == "Sun."
    assert asked.turns[1:] == [
        ("assistant", [("call", call.id, "get_weather", {"city": "Rome"})]),
        ("user", [("result", call.id, "sunny")]),
    ]


async def test_parallel_calls_have_ids_of_their_own_and_results_in_order(line: Line) -> None:
    answer, _ = await line.chat(
        ask(tools=(WEATHER, CLOCK)), Said(calls=(ROME, OSLO), finish="tool_calls")
    )
    first, second = answer.tool_calls
    assert first.id != second.id
    assert second.arguments == "{}"
    messages = (
        user(Text("Hi")),
        Message("assistant", (Text("Let me see."), first, second)),
        user(ToolResult(first.id, (Text("sunny"),))),
        user(ToolResult(second.id, (Text("noon"),)), Text("Well?")),
    )
    _, asked = await line.chat(ask(messages=messages, tools=(WEATHER, CLOCK)), Said(("Noon.",)))
    results = [part for _, parts in asked.turns for part in parts if part[0] == "result"]
    assert results == [("result", first.id, "sunny"), ("result", second.id, "noon")]
    assert asked.turns[-1][1][-1] == ("text", "Well?")


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (ToolChoice("auto"), {"auto", "AUTO"}),
        (ToolChoice("none"), {"none", "NONE"}),
        (ToolChoice("required"), {"required", "any", "ANY"}),
        (ToolChoice("tool", "get_time"), {"get_time"}),
    ],
)
async def test_a_choice_of_tools(line: Line, choice: ToolChoice, words: set[str]) -> None:
    _, asked = await line.chat(ask(tools=(WEATHER, CLOCK), tool_choice=choice), Said(("x",)))
    assert asked.choice in words


async def test_a_tool_without_schema_takes_an_object(line: Line) -> None:
    _, asked = await line.chat(ask(tools=(CLOCK,)), Said(("x",)))
    assert asked.tools == {"get_time": {"type": "object", "properties": {}}}


async def test_an_answer_bound_to_a_schema(line: Line) -> None:
    request = ask(output_schema=OutputSchema(SCHEMA))
    answer, asked = await line.chat(request, Said(('{"n":1}',)))
    assert asked.schema == msgspec.json.decode(SCHEMA)
    assert answer.text == '{"n":1}'


@pytest.mark.parametrize(
    "image",
    [
        Image("image/png", "aGk="),
        Image(url="https://example.com/cat.png"),
    ],
)
async def test_an_image_beside_a_question(line: Line, image: Image) -> None:
    _, asked = await line.chat(ask(messages=(user(Text("What?"), image),)), Said(("A cat.",)))
    shown = image.url or "data:image/png;base64,aGk="
    assert asked.turns == [("user", [("text", "What?"), ("image", shown)])]


async def test_the_limit_of_the_output_is_a_length(line: Line) -> None:
    answer, _ = await line.chat(ask(), Said(("Once upon",), finish="length"))
    assert (answer.text, answer.finish_status) == ("Once upon", "length")


async def test_a_refusal_is_not_an_answer(line: Line) -> None:
    answer, _ = await line.chat(ask(), Said(finish="refused", refusal="I can't."))
    assert answer.finish_status == "refused"
    assert answer.refusal == "I can't."
    assert answer.text == ""


async def test_usage_is_split_the_same_way_for_all(line: Line) -> None:
    writes = 5 if line.vendor.writes_cache else 0
    usage = Usage(
        input_tokens=120,
        output_tokens=50,
        cached_input_tokens=100,
        cache_write_tokens=writes,
        reasoning_tokens=40,
    )
    answer, _ = await line.chat(ask(), Said(("x",), usage=usage))
    assert answer.usage == usage
    events, _ = await line.stream(*line.vendor.events(Said(("x",), usage=usage)))
    assert events[-1] == Finish("stop", usage)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b"<html>", b'{"choices":1}', b"[" * 99999]
)
async def test_a_200_that_is_no_answer_is_malformed(line: Line, body: bytes) -> None:
    line.said.say(Reply(body=body))
    with pytest.raises(ProviderError) as caught:
        await line.send(ask())
    assert caught.value.error_class == "malformed"


# --------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("status", "headers", "error_class"),
    [
        (429, {"retry-after": "3"}, "rate_limited"),
        (529, {}, "overloaded"),
        (503, {}, "overloaded"),
        (500, {}, "server"),
        (401, {}, "auth"),
        (404, {}, "model_gone"),
        (413, {}, "context_length"),
        (400, {}, "invalid_request"),
    ],
)
async def test_an_error_answer_is_a_provider_error(
    line: Line, status: int, headers: dict[str, str], error_class: str
) -> None:
    line.said.say(Reply(status, b'{"error":{"message":"No."}}', headers=headers))
    with pytest.raises(ProviderError) as caught:
        await line.send(ask())
    error = caught.value
    assert (error.error_class, error.http_status, error.message) == (error_class, status, "No.")
    assert error.retry_after_s == (3.0 if headers else None)


# --------------------------------------------------------------------------- streams

STORY = Said(("Once", " upon", " a tíme \U0001f600", "."))
ERRAND = Said(("Let me see. ",), calls=(ROME, OSLO), finish="tool_calls")


def told(events: list[StreamEvent]) -> tuple[str, dict[int, ToolCall]]:
    """The text and the calls that the events add up to."""
    text, calls = "", dict[int, ToolCall]()
    for event in events:
        if isinstance(event, TextDelta):
            text += event.text
        elif isinstance(event, ToolCallDelta):
            before = calls.get(event.index, ToolCall("", "", ""))
            calls[event.index] = ToolCall(
                before.id or event.id or "",
                before.name or event.name or "",
                before.arguments + event.arguments,
            )
    return text, calls


async def test_a_stream_of_text(line: Line) -> None:
    events, asked = await line.stream(*line.vendor.events(STORY))
    assert asked.stream
    assert asked.max_tokens == 400
    assert [event.text for event in events if isinstance(event, TextDelta)] == list(STORY.pieces)
    assert events[-1] == Finish("stop", STORY.usage)
    assert len(events) == len(STORY.pieces) + 1


async def test_a_stream_of_parallel_calls(line: Line) -> None:
    events, _ = await line.stream(*line.vendor.events(ERRAND))
    text, calls = told(events)
    assert text == "Let me see. "
    assert [calls[index].name for index in (0, 1)] == ["get_weather", "get_time"]
    assert msgspec.json.decode(calls[0].arguments) == {"city": "Rome"}
    assert msgspec.json.decode(calls[1].arguments or "{}") == {}
    assert calls[0].id != calls[1].id
    assert events[-1] == Finish("tool_calls", ERRAND.usage)


async def test_a_streamed_refusal(line: Line) -> None:
    events, _ = await line.stream(*line.vendor.events(Said(finish="refused", refusal="I can't.")))
    assert RefusalDelta("I can't.") in events
    assert isinstance(events[-1], Finish)
    assert events[-1].finish_status == "refused"


@pytest.mark.parametrize("said", [STORY, ERRAND], ids=["text", "calls"])
def test_a_stream_means_the_same_however_it_is_cut(line: Line, said: Said) -> None:
    body = b"".join(line.vendor.events(said))
    whole = heard(line, body)
    text, calls = told(whole)
    for cut in range(1, len(body)):
        again_text, again = told(events := heard(line, body[:cut], body[cut:]))
        assert again_text == text
        assert [call.arguments for call in again.values()] == [c.arguments for c in calls.values()]
        assert events[-1] == whole[-1]
    assert told(heard(line, *(body[i : i + 1] for i in range(len(body)))))[0] == text
    assert told(heard(line, body.replace(b"\n", b"\r\n")))[0] == text


async def test_a_stream_that_is_cut_is_never_a_success(line: Line) -> None:
    with pytest.raises(ProviderError) as caught:
        await line.stream(*line.vendor.beginning(STORY))
    assert caught.value.error_class == "truncated"


def test_a_stream_cut_at_any_byte_is_either_whole_or_an_error(line: Line) -> None:
    body = b"".join(line.vendor.events(STORY))
    beginning = len(b"".join(line.vendor.beginning(STORY)))
    endings = set()
    for end in range(1, len(body)):
        events, error_class = ending(line, body[:end])
        endings.add(error_class)
        assert error_class in (None, "truncated")
        assert error_class or told(events)[0] == STORY.text
        assert error_class or end > beginning
    assert endings == {None, "truncated"}


def ending(line: Line, body: bytes) -> tuple[list[StreamEvent], str | None]:
    """The events of `body`, or the class of the error that ends it."""
    try:
        return heard(line, body), None
    except ProviderError as error:
        return [], error.error_class


async def test_an_error_inside_a_stream_comes_after_what_was_said(line: Line) -> None:
    chunks = [*line.vendor.beginning(STORY), line.vendor.overloaded_event()]
    parser = line.adapter.stream({})
    events = parser.feed(b"".join(chunks))
    assert told(events)[0] == STORY.text
    with pytest.raises(ProviderError) as caught:
        parser.close()
    assert caught.value.error_class == "overloaded"
    with pytest.raises(ProviderError):
        await line.stream(*chunks)


def test_an_error_as_the_first_event_is_raised_at_once(line: Line) -> None:
    with pytest.raises(ProviderError) as caught:
        line.adapter.stream({}).feed(line.vendor.overloaded_event())
    assert caught.value.error_class == "overloaded"


def test_nonsense_inside_a_stream_is_malformed(line: Line) -> None:
    for nonsense in (b"data: {\n\n", b"data: 7\n\n", b'data: "x"\n\n', b"data: \xff\xfe\n\n"):
        with pytest.raises(ProviderError) as caught:
            line.adapter.stream({}).feed(nonsense)
        assert caught.value.error_class == "malformed"


def test_comments_and_unknown_events_inside_a_stream_say_nothing(line: Line) -> None:
    noise = b': keep-alive\n\nevent: ping\ndata: {"type": "ping"}\n\n'
    events = line.vendor.events(STORY)
    noisy = heard(line, *(noise + event for event in events))
    assert told(noisy) == told(heard(line, *events))


async def test_the_streams_request_id_is_the_headers(line: Line) -> None:
    parser = line.adapter.stream({"x-request-id": "req_9"})
    parser.feed(b"".join(line.vendor.events(STORY)))
    assert parser.provider_request_id == "req_9"
    assert line.adapter.stream({}).provider_request_id is None


# --------------------------------------------------------------------------- embeddings


async def test_embeddings_where_the_vendor_has_them(line: Line) -> None:
    request = EmbeddingRequest(("one", "two"), dimensions=2)
    if not line.vendor.embeds:
        with pytest.raises(ProviderError) as caught:
            line.adapter.embeddings(line.target, request)
        assert caught.value.error_class == "invalid_request"
        return
    line.said.say(Reply(body=line.vendor.vectors([[0.5, 1.0], [0.0, -1.0]], 4)))
    response = await line.transport.send(
        line.adapter.embeddings(line.target, request), connect_ms=5000, total_ms=5000
    )
    vectors = line.adapter.vectors(response.headers, response.body)
    assert vectors.vectors == ([0.5, 1.0], [0.0, -1.0])
    assert vectors.usage == Usage(input_tokens=4)
    assert b'"one"' in line.said.last.body
    assert b'"two"' in line.said.last.body
    with pytest.raises(ProviderError) as caught:
        line.adapter.vectors({}, b'{"data": 7}')
    assert caught.value.error_class == "malformed"


async def test_one_adapter_serves_many_streams_at_once(line: Line) -> None:
    answers = await asyncio.gather(*(_alone(line, n) for n in range(5)))
    assert answers == [f"answer {n}" for n in range(5)]


async def _alone(line: Line, n: int) -> str:
    said = Said(("answer ", str(n)))
    async with provider(Reply(chunks=line.vendor.events(said), gap_s=0.001)) as scripted:
        another = Line.__new__(Line)
        another.__dict__.update(line.__dict__)
        another.said = scripted
        another.target = msgspec.structs.replace(
            line.target, base_url=line.vendor.base_url(scripted.url)
        )
        events, _ = await another.stream(*line.vendor.events(said))
    return told(events)[0]
