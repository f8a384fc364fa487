"""Keys that make keys, and the change log as a key reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts import people
from apps.accounts.models import ApiKey
from apps.policies import editing
from tests.apps.api.door import Answer, get, make_key, send

pytestmark = pytest.mark.django_db

WHY = {"reason": "for a test"}
KEY = {"name": "new", "tenant": "acme", "scopes": ["read"]}
PATH = "/api/v1/keys"


def make(client: Client, token: str, **facts: Any) -> Answer:
    return send(client, "POST", PATH, token, KEY | WHY | facts)


def soon(days: float = 1) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def test_a_key_makes_a_key_whose_token_is_told_once_and_works(client: Client) -> None:
    token = make_key("read", "write")
    made = make(client, token, plan="pro", expires_at=soon())
    assert made.status_code == 201
    told, new = made.json()["key"], made.json()["token"]
    assert (told["tenant"], told["plan"], told["scopes"], told["state"]) == (
        *("acme", "pro", ["read"], "live"),
    )
    assert get(client, "/api/v1/traces", new).status_code == 200
    for path in (PATH, f"{PATH}/{told['prefix']}", "/api/v1/log?kind=key"):
        answer = get(client, path, token)
        assert answer.status_code == 200
        assert new.split("_", 3)[3].encode() not in answer.content
    assert (
        f"(API key {token.split('_')[2]})"
        in get(client, "/api/v1/log?kind=key", token).json()["results"][0]["reason"]
    )


@pytest.mark.parametrize(
    ("grantor", "asked", "path"),
    [
        ({"scopes": ["write"]}, {}, "scopes"),
        ({"scopes": ["write", "read"], "tenant": "globex"}, {}, "tenant"),
        ({"scopes": ["write", "read"], "tenant": "acme"}, {"tenant": "*"}, "tenant"),
        ({"scopes": ["write", "read"], "plan": "free"}, {"plan": "pro"}, "plan"),
        ({"scopes": ["write", "read"]}, {"disclose": "deployment"}, "disclose"),
        ({"scopes": ["write", "read"]}, {"legacy": True}, "legacy"),
        ({"scopes": ["write", "read"], "expires_at": datetime(2100, 1, 1, tzinfo=UTC)}, {},
         "expires_at"),
    ],
)  # fmt: skip
def test_no_key_makes_one_that_may_do_more(
    client: Client, grantor: dict[str, Any], asked: dict[str, Any], path: str
) -> None:
    token = make_key(**{"tenant": "*", **grantor})
    answer = make(client, token, **asked)
    assert answer.status_code == 403
    error = answer.json()["error"]
    assert (error["code"], error["details"]["problems"][0]["path"]) == ("forbidden", path)
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"tenant": ""},
        {"scopes": []},
        {"scopes": ["root"]},
        {"disclose": "all"},
        {"name": "x" * 200},
        {"name": "a\0b"},
        {"expires_at": "tomorrow"},
        {"prefix": "abcdefgh"},
        {"digest": "x"},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(client: Client, wrong: dict[str, Any]) -> None:
    answer = make(client, make_key("read", "write"), **wrong)
    assert answer.status_code in (400, 403)
    assert ApiKey.objects.count() == 1


def test_a_key_is_rotated_and_revoked(client: Client) -> None:
    token = make_key("read", "write")
    old = make(client, token).json()
    path = f"{PATH}/{old['key']['prefix']}"
    turned = send(client, "POST", f"{path}/rotate", token, {"ends_at": soon()} | WHY)
    assert turned.status_code == 201
    assert turned.json()["key"]["replaces"] == old["key"]["prefix"]
    for each in (old, turned.json()):
        assert get(client, "/api/v1/traces", each["token"]).status_code == 200
    again = send(client, "POST", f"{path}/rotate", token, {"ends_at": soon()} | WHY)
    assert again.status_code == 400
    assert "Two keys are live already" in again.json()["error"]["message"]

    gone = send(client, "DELETE", path, token, WHY)
    assert (gone.status_code, gone.json()["state"]) == (200, "revoked")
    assert get(client, "/api/v1/traces", old["token"]).status_code == 401
    assert get(client, "/api/v1/traces", turned.json()["token"]).status_code == 200


def test_a_key_rotates_none_that_may_do_more(client: Client) -> None:
    strong = make_key("read", "write", "generate").split("_")[2]
    weak = make_key("write")
    path = f"{PATH}/{strong}/rotate"
    answer = send(client, "POST", path, weak, {"ends_at": soon()} | WHY)
    assert (answer.status_code, ApiKey.objects.count()) == (403, 2)


def test_another_tenants_key_is_not_there(client: Client) -> None:
    theirs = make_key("read", tenant="globex").split("_")[2]
    token = make_key("read", "write", tenant="acme")
    assert [k["tenant"] for k in get(client, PATH, token).json()["results"]] == ["acme"]
    assert get(client, f"{PATH}/{theirs}", token).status_code == 404
    assert send(client, "DELETE", f"{PATH}/{theirs}", token, WHY).status_code == 404
    body = {"ends_at": soon()} | WHY
    assert send(client, "POST", f"{PATH}/{theirs}/rotate", token, body).status_code == 404
    assert not ApiKey.objects.exclude(revoked_at=None).exists()


def test_keys_come_in_pages(client: Client) -> None:
    token = make_key("read")
    for _ in range(3):
        make_key("read")
    first = get(client, f"{PATH}?limit=3", token).json()
    second = get(client, f"{PATH}?limit=3&cursor={first['next']}", token).json()
    assert (len(first["results"]), len(second["results"]), second["next"]) == (3, 1, None)


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "cursor=x", "colour=1", "cursor=-1"])
def test_a_query_that_makes_no_sense_is_refused(client: Client, query: str) -> None:
    token = make_key("read")
    for path in (PATH, "/api/v1/log"):
        assert get(client, f"{path}?{query}", token).status_code == 400


# --------------------------------------------------------------------------- the log


def test_the_log_tells_what_was_changed_and_is_searched(client: Client, policy: None) -> None:
    who = people.create(
        email="ada@example.com", role="product", tenants=["*"], password="correct horse",
        reason="test",
    )  # fmt: skip
    editing.amend(
        "routes", "refunds", {"enabled": False}, person=who, source="page", reason="too dear"
    )
    token = make_key("read")
    [change] = get(client, "/api/v1/log?person=Ada@example.com", token).json()["results"]
    assert (change["kind"], change["object"], change["reason"]) == ("route", "refunds", "too dear")
    assert change["fields"] == [{"field": "enabled", "before": None, "after": "false"}]
    found = {
        query: len(get(client, f"/api/v1/log?{query}", token).json()["results"])
        for query in ("kind=cap", "object=refunds", "source=page", "from=now-1h&kind=gate",
                      "to=now-1h", "person=nobody@example.com", "limit=5")
    }  # fmt: skip
    assert list(found.values()) == [2, 2, 1, 1, 0, 0, 5]


def test_the_log_goes_on_where_a_page_ended(client: Client, policy: None) -> None:
    token = make_key("read")
    whole = get(client, "/api/v1/log?limit=200", token).json()
    walked, more = [], "/api/v1/log?limit=7"
    while more:
        page = get(client, more, token).json()
        walked += page["results"]
        more = f"/api/v1/log?limit=7&cursor={page['next']}" if page["next"] else ""
    assert walked == whole["results"]


def test_a_key_reads_nothing_of_people_and_a_tenants_key_of_its_own_keys_alone(
    client: Client, policy: None
) -> None:
    people.create(
        email="ada@example.com", role="admin", tenants=["*"], password="correct horse",
        reason="test",
    )  # fmt: skip
    ours, theirs = make_key("read", tenant="acme"), make_key("read", tenant="globex")
    everything = get(client, "/api/v1/log?limit=200", make_key("read")).json()["results"]
    assert b"ada@example.com" not in str(everything).encode()
    assert {change["kind"] for change in everything} >= {"route", "price", "key"}
    told = get(client, "/api/v1/log?limit=200", ours).json()["results"]
    assert [change["object"] for change in told] == [ours.split("_")[2]]
    assert theirs.split("_")[2] not in str(told)


def test_a_kind_that_there_is_not_is_refused(client: Client) -> None:
    assert get(client, "/api/v1/log?kind=spoon", make_key("read")).status_code == 400
