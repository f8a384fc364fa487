"""Messages, pictures, tools and schemas in OpenAI's shapes, and what becomes of them."""

from typing import Any

import pytest

from routerctl.providers.types import Image, Message, ModelRequest, Text, ToolCall, ToolResult
from routerctl.wire.types import ParsedCall
from tests.wire.builders import chat, refusal_of

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"


def sent(call: ParsedCall) -> ModelRequest:
    assert call.chat is not None
    return call.chat


def test_system_and_developer_messages_become_the_system_text() -> None:
    call = chat(
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hello"},
                {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            ]
        }
    )
    assert sent(call).system == (Text("Be brief."), Text("Be kind."))
    assert sent(call).messages == (Message("user", (Text("Hello"),)),)
    assert call.texts == ("Be brief.", "Be kind.", "Hello")


def test_a_system_message_alone_is_said_by_the_user() -> None:
    call = chat({"messages": [{"role": "system", "content": "Write a poem."}]})
    assert sent(call).messages == (Message("user", (Text("Write a poem."),)),)
    assert call.last_user == "Write a poem."


def test_pictures_are_counted_and_their_bytes_are_no_text() -> None:
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}},
    ]
    call = chat({"messages": [{"role": "user", "content": content}]})
    assert sent(call).messages[0].parts == (
        Text("What is this?"),
        Image(media_type="image/png", data=PIXEL),
        Image(url="https://x.example/a.png", detail="low"),
    )
    assert call.request.images == 2
    assert call.request.needs == ("images",)
    assert call.last_user == "What is this?"


def test_a_larger_picture_makes_no_longer_text() -> None:
    def text_bytes(data: str) -> int:
        part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        return chat({"messages": [{"role": "user", "content": [part]}]}).request.text_bytes

    assert text_bytes(PIXEL * 100) == text_bytes(PIXEL)


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png,notbase64",
        "data:text/html;base64,PGI+",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:image/png;base64,",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_picture_is_a_web_address_or_base64_of_a_known_kind(url: str) -> None:
    parts = [{"type": "image_url", "image_url": {"url": url}}]
    error = refusal_of(chat, {"messages": [{"role": "user", "content": parts}]})
    assert error.details["path"] == "messages[0].content[0].image_url.url"


def test_results_of_parallel_tool_calls_become_one_turn() -> None:
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for n in (1, 2)
    ]
    parts = [{"type": "text", "text": "two"}]
    call = chat(
        {
            "messages": [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": None, "tool_calls": calls},
                {"role": "tool", "tool_call_id": "c1", "content": "one"},
                {"role": "tool", "tool_call_id": "c2", "content": parts},
                {"role": "user", "content": "And?"},
            ]
        }
    )
    assert sent(call).messages[1:] == (
        Message("assistant", (ToolCall("c1", "f", "{}"), ToolCall("c2", "f", "{}"))),
        Message("user", (ToolResult("c1", (Text("one"),)), ToolResult("c2", (Text("two"),)))),
        Message("user", (Text("And?"),)),
    )
    assert call.request.needs == ("tools",)
    assert call.last_user == "And?"
    assert "two" in call.texts


def test_an_assistants_message_comes_back_as_the_sdk_dumps_it() -> None:
    dumped: dict[str, Any] = {
        "role": "assistant", "content": "Hi", "refusal": None, "annotations": [], "audio": None,
        "function_call": None, "tool_calls": None,
    }  # fmt: skip
    call = chat({"messages": [{"role": "user", "content": "Hello"}, dumped]})
    assert sent(call).messages[1] == Message("assistant", (Text("Hi"),))


def test_escapes_in_a_tool_calls_arguments_hide_nothing_from_the_checks() -> None:
    function = {"name": "f", "arguments": '{"to":"eve\\u0040example.com"}'}
    turn = {
        "role": "assistant",
        "tool_calls": [{"id": "c", "type": "function", "function": function}],
    }
    assert '{"to":"eve@example.com"}' in chat({"messages": [turn]}).texts


def test_what_tools_and_schemas_say_is_text_that_would_be_sent() -> None:
    call = chat(
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "look_up",
                        "description": "Finds orders.",
                        "parameters": {"type": "object", "title": "Order"},
                        "strict": True,
                    },
                }
            ],
            "tool_choice": {"type": "function", "function": {"name": "look_up"}},
            "parallel_tool_calls": False,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": {"type": "object"}, "strict": True},
            },
        }
    )
    (tool,) = sent(call).tools
    assert (tool.name, tool.description, tool.strict) == ("look_up", "Finds orders.", True)
    assert bytes(tool.schema) == b'{"type":"object","title":"Order"}'
    choice, schema = sent(call).tool_choice, sent(call).output_schema
    assert choice is not None
    assert (choice.mode, choice.name, choice.parallel) == ("tool", "look_up", False)
    assert schema is not None
    assert schema.schema is not None
    assert (bytes(schema.schema), schema.name, schema.strict) == (
        b'{"type":"object"}',
        "reply",
        True,
    )
    assert {"Finds orders.", '{"type":"object","title":"Order"}'} <= set(call.texts)
    assert call.request.needs == ("tools", "schema")


@pytest.mark.parametrize(("format_type", "needs"), [("text", ()), ("json_object", ("schema",))])
def test_json_without_a_schema_needs_the_capability_too(
    format_type: str, needs: tuple[str, ...]
) -> None:
    assert chat({"response_format": {"type": format_type}}).request.needs == needs
