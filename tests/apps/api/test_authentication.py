from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from apps.accounts import keys
from apps.accounts.models import ApiKey, User
from tests.apps.api.door import get, make_key

pytestmark = pytest.mark.django_db

GUARDED = (
    "/api/v1/traces",
    "/api/v1/traces/0199d3a1-7c00-7000-8000-000000000001",
    "/api/v1/caps/everything-monthly",
    "/api/v1/deployments/openai/small/health",
    "/api/v1/nothing/here",
)


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer rk_dev_abcdefgh_" + "A" * 43, "Basic cm9vdDpyb290", "Bearer é\x7f"],
)
def test_without_a_live_key_every_path_answers_alike(
    client: Client, path: str, authorization: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = client.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "auth_failed"
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_key_in_the_url_is_not_looked_at(client: Client) -> None:
    assert client.get(f"/api/v1/traces?api_key={make_key('read')}").status_code == 401


def test_a_session_is_no_key(client: Client, admin_person: User) -> None:
    client.force_login(admin_person)
    assert client.get("/api/v1/traces").status_code == 401


@pytest.mark.parametrize("path", GUARDED[:4])
def test_reading_needs_the_scope_read(client: Client, path: str) -> None:
    answer = get(client, path, make_key("generate", "decide", "write", "feedback"))
    assert answer.status_code == 403
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == ("forbidden", "This API key lacks the scope read.")


def test_deciding_needs_the_scope_decide(client: Client) -> None:
    answer = client.post(
        "/api/v1/route",
        {"input": "hi"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {make_key('read', 'generate')}"},
    )
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"


def test_a_revoked_key_is_turned_away_at_once(client: Client) -> None:
    token = make_key("read")
    assert get(client, "/api/v1/traces", token).status_code == 200
    for key in ApiKey.objects.all():
        keys.revoke(key, person=None, reason="leaked")
    assert get(client, "/api/v1/traces", token).status_code == 401


def test_an_expired_key_is_turned_away(client: Client) -> None:
    token = make_key("read", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert get(client, "/api/v1/traces", token).status_code == 401


def test_every_answer_has_a_request_id_even_an_error(client: Client) -> None:
    for path in ("/api/v1/traces", "/api/v1/nothing/here"):
        assert len(client.get(path)["X-Request-Id"]) == 32
    answer = client.get("/api/v1/traces")
    assert answer.json()["error"]["request_id"] == answer["X-Request-Id"]


@pytest.mark.parametrize(
    ("sent", "kept"), [("abc-123", True), ("x" * 129, False), ("a b", False), ("é", False)]
)
def test_the_callers_own_request_id_comes_back_when_it_is_a_plain_word(
    client: Client, sent: str, kept: bool
) -> None:
    answer = client.get("/api/v1/traces", headers={"X-Request-Id": sent})
    assert (answer["X-Request-Id"] == sent) == kept


def test_an_unknown_path_is_a_plain_404(client: Client) -> None:
    answer = get(client, "/api/v1/nothing/here", make_key("read"))
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "invalid_request"


def test_a_wrong_method_says_so(client: Client) -> None:
    answer = client.delete(
        "/api/v1/traces", headers={"Authorization": f"Bearer {make_key('read')}"}
    )
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "invalid_request"
