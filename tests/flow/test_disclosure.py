"""Who answered is told to the keys which may know it, and to nobody else, in no byte."""

from collections.abc import Callable

import pytest

from tests.flow.client import Answer, Client, Json
from tests.flow.conftest import BOTH_WAYS, EVERY_DOOR, VENDORS
from tests.processes import Mock, Server

NAMES = ("kestrel", "acme", *VENDORS, "chatcmpl-mock", "msg_mock", "req_mock", "fp_mock")
"""Of models, providers and vendors, and how vendors number their answers."""
SCRIPTS = ("", "words=30", "refuse", "status=503", "status=400", "status=401", "cut=7")


def unrepeated(door: str, feature: str) -> Json:
    """Asks for `feature` where the answer does not repeat it."""
    return {} if door == "native" else {"model": "auto", "metadata": {"feature": feature}}


def received(answer: Answer) -> str:
    """Every byte that the caller got."""
    return f"{answer.headers.multi_items()} {answer.raw.decode()}".lower()


@EVERY_DOOR
@BOTH_WAYS
@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_nothing_tells_who_answered_or_failed(
    door: str, stream: bool, vendor: str, script: str, client: Client, mock: Mock
) -> None:
    ask = client.stream if stream else client.ask
    feature = f"behind-{vendor}"
    answer = ask(door, feature, f"Hi [mock {script}]", **unrepeated(door, feature))
    assert len(mock.calls()) >= 1
    assert "x-route" not in answer.headers
    assert not [name for name in NAMES if name in received(answer)]


@EVERY_DOOR
def test_a_fallback_does_not_tell_either(door: str, client: Client) -> None:
    answer = client.ask(door, "ladder", "Hi [mock only=first status=503]")
    assert answer.headers["x-degraded"] == "fallback"
    assert not [name for name in ("first/", "second", "/one") if name in answer.raw.decode()]


def test_embeddings_do_not_tell_either(client: Client) -> None:
    body = {"model": "auto", "metadata": {"feature": "gemini-vectors"}, "input": "Hello"}
    answer = client.post("/v1/embeddings", body)
    assert answer.status_code == 200
    assert not [name for name in NAMES if name in received(answer)]


@pytest.fixture
def told(shared_server: Server, mock: Mock, key: Callable[..., str]) -> Callable[[str], Client]:
    """A client of a key that discloses `route` or `deployment`."""
    return lambda disclose: Client(shared_server, key("--disclose", disclose))


@BOTH_WAYS
def test_a_key_that_may_know_the_route_is_told_it(
    stream: bool, told: Callable[[str], Client]
) -> None:
    client = told("route")
    ask = client.stream if stream else client.ask
    native = ask("native", "one")
    assert native.headers["x-route"] == "one"
    assert [native.last[name] for name in ("route", "provider", "model")] == ["one", None, None]
    for door in ("openai", "anthropic"):
        answer = ask(door, "one")
        assert answer.headers["x-route"] == "one"
        assert model_of(answer) == "one"


@BOTH_WAYS
def test_a_key_that_may_know_the_deployment_is_told_all(
    stream: bool, told: Callable[[str], Client]
) -> None:
    client = told("deployment")
    ask = client.stream if stream else client.ask
    native = ask("native", "ladder", "Hi [mock only=first status=503]")
    assert native.headers["x-route"] == "ladder"
    assert [native.last[name] for name in ("route", "provider", "model")] == [
        "ladder", "second", "second/one",
    ]  # fmt: skip
    for door in ("openai", "anthropic"):
        answer = ask(door, "ladder", "Hi [mock only=first status=503]")
        assert answer.headers["x-route"] == "ladder"
        assert model_of(answer) == "second/one"


def test_why_candidates_left_is_told_with_their_names_or_without(
    client: Client, told: Callable[[str], Client]
) -> None:
    code = "gate:agreement-or-block"
    unnamed = client.generate("block", sensitivity="pii").json()["error"]
    assert unnamed["code"] == "policy_blocked"
    assert unnamed["details"]["candidates"] == [{"deployment": None, "reasons": [{"code": code}]}]
    named = told("deployment").generate("block", sensitivity="pii").json()["error"]
    [candidate] = named["details"]["candidates"]
    assert (candidate["deployment"], candidate["reasons"][0]["code"]) == ("unsigned/one", code)
    assert candidate["reasons"][0]["message"]


def model_of(answer: Answer) -> str:
    """The `model` of an answer in OpenAI's or Anthropic's shape, whole or streamed."""
    body = answer.events[0][1] if answer.events else answer.json()
    model: str = body.get("message", body)["model"]
    return model
