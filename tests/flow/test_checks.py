"""What checks and gates take out of a text, nobody outside receives; what they find, the caller
and the trace are told without repeating it."""

import json

import pytest

from tests.flow.client import Client, called
from tests.flow.conftest import BOTH_WAYS, EVERY_DOOR
from tests.processes import Mock

MAIL = "ana.lopez@example.com"
SECRETS = (
    "sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8",
)


def sent(mock: Mock) -> str:
    """What left the house in the only call."""
    [call] = mock.calls()
    return json.dumps(call["body"])


@pytest.mark.parametrize("secret", SECRETS)
@EVERY_DOOR
@BOTH_WAYS
def test_a_prompt_with_a_secret_is_blocked_before_any_call(
    secret: str, door: str, stream: bool, client: Client, mock: Mock
) -> None:
    answer = client.ask(door, "one", f"Does {secret} work?", stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "safety_blocked")
    assert answer.headers["x-should-retry"] == "false"
    assert not mock.calls()
    assert secret not in answer.raw.decode()
    trace = client.trace(answer)
    assert (trace["status"], trace["attempts"]) == ("blocked", [])
    assert secret not in json.dumps(trace)


@pytest.mark.parametrize("place", ["system", "tool result", "tool arguments", "schema"])
def test_a_secret_is_found_wherever_it_stands(place: str, client: Client, mock: Mock) -> None:
    secret = SECRETS[0]
    user = {"role": "user", "content": "Hello"}
    arguments = json.dumps({"note": secret}) if place == "tool arguments" else "{}"
    call = {"id": "c1", "type": "function", "function": {"name": "note", "arguments": arguments}}
    called_ = {"role": "assistant", "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "c1", "content": secret}
    messages = {
        "system": [{"role": "system", "content": secret}, user],
        "tool result": [user, called_, result],
        "tool arguments": [user, called_, result | {"content": "done"}],
        "schema": [user],
    }[place]
    body = {"feature": "one", "messages": messages}
    if place == "schema":
        body["output_schema"] = {"type": "object", "description": secret}
    assert client.post("/v1/generate", body).json()["error"]["code"] == "safety_blocked"
    assert not mock.calls()


@EVERY_DOOR
@BOTH_WAYS
def test_a_redacting_check_changes_what_the_provider_receives(
    door: str, stream: bool, client: Client, mock: Mock
) -> None:
    ask = client.stream if stream else client.ask
    answer = ask(door, "discreet", f"Tell {MAIL} that bluebird and Project 77 are late.")
    assert answer.status_code == 200
    for hidden in (MAIL, "bluebird", "Project 77"):
        assert hidden not in sent(mock)
    assert "are late." in sent(mock)
    if door == "native":
        assert {flag.partition(":")[0] for flag in answer.last["safety_flags"]} == {
            "codenames", "no-people",
        }  # fmt: skip
    assert MAIL not in json.dumps(client.trace(answer))


def test_a_flagging_check_changes_nothing_but_says_so(client: Client, mock: Mock) -> None:
    answer = client.generate("discreet", "Is Initech cheaper?")
    assert "Initech" in sent(mock)
    assert [flag.partition(":")[0] for flag in answer.json()["safety_flags"]] == ["rivals"]


def test_texts_to_be_embedded_are_read_too(client: Client, mock: Mock) -> None:
    body = {"model": "feature:vectors", "input": ["Hello", f"my key: {SECRETS[0]}"]}
    answer = client.post("/v1/embeddings", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "safety_blocked")
    assert not mock.calls()


# --------------------------------------------------------------------------- gates' ways out


def test_personal_data_is_blocked_where_a_gate_says_so(client: Client, mock: Mock) -> None:
    answer = client.generate("block", f"Write to {MAIL}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "policy_blocked")
    assert not mock.calls()
    [candidate] = client.trace(answer)["candidates"]
    assert [reason["code"] for reason in candidate["reasons"]] == ["gate:agreement-or-block"]


def test_it_is_taken_out_where_a_gate_says_so(client: Client, mock: Mock) -> None:
    answer = client.generate("redact", f"Write to {MAIL} today")
    assert answer.status_code == 200
    assert called(mock) == ["unsigned"]
    assert MAIL not in sent(mock)
    assert "today" in sent(mock)


def test_what_the_client_declares_personal_cannot_be_taken_out(client: Client, mock: Mock) -> None:
    answer = client.generate("redact", "Write to Ana", sensitivity="pii")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "policy_blocked")
    assert not mock.calls()


def test_another_serves_where_a_gate_says_so(client: Client, mock: Mock) -> None:
    answer = client.generate("downgrade", f"Write to {MAIL}")
    assert answer.status_code == 200
    [provider] = called(mock)
    assert provider not in ("unsigned", "deaf")
    assert MAIL in sent(mock)


def test_the_callers_word_counts_when_it_is_stricter(client: Client, mock: Mock) -> None:
    assert client.generate("block", "Hello").status_code == 200
    assert client.generate("block", "Hello", sensitivity="pii").status_code == 403
