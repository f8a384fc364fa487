from typing import Any

import pytest
from django.test import Client

from apps.policies import editing
from routerctl.engine.types import DeploymentHealth
from tests.apps.api.door import Answer, get, make_key, send

pytestmark = pytest.mark.django_db


def read(client: Client, path: str, **key: Any) -> Answer:
    return get(client, f"/api/v1/{path}", make_key("read", **key))


def test_a_cap_is_shown_as_it_is_defined_with_the_window_of_now(
    client: Client, policy: None
) -> None:
    told = read(client, "caps/all/monthly").json()
    [window] = told.pop("windows")
    assert window["starts_at"][8:] == window["ends_at"][8:] == "01T00:00:00Z"
    assert {name: window[name] for name in ("key", "limit", "settled", "held", "unit")} == {
        "key": {},
        "limit": 2000 * 10**9,
        "settled": 0,
        "held": 0,
        "unit": "nano_usd",
    }
    assert told == {
        "slug": "all/monthly",
        "scope": {},
        "per": [],
        "missing": "share",
        "period": "month",
        "time_zone": "UTC",
        "limit_usd": "2000.00",
        "limit_tokens": None,
        "limit_requests": None,
        "mode": "closed",
        "actions": [{"at_percent": 100, "do": "stop"}],
        "raised": None,
        "waiting": None,
    }


def test_what_all_tenants_spend_together_is_not_shown_to_one_of_them(
    client: Client, policy: None
) -> None:
    assert read(client, "caps/all/monthly", tenant="acme").json()["windows"] == []
    assert len(read(client, "caps/acme-daily", tenant="acme").json()["windows"]) == 1


def test_a_tenant_sees_its_own_caps_and_those_of_all(client: Client, policy: None) -> None:
    assert read(client, "caps/acme-daily", tenant="acme").status_code == 200
    assert read(client, "caps/all/monthly", tenant="acme").status_code == 200


def test_another_tenants_cap_is_a_404(client: Client, policy: None) -> None:
    assert read(client, "caps/acme-daily", tenant="globex").status_code == 404


def test_a_cap_that_is_not_there_is_a_404(client: Client, policy: None) -> None:
    answer = read(client, "caps/nothing")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "invalid_request"


def test_the_health_of_a_deployment_never_called_from_here_is_unknown(
    client: Client, policy: None
) -> None:
    assert read(client, "deployments/openai/small/health").json() == {
        "deployment": "openai/small",
        "provider": "openai",
        "model": "small-2026",
        "state": "unknown",
        "reason": "",
        "samples": 0,
        "latency_ms": None,
        "first_token_ms": None,
        "error_permille": None,
        "since": None,
        "until": None,
    }


@pytest.mark.parametrize(
    ("health", "state"),
    [
        (DeploymentHealth(latency_ms=412, error_permille=20, samples=50), "available"),
        (DeploymentHealth(available=False, reason="It failed 5 times."), "resting"),
        (DeploymentHealth(reason="It failed 5 times.", since_ms=1), "trying"),
        (DeploymentHealth(saturated=True, until_ms=1), "limiting"),
    ],
)
def test_what_the_machine_door_knows_is_told(
    client: Client,
    policy: None,
    monkeypatch: pytest.MonkeyPatch,
    health: DeploymentHealth,
    state: str,
) -> None:
    monkeypatch.setattr(
        "apps.policies.dry_run._sources", [lambda moment_ms: {"openai/small": health}]
    )
    told = read(client, "deployments/openai/small/health").json()
    assert (told["state"], told["reason"], told["latency_ms"], told["samples"]) == (
        state,
        health.reason,
        health.latency_ms,
        health.samples,
    )


def test_a_deployment_that_is_not_there_is_a_404(client: Client, policy: None) -> None:
    assert read(client, "deployments/openai/nothing/health").status_code == 404


def test_what_a_cap_would_have_done_is_told_before_it_is_saved(
    client: Client, policy: None
) -> None:
    wanted = {"entry": {"slug": "new", "period": "day", "limit_usd": "1.00"}}
    key = make_key("write")
    told = send(client, "POST", "/api/v1/caps/new/preview", key, wanted)
    assert told.json() == {
        "days": 30, "requests": 0, "taken": 0, "unit": "nano_usd", "windows": 0, "full": 0,
        "would": [],
    }  # fmt: skip
    assert not any(held.slug == "new" for held in editing.entries("caps"))
    wrong = {"entry": {"slug": "new", "period": "day"}}
    assert send(client, "POST", "/api/v1/caps/new/preview", key, wrong).status_code == 400
