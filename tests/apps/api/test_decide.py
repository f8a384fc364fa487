import json
import time
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.keys import KeyRing
from apps.policies.compiled import current_revision, vocabulary
from routerctl.engine.decide import decide
from routerctl.engine.types import DeploymentHealth, Facts
from routerctl.redaction.reading import read_text
from routerctl.wire import native
from tests.apps.api.door import Answer, make_key

pytestmark = pytest.mark.django_db


def post(client: Client, body: Any, token: str | None = None) -> Answer:
    token = token or make_key("decide")
    return client.post(
        "/api/v1/route",
        body if isinstance(body, str | bytes) else json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def test_a_decision_names_the_choice_the_chain_and_the_cost(client: Client, policy: None) -> None:
    told = post(client, {"input": "hello", "task": "chat"}).json()
    assert told["task"] == "chat"
    assert told["route"] == "everything"
    assert told["chosen"] == {
        "provider": "openai",
        "deployment": "openai/small",
        "model": "small-2026",
    }
    assert [one["deployment"] for one in told["fallback_chain"]] == ["anthropic/strong"]
    assert 0 < float(told["estimated_cost_usd"]) < 0.01
    assert told["refusal"] is None
    assert told["reason"]
    assert (told["gates"], told["caps"]) == ([], [{"cap": "all/monthly"}])


def test_the_decision_is_the_engines_own(client: Client, policy: None) -> None:
    told = post(client, {"input": "hello", "task": "chat"}).json()
    revision = current_revision()
    token = make_key("decide").encode()
    key = KeyRing.load().authenticate(token)
    assert key is not None
    body = json.dumps({"input": "hello", "task": "chat"}).encode()
    call = native.parse(body, {}, key, vocabulary(revision), "0199d3a1-7c00-7000-8000-000000000001")
    reading = read_text(call.request, revision, call.texts, call.last_user)
    decision = decide(call.request, reading, revision, Facts(time.time_ns() // 1_000_000))
    assert told["revision"] == decision.revision
    assert [c["deployment"] for c in told["candidates"]] == [
        c.deployment for c in decision.candidates
    ]
    chain = [told["chosen"], *told["fallback_chain"]]
    assert [one["deployment"] for one in chain] == [step.deployment for step in decision.steps]
    assert told["reason"] == decision.reason


def test_a_gate_that_leaves_nobody_is_told_with_whom_it_turned_away(
    client: Client, policy: None
) -> None:
    answer = post(client, {"input": "refund me at ada@example.com please"})
    assert answer.status_code == 200
    told = answer.json()
    assert told["chosen"] is None
    assert told["fallback_chain"] == []
    assert told["estimated_cost_usd"] is None
    assert told["refusal"]["code"] == "policy_blocked"
    (gate,) = told["gates"]
    assert (gate["gate"], gate["rejected"]) == ("personal-data-needs-a-dpa", ["openai/small"])
    (candidate,) = told["candidates"]
    assert not candidate["eligible"]
    assert candidate["reasons"][0]["code"] == "gate:personal-data-needs-a-dpa"


def test_a_gate_moves_the_choice_to_whom_it_lets_pass(client: Client, policy: None) -> None:
    told = post(client, {"input": "hello", "sensitivity": "pii"}).json()
    assert told["chosen"]["deployment"] == "anthropic/strong"


def test_a_check_blocks_the_decision_too(client: Client, policy: None) -> None:
    told = post(client, {"input": "use sk-proj-" + "a1B2c3D4e5" * 5}).json()
    assert told["refusal"]["code"] == "safety_blocked"


def test_what_a_key_pins_cannot_be_said_otherwise(client: Client, policy: None) -> None:
    pinned = make_key("decide", tenant="acme")
    assert post(client, {"input": "hi", "tenant": "globex"}, pinned).json()["route"] == "acme-only"
    anybody = make_key("decide")
    told = post(client, {"input": "hi", "tenant": "globex"}, anybody).json()
    assert told["route"] == "everything"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_request"),
        ({"input": "hi", "task": "cooking"}, "invalid_request"),
        ({"input": "hi", "surprise": 1}, "invalid_request"),
        ({"input": "hi", "model": "gpt-5"}, "model_not_selectable"),
        ("{", "invalid_request"),
        ('{"input": "a", "input": "b"}', "invalid_request"),
        (b"\xff", "invalid_request"),
    ],
)
def test_a_request_that_the_native_door_would_refuse_is_refused_here(
    client: Client, policy: None, body: Any, code: str
) -> None:
    answer = post(client, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code


def test_a_body_that_is_too_large_is_refused(
    client: Client, policy: None, settings: Settings
) -> None:
    settings.ENV = replace(settings.ENV, max_body_bytes=100)
    answer = post(client, {"input": "x" * 200})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_nothing_is_published_yet_is_a_clear_503(client: Client, db: None) -> None:
    answer = post(client, {"input": "hi"})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "overloaded"


def test_what_the_machine_door_knows_of_health_counts(
    client: Client, policy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    resting = DeploymentHealth(available=False, reason="It is resting.")
    monkeypatch.setattr(
        "apps.policies.dry_run._sources", [lambda moment_ms: {"openai/small": resting}]
    )
    told = post(client, {"input": "hi"}).json()
    assert told["chosen"]["deployment"] == "anthropic/strong"
    (reason,) = told["candidates"][0]["reasons"]
    assert reason["code"] == "unhealthy"
