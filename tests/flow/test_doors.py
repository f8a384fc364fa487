"""What every door does with whatever comes: statuses, limits, ids, methods."""

from collections.abc import Callable, Iterator

import httpx2
import pytest

from tests.flow.client import DOORS, PATHS, Client, asked, code_of, plain_http
from tests.flow.conftest import EVERY_DOOR, EVERY_PATH
from tests.processes import Server


@pytest.fixture
def stranger(shared_server: Server) -> Iterator[httpx2.Client]:
    """Somebody without a key."""
    with plain_http(shared_server) as http:
        yield http


# --------------------------------------------------------------------------- who may come in


@EVERY_PATH
@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer rk_dev_aaaaaaaa_0000"}, {"authorization": "Basic cms6cms="},
     {"x-api-key": "rk_dev_aaaaaaaa_0000"}],
    ids=["nothing", "unknown", "another-scheme", "another-header"],
)  # fmt: skip
def test_without_a_key_there_is_an_error_and_no_trace(
    path: str, headers: dict[str, str], stranger: httpx2.Client
) -> None:
    answer = stranger.post(path, json={}, headers=headers)
    assert (answer.status_code, code_of(answer)) == (401, "auth_failed")
    assert "x-trace-id" not in answer.headers
    assert answer.headers["x-request-id"]


def test_only_anthropics_door_takes_its_header(client: Client, stranger: httpx2.Client) -> None:
    key = client.http.headers["authorization"].removeprefix("Bearer ")
    for door, path in DOORS.items():
        body = asked(door, "one", "Hello")
        answer = stranger.post(path, json=body, headers={"x-api-key": key})
        assert answer.status_code == (200 if door == "anthropic" else 401)


def test_the_request_id_is_the_callers_own_or_made_for_it(
    client: Client, stranger: httpx2.Client
) -> None:
    answer = stranger.post("/v1/generate", json={}, headers={"x-request-id": "mine-7"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (401, "mine-7")
    first, second = (
        stranger.post("/v1/generate", json={}).headers["x-request-id"] for _ in range(2)
    )
    assert first != second
    body = asked("native", "one", "Hello")
    served = client.http.post("/v1/generate", json=body, headers={"x-request-id": "mine-8"})
    assert served.headers["x-request-id"] == "mine-8"
    assert client.http.get("/v1/models").headers["x-request-id"]


@EVERY_PATH
def test_a_key_that_may_not_generate_is_told_which_scope_it_lacks(
    path: str, client: Client, key: Callable[..., str]
) -> None:
    with Client(client.server, key("--scopes", "read")) as reader:
        answer = reader.post(path, {})
        assert (answer.status_code, code_of(answer)) == (403, "forbidden")
        assert "generate" in answer.json()["error"]["message"]
        assert reader.trace(answer)["error_code"] == "forbidden"


def test_what_a_key_pins_wins_over_the_request(client: Client, key: Callable[..., str]) -> None:
    pinned = key(
        "--tenant", "acme", "--plan", "pro", "--app", "ios", "--feature", "ladder",
        "--scopes", "generate,read",
    )  # fmt: skip
    with Client(client.server, pinned) as acme:
        claims = {"tenant": "globex", "plan": "free", "app": "web"}
        trace = acme.trace(acme.generate("one", **claims))
        assert [trace[name] for name in ("tenant", "plan", "app", "feature", "route")] == [
            "acme", "pro", "ios", "ladder", "ladder",
        ]  # fmt: skip
        foreign = client.generate("one", tenant="globex")
        assert acme.http.get(f"/api/v1/traces/{foreign.json()['trace_id']}").status_code == 404


CLAIMS = {
    "X-Task-Type": "summary", "X-Feature": "ladder", "X-User-Tier": "pro", "X-Tenant": "acme",
    "X-App": "ios", "X-App-Version": "3.2.0",
}  # fmt: skip
CLAIMED = {
    "task": "summary", "feature": "ladder", "plan": "pro", "tenant": "acme",
    "app": "ios", "app_version": "3.2.0",
}  # fmt: skip


@pytest.mark.parametrize("path", PATHS[1:3])
@pytest.mark.parametrize("spoken", ["headers", "metadata"])
def test_what_is_wanted_may_be_said_in_headers_or_metadata(
    path: str, spoken: str, client: Client
) -> None:
    headers = CLAIMS if spoken == "headers" else {}
    metadata = {name[2:].lower().replace("-", "_"): CLAIMS[name] for name in CLAIMS}
    said = {} if spoken == "headers" else {"metadata": metadata}
    body = asked("anthropic", "one", "Hello", model="auto", **said)
    trace = client.trace(client.http.post(path, json=body, headers=headers))
    assert {name: trace[name] for name in CLAIMED} == CLAIMED
    assert trace["route"] == "ladder"


@pytest.mark.parametrize(
    ("header", "value", "param"),
    [
        ("X-Task-Type", "nonsense", "task"),
        ("X-Sensitivity", "secret", "x-sensitivity"),
        ("X-Max-Latency-Ms", "soon", "x-max-latency-ms"),
        ("X-Max-Cost-USD", "-1", "max_cost_usd"),
        ("X-Latency-Class", "whenever", "x-latency-class"),
    ],
)
def test_a_header_that_says_nonsense_is_named(
    header: str, value: str, param: str, client: Client
) -> None:
    body = asked("openai", "one", "Hello")
    answer = client.http.post("/v1/chat/completions", json=body, headers={header: value})
    assert (answer.status_code, code_of(answer)) == (400, "invalid_request")
    assert answer.json()["error"]["param"] == param


# --------------------------------------------------------------------------- ids and traces


@EVERY_DOOR
@pytest.mark.parametrize(
    ("fields", "status"),
    [({}, 200), ({"temperature": "hot"}, 400), ({"text": "[mock status=503]"}, 502),
     ({"text": "sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2"}, 403)],
    ids=["served", "invalid", "failed", "blocked"],
)  # fmt: skip
def test_every_answer_names_its_trace_which_is_there_within_a_second(
    door: str, fields: dict[str, str], status: int, client: Client
) -> None:
    answer = client.ask(door, "one", **{"text": "Hello"} | fields)
    assert answer.status_code == status
    assert answer.headers["x-policy-revision"] == client.server.ready()["revision"]
    trace = client.trace(answer)
    assert trace["trace_id"] == answer.headers["x-trace-id"]
    assert trace["revision"] == answer.headers["x-policy-revision"]
    assert trace["trace_id"] in answer.raw.decode()
