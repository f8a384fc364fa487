import json
import re
from typing import Any

import pytest
from django.test import Client

from routerctl.engine.errors import CATALOGUE
from tests.apps.api.door import get, make_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def schema(client: Client) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/api/schema/?format=json").json()
    return document


KINDS = ("providers", "deployments", "tasks", "plans", "features", "prompts", "flags", "checks",
         "gates", "routes", "caps", "rate_limits")  # fmt: skip


def test_the_schema_has_every_operation_and_its_key(schema: dict[str, Any]) -> None:
    objects = {
        path: methods
        for kind in KINDS
        for path, methods in {
            f"/api/v1/{kind}": ["get", "post"],
            f"/api/v1/{kind}/{{slug}}": ["get", "put", "delete"],
            f"/api/v1/{kind}/{{slug}}/history": ["get"],
            f"/api/v1/{kind}/{{slug}}/move": ["post"],
        }.items()
    }
    assert {path: list(methods) for path, methods in schema["paths"].items()} == objects | {
        "/api/v1/route": ["post"],
        "/api/v1/traces": ["get"],
        "/api/v1/traces/{trace_id}": ["get"],
        "/api/v1/deployments/{slug}/health": ["get"],
        "/api/v1/providers/{slug}/secret": ["put"],
        "/api/v1/caps/{slug}/preview": ["post"],
        "/api/v1/spend": ["get"],
        "/api/v1/keys": ["get", "post"],
        "/api/v1/keys/{prefix}": ["get", "delete"],
        "/api/v1/keys/{prefix}/rotate": ["post"],
        "/api/v1/log": ["get"],
        "/api/v1/invoices": ["get", "post"],
        "/api/v1/invoices/{number}": ["get"],
        "/api/v1/prices": ["get"],
        "/api/v1/prices/proposals": ["get", "post"],
        "/api/v1/prices/proposals/{number}": ["get"],
        "/api/v1/prices/proposals/{number}/approve": ["post"],
        "/api/v1/prices/proposals/{number}/reject": ["post"],
    }
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert operation["security"] == [{"apiKey": []}]
    assert schema["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(
    schema: dict[str, Any],
) -> None:
    operations = [o for methods in schema["paths"].values() for o in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] and operation["description"] for operation in operations)
    assert {"list_routes", "create_route", "put_route", "move_gate", "cap"} <= set(names)


def test_every_reference_of_the_schema_leads_somewhere(schema: dict[str, Any]) -> None:
    text = json.dumps(schema)
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names
    assert names <= set(schema["components"]["schemas"])


def test_the_schema_of_a_trace_is_what_is_answered(schema: dict[str, Any]) -> None:
    fields = schema["components"]["schemas"]["TraceDetail"]["properties"]
    assert list(fields)[:2] == ["trace_id", "status"]
    assert {"verdict", "candidates", "attempts", "cost_nano_usd"} <= set(fields)


def test_the_schema_of_a_decisions_request_is_the_native_doors(schema: dict[str, Any]) -> None:
    body = schema["paths"]["/api/v1/route"]["post"]["requestBody"]
    assert body["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/GenerateBody"
    }
    assert {"input", "messages", "task"} <= set(
        schema["components"]["schemas"]["GenerateBody"]["properties"]
    )


def test_the_reference_is_drawn_from_our_own_host_alone(client: Client) -> None:
    page = client.get("/api/docs/reference/")
    assert page.status_code == 200
    html = page.content.decode()
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|https?://", html)
    policy = page["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_script_of_the_reference_is_a_file_of_its_own(client: Client) -> None:
    page = client.get("/api/docs/reference/").content.decode()
    (source,) = re.findall(r'src="([^"]*script=[^"]*)"', page)
    script = client.get(source)
    assert script["Content-Type"] == "application/javascript"
    assert b"SwaggerUIBundle" in script.content


def test_every_error_has_a_code_of_the_catalogue(client: Client, policy: None) -> None:
    token = make_key("read")
    answers = [
        client.get("/api/v1/traces"),
        get(client, "/api/v1/nothing", token),
        get(client, "/api/v1/traces?limit=0", token),
        client.post("/api/v1/route", headers={"Authorization": f"Bearer {token}"}),
        client.put("/api/v1/traces", headers={"Authorization": f"Bearer {token}"}),
    ]
    for answer in answers:
        assert answer.status_code >= 400
        body = json.loads(answer.content)
        assert set(body) == {"error"}
        assert body["error"]["code"] in CATALOGUE


def test_a_fault_of_ours_is_told_without_its_details(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("canary-internals")

    monkeypatch.setattr("apps.api.traces.list_traces", broken)
    answer = get(client, "/api/v1/traces", make_key("read"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert b"canary" not in answer.content
