"""The native door on the whole way to every vendor's wire format and back."""

import json

from tests.flow.asking import BEHIND, LOOK_UP, PIXEL, REASONED, SCRIPT, Mood, sent
from tests.flow.client import Client, Json
from tests.flow.conftest import BOTH_WAYS
from tests.processes import Mock


@BEHIND
def test_chat(vendor: str, client: Client) -> None:
    answer = client.generate(f"behind-{vendor}", f"Where? {SCRIPT}").json()
    assert answer["output_text"].startswith("Happy to help")
    assert (answer["status"], answer["finish_status"]) == ("succeeded", "stop")
    assert answer["usage"]["cached_input_tokens"] == 2
    assert answer["usage"]["reasoning_tokens"] == REASONED[vendor]
    trace = client.trace(answer["trace_id"])
    usage = trace["usage"]
    assert answer["usage"] == {name: usage[name] for name in answer["usage"]}
    cost_nano_usd = 1000 * usage["input_tokens"] + 2000 * usage["output_tokens"]
    assert trace["cost_nano_usd"] == cost_nano_usd < trace["held_nano_usd"]


@BEHIND
def test_stream(vendor: str, client: Client) -> None:
    answer = client.stream("native", f"behind-{vendor}", "Hi [mock words=12]")
    assert answer.text == " ".join(f"word{n}" for n in range(1, 13))
    assert answer.names == ["delta"] * 12 + ["done"]
    assert answer.last["output_text"] == ""
    assert answer.last["usage"]["output_tokens"] > 0
    trace = client.trace(answer)
    assert trace["usage_source"] == "provider"
    assert 0 <= trace["first_token_ms"] <= trace["latency_ms"]


@BEHIND
@BOTH_WAYS
def test_tools_go_round(vendor: str, stream: bool, client: Client, mock: Mock) -> None:
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": LOOK_UP}}]
    ask = client.stream if stream else client.ask
    first = ask("native", f"behind-{vendor}", "Where is 7? [mock tool]", tools=tools).last
    assert first["finish_status"] == "tool_calls"
    [call] = first["tool_calls"]
    assert call["function"] == {"name": "look_up", "arguments": call["function"]["arguments"]}
    assert json.loads(call["function"]["arguments"]) == {"order": "ok"}
    messages: list[Json] = [
        {"role": "user", "content": "Where is 7?"},
        {"role": "assistant", "tool_calls": first["tool_calls"]},
        {"role": "tool", "tool_call_id": call["id"], "content": "Shipped on Monday."},
    ]
    body = {"feature": f"behind-{vendor}", "messages": messages, "tools": tools}
    assert client.post("/v1/generate", body).json()["finish_status"] == "stop"
    assert "Shipped on Monday" in sent(mock)


@BEHIND
def test_structured_output(vendor: str, client: Client) -> None:
    answer = client.generate(f"behind-{vendor}", "Well?", output_schema=Mood.model_json_schema())
    assert Mood.model_validate_json(answer.json()["output_text"]).mood == "good"


@BEHIND
def test_images(vendor: str, client: Client, mock: Mock) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{PIXEL}"}}
    content = [{"type": "text", "text": "What is this?"}, picture]
    body = {
        "feature": f"behind-{vendor}",
        "messages": [{"role": "user", "content": content}],
    }
    assert client.post("/v1/generate", body).json()["status"] == "succeeded"
    assert PIXEL in sent(mock)
