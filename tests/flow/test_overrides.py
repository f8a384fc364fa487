"""Clients say what they want and never who answers; old ones are forgiven, and counted."""

import re
from collections.abc import Callable

import httpx2
import pytest

from tests.flow.client import DOORS, Client, Json, asked
from tests.processes import Mock, Server

CHOOSING: list[tuple[str, Json]] = [
    # Whose model?
    ("native", {"model": "kestrel-openai"}),
    ("native", {"models": ["gpt-4o", "claude-sonnet-4"]}),
    ("native", {"provider": "acme-openai"}),
    ("native", {"deployment": "acme-openai/kestrel"}),
    ("native", {"metadata": {"model": "kestrel-openai"}}),
    ("openai", {"model": "kestrel-openai"}),
    ("openai", {"model": "acme-openai/kestrel"}),
    ("openai", {"model": "gpt-4o"}),
    ("openai", {"model": "task:"}),
    ("openai", {"provider": {"order": ["acme-openai"]}}),
    ("openai", {"models": ["gpt-4o"]}),
    ("openai", {"custom_llm_provider": "acme-openai"}),
    ("openai", {"metadata": {"provider": "acme-openai"}}),
    ("anthropic", {"model": "claude-sonnet-4-20250514"}),
    ("anthropic", {"model": "kestrel-anthropic"}),
    ("anthropic", {"provider": "acme-anthropic"}),
    ("anthropic", {"metadata": {"deployment": "acme-openai/kestrel"}}),
    # Whose key, and where?
    ("native", {"api_key": "sk-live-0123456789"}),
    ("native", {"base_url": "https://models.example"}),
    ("openai", {"api_key": "sk-live-0123456789"}),
    ("openai", {"api_base": "https://models.example"}),
    ("openai", {"extra_headers": {"authorization": "Bearer sk-live-0123456789"}}),
    ("openai", {"metadata": {"base_url": "https://models.example"}}),
    ("anthropic", {"api_key": "sk-ant-0123456789"}),
    ("anthropic", {"base_url": "https://models.example"}),
    # Who next?
    ("native", {"fallbacks": ["acme-anthropic/kestrel"]}),
    ("native", {"fallback_order": ["acme-gemini", "acme-openai"]}),
    ("openai", {"fallbacks": [{"model": "gpt-4o"}]}),
    ("openai", {"route": "fallback"}),
    ("anthropic", {"fallback_order": ["acme-gemini", "acme-openai"]}),
]
UPSTREAM_PARAMETERS: list[Json] = [
    {"temperature": 0.2},
    {"top_p": 0.5},
    {"seed": 7},
    {"stop": ["."]},
    {"reasoning_effort": "high"},
]


def named(door: str, fields: Json) -> str:
    return f"{door}-{'-'.join(fields)}"


def test_there_are_thirty_ways_to_choose() -> None:
    assert len(CHOOSING) == 30


@pytest.mark.parametrize(
    ("door", "fields"), CHOOSING, ids=[named(door, fields) for door, fields in CHOOSING]
)
def test_a_request_that_chooses_is_refused_and_nobody_called(
    door: str, fields: Json, careless: Client, mock: Mock
) -> None:
    answer = careless.ask(door, "one", **fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "model_not_selectable"
    assert "x-trace-id" in answer.headers
    assert not mock.calls()


@pytest.mark.parametrize("fields", UPSTREAM_PARAMETERS, ids=[*map("".join, UPSTREAM_PARAMETERS)])
def test_the_native_door_has_no_parameter_of_any_vendor(
    fields: Json, client: Client, mock: Mock
) -> None:
    answer = client.generate("one", **fields)
    [name] = fields
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert answer.json()["error"]["details"] == {"path": name}
    assert not mock.calls()


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"service_tier": "flex"},
        {"tools": [{"type": "web_search"}]},
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        {"web_search_options": {}},
    ],
    ids=["choices", "tier", "hosted-tool", "audio", "search"],
)
def test_what_changes_the_price_is_refused_before_it_is_held(
    fields: Json, client: Client, mock: Mock
) -> None:
    answer = client.ask("openai", "one", **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert not mock.calls()


# --------------------------------------------------------------------------- old clients


@pytest.fixture
def old(shared_server: Server, mock: Mock, key: Callable[..., str]) -> Client:
    """A client that cannot be changed any more."""
    return Client(shared_server, key("--scopes", "generate,read", "--legacy"))


def counted(server: Server, **labels: str) -> float:
    """What /metrics says of old clients with these labels."""
    found = 0.0
    for line in httpx2.get(f"{server.url}/metrics").text.splitlines():
        if line.startswith("routerctl_legacy_requests_total{"):
            seen = dict(re.findall(r'(\w+)="([^"]*)"', line))
            if seen == labels:
                found += float(line.rsplit(" ", 1)[1])
    return found


@pytest.mark.parametrize(
    ("door", "fields"), CHOOSING, ids=[named(door, fields) for door, fields in CHOOSING]
)
def test_a_legacy_key_is_served_all_the_same_by_whom_the_server_chose(
    door: str, fields: Json, old: Client, mock: Mock
) -> None:
    model = {} if "model" in fields else {"model": "auto"}
    body = fields | ({} if door == "native" else model)
    answer = old.ask(door, "one", **body)
    assert answer.status_code == 200
    [call] = mock.calls()
    assert call["provider"] == "first"
    assert "sk-" not in str(call["body"])
    assert "models.example" not in str(call)
    marks = old.trace(answer)["marks"]
    ignored = [name for name in fields if name != "metadata"]
    ignored += [f"metadata.{name}" for name in fields.get("metadata", {})]
    assert [mark for mark in marks if mark.startswith("ignored:")] == [
        f"ignored:{name}" for name in ignored
    ]


def test_old_clients_are_counted_by_app_and_version(old: Client) -> None:
    before = counted(old.server, app="ios", app_version="1.4.0")
    body = asked("openai", "one", "Hello", model="gpt-4o")
    for _ in range(3):
        headers = {"X-App": "ios", "X-App-Version": "1.4.0"}
        assert old.http.post(DOORS["openai"], json=body, headers=headers).status_code == 200
    assert counted(old.server, app="ios", app_version="1.4.0") == before + 3
    trace = old.trace(old.http.post(DOORS["openai"], json=body, headers=headers))
    assert (trace["app"], trace["app_version"]) == ("ios", "1.4.0")
    assert trace["marks"] == ["ignored:model"]


def test_what_a_legacy_key_does_right_is_not_counted(old: Client) -> None:
    trace = old.trace(old.ask("openai", "one"))
    assert trace["marks"] == []
    assert trace["route"] == "one"


def test_an_echoed_model_is_what_was_asked_for(old: Client) -> None:
    body = asked("openai", "one", "Hello", model="gpt-4o")
    assert old.http.post(DOORS["openai"], json=body).json()["model"] == "gpt-4o"
