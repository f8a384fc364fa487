"""What a person's key changes, that person must be allowed to change: nobody gets by a key what
their role does not give them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts import people
from apps.accounts.audit import save_with_reason
from apps.accounts.models import ApiKey, User
from apps.accounts.rotation import rotate
from apps.policies import editing
from tests.apps.api.door import get, make_key, send

pytestmark = pytest.mark.django_db

WHY: Any = {"reason": "for a test"}


@pytest.fixture
def somebody(db: None) -> Any:
    def make(role: str) -> User:
        return people.create(
            email=f"{role}@example.com",
            role=role,
            tenants=["*"],
            password="Lantern-Harbour-42",
            **WHY,
        )

    return make


def put(client: Client, token: str, kind: str, slug: str, **changes: Any) -> int:
    entry = editing.entry(kind, slug).entry | changes
    return send(client, "PUT", f"/api/v1/{kind}/{slug}", token, {"entry": entry} | WHY).status_code


def raise_the_cap(client: Client, token: str) -> int:
    return put(client, token, "caps", "acme-daily", limit_requests=120)


def limit() -> Any:
    return editing.entry("caps", "acme-daily").entry["limit_requests"]


@pytest.mark.parametrize(
    ("role", "status"), [("engineer", 403), ("admin", 200), ("finance", 200), ("auditor", 403)]
)
def test_a_cap_is_raised_by_the_keys_of_those_alone_who_may(
    client: Client, policy: None, somebody: Any, role: str, status: int
) -> None:
    token = make_key("write", person=somebody(role))
    assert raise_the_cap(client, token) == status
    assert limit() == (120 if status == 200 else 100)


def test_a_command_s_key_may_change_everything(client: Client, policy: None) -> None:
    assert raise_the_cap(client, make_key("write")) == 200


def test_the_change_log_names_who_made_the_key(client: Client, policy: None, somebody: Any) -> None:
    token = make_key("write", person=somebody("finance"))
    raise_the_cap(client, token)
    change = editing.history("caps", "acme-daily").changes[0]
    assert change.person is not None
    assert (change.person.email, change.source) == ("finance@example.com", "api")
    assert token.split("_")[2] in change.reason


def test_a_key_that_a_key_made_may_no_more(client: Client, policy: None, somebody: Any) -> None:
    token = make_key("write", "read", person=somebody("engineer"))
    made = send(
        client,
        "POST",
        "/api/v1/keys",
        token,
        {"name": "child", "tenant": "*", "scopes": ["write"]} | WHY,
    )
    assert made.status_code == 201
    assert raise_the_cap(client, made.json()["token"]) == 403


def test_who_rotates_a_key_hands_on_their_own_rights_alone(
    client: Client, policy: None, somebody: Any
) -> None:
    token = make_key("write", person=somebody("admin"))
    key = ApiKey.objects.get(prefix=token.split("_")[2])
    in_a_day = timezone.now() + timedelta(days=1)
    _, successor = rotate(key, ends_at=in_a_day, person=somebody("engineer"), **WHY)
    assert raise_the_cap(client, successor) == 403


def test_keys_of_somebody_who_left_change_nothing(
    client: Client, policy: None, somebody: Any
) -> None:
    admin = somebody("admin")
    token = make_key("write", "read", person=admin)
    admin.is_active = False
    save_with_reason(admin, person=None, source="command", **WHY)
    assert raise_the_cap(client, token) == 403
    assert get(client, "/api/v1/caps/acme-daily", token).status_code == 200


@pytest.mark.parametrize(("role", "status"), [("finance", 403), ("engineer", 200)])
def test_a_secret_is_given_by_the_keys_of_those_who_may(
    client: Client, policy: None, somebody: Any, role: str, status: int
) -> None:
    token = make_key("write", person=somebody(role))
    body = {"secret": "env:SOMEBODYS_KEY"} | WHY
    answer = send(client, "PUT", "/api/v1/providers/openai/secret", token, body)
    assert answer.status_code == status


def test_keys_are_made_by_the_keys_of_those_who_may(
    client: Client, policy: None, somebody: Any
) -> None:
    token = make_key("write", person=somebody("finance"))
    body = {"name": "child", "tenant": "acme", "scopes": ["write"]} | WHY
    assert send(client, "POST", "/api/v1/keys", token, body).status_code == 403
    assert ApiKey.objects.count() == 1
