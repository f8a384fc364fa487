"""Every object of the configuration over REST: read, created, changed, moved, deleted."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.catalog.models import Provider
from apps.ledger.models import CapWindow
from apps.policies import editing, live
from tests.apps.api.door import Answer, get, make_key, send
from tests.apps.ledger.filled import filled
from tests.apps.policies.files import in_force

pytestmark = pytest.mark.django_db

WHY = {"reason": "for a test"}


@pytest.fixture(autouse=True)
def _policy(policy: None) -> None:
    pass


@pytest.fixture
def reader() -> str:
    return make_key("read")


@pytest.fixture
def writer() -> str:
    return make_key("write")


def error(answer: Answer) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()["error"]
    assert body["code"] in ("invalid_request", "forbidden")
    return body


def entry(kind: str, slug: str) -> dict[str, Any]:
    return editing.entry(kind, slug).entry


# --------------------------------------------------------------------------- reading


@pytest.mark.parametrize("kind", editing.KINDS)
def test_every_kind_is_listed_as_the_file_has_it(client: Client, reader: str, kind: str) -> None:
    listed = get(client, f"/api/v1/{kind}", reader).json()["results"]
    held = editing.entries(kind)
    assert [(o["slug"], o["version"], o["entry"]) for o in listed] == [
        (h.slug, h.version, h.entry) for h in held
    ]


def test_an_object_is_told_with_its_version_as_etag_and_who_saved_it(
    client: Client, reader: str
) -> None:
    answer = get(client, "/api/v1/deployments/openai/small", reader)
    told, held = answer.json(), editing.entry("deployments", "openai/small")
    assert answer["ETag"] == f'"{held.version}"'
    assert (told["kind"], told["version"]) == ("deployments", held.version)
    assert told["entry"] == held.entry
    assert (told["saved"]["source"], told["saved"]["person"]) == ("code", None)


def test_a_cap_keeps_the_shape_of_its_windows_and_has_an_etag(client: Client, reader: str) -> None:
    answer = get(client, "/api/v1/caps/all/monthly", reader)
    [window] = answer.json()["windows"]
    assert (window["settled"], window["forecast"]) == (0, None)
    assert answer["ETag"] == f'"{editing.entry("caps", "all/monthly").version}"'


def test_a_window_of_now_has_a_forecast_when_enough_went_before(
    client: Client, reader: str
) -> None:
    now = CapWindow.objects.get(id=filled("all/monthly", settled=7, period="month"))
    for months in (1, 2, 3):
        starts_at = now.starts_at - timedelta(days=30.44 * months)
        CapWindow.objects.create(
            cap=now.cap, unit=now.unit, period="month", key_hash="", key={}, settled=0, held=0,
            starts_at=starts_at, ends_at=starts_at + timedelta(days=30),
        )  # fmt: skip
    first, *others = get(client, "/api/v1/caps/all/monthly", reader).json()["windows"]
    assert first["forecast"] == {
        "expected": 7, "least": 7, "most": 7, "periods": 3, "runs_out_at": None,
    }  # fmt: skip
    assert [other["forecast"] for other in others] == [None] * 3


def test_what_is_not_there_is_a_404(client: Client, reader: str, writer: str) -> None:
    assert get(client, "/api/v1/routes/none", reader).status_code == 404
    assert get(client, "/api/v1/routes/none/history", reader).status_code == 404
    assert get(client, "/api/v1/spoons", reader).status_code == 404
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", "routes/none", {"entry": {"slug": "none"}}),
        ("DELETE", "caps/none", {}),
        ("POST", "gates/none/move", {"before": None}),
        ("POST", "routes/refunds/move", {"before": "none"}),
        ("PUT", "providers/none/secret", {"secret": None}),
    ]
    for method, path, body in asked:
        answer = send(client, method, f"/api/v1/{path}", writer, {**body, **WHY})
        assert answer.status_code == 404, path


@pytest.mark.parametrize("slug", ["a%00b", "%00", "%ED%A0%80", "..", "A", "a%0Ab"])
def test_what_can_be_no_slug_is_not_there_either(
    client: Client, reader: str, writer: str, slug: str
) -> None:
    for path in (f"routes/{slug}", f"routes/{slug}/history", f"caps/{slug}", f"keys/{slug}"):
        assert get(client, f"/api/v1/{path}", reader).status_code == 404, path
    path, body = f"/api/v1/routes/{slug}", {"entry": {"slug": "x"}} | WHY
    for expected in ("*", '"5"'):
        answer = send(client, "PUT", path, writer, body, if_match=expected)
        assert answer.status_code == 404


# --------------------------------------------------------------------------- writing


def test_an_object_is_created_changed_and_deleted(client: Client, writer: str) -> None:
    new = {"slug": "acme/fast", "strategy": "priority", "candidates": ["openai/small"]}
    made = send(client, "POST", "/api/v1/routes", writer, {"entry": new, "before": "refunds"} | WHY)
    assert made.status_code == 201
    assert in_force().routes[0].slug == "acme/fast"

    changed = new | {"enabled": False}
    path = "/api/v1/routes/acme/fast"
    put = send(client, "PUT", path, writer, {"entry": changed} | WHY, if_match=made["ETag"])
    assert (put.status_code, put.json()["entry"]["enabled"]) == (200, False)
    assert put["ETag"] != made["ETag"]
    assert not in_force().routes[0].enabled

    gone = send(client, "DELETE", path, writer, WHY, if_match=put["ETag"])
    assert (gone.status_code, gone.content) == (204, b"")
    assert "acme/fast" not in [route.slug for route in in_force().routes]


@pytest.mark.parametrize("kind", editing.KINDS)
def test_every_object_can_be_put_as_it_was_read(client: Client, writer: str, kind: str) -> None:
    before = live.latest()
    for held in editing.entries(kind):
        path = f"/api/v1/{kind}/{held.slug}"
        answer = send(client, "PUT", path, writer, {"entry": held.entry} | WHY)
        assert (answer.status_code, answer.json()["version"]) == (200, held.version)
    assert live.latest() == before


def test_an_object_is_moved(client: Client, writer: str) -> None:
    for before, order in (
        ("refunds", ["everything", "refunds", "acme-only"]),
        (None, ["refunds", "acme-only", "everything"]),
    ):
        answer = send(
            client, "POST", "/api/v1/routes/everything/move", writer, {"before": before} | WHY
        )
        assert answer.status_code == 200
        assert [route.slug for route in in_force().routes] == order


def test_a_change_says_why_and_by_which_key(client: Client, writer: str, reader: str) -> None:
    body = {"entry": {"slug": "code"}}
    assert send(client, "POST", "/api/v1/tasks", writer, body).status_code == 400
    answer = send(client, "POST", "/api/v1/tasks", writer, body, x_reason="we code now")
    assert answer.status_code == 201
    history = get(client, "/api/v1/tasks/code/history", reader).json()
    [change] = history["results"]
    prefix = writer.split("_")[2]
    assert change["reason"] == f"we code now (API key {prefix})"
    assert (change["source"], change["person"], change["what"]) == ("api", None, "created")
    assert history["next"] is None


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2001, "a\x1b[31m", 7, None])
def test_a_reason_is_plain_text(client: Client, writer: str, reason: Any) -> None:
    body = {"entry": {"slug": "code"}, "reason": reason}
    answer = send(client, "POST", "/api/v1/tasks", writer, body)
    assert answer.status_code == 400
    assert "code" not in in_force().tasks


def test_a_deleted_object_still_has_its_history(client: Client, writer: str, reader: str) -> None:
    assert send(client, "DELETE", "/api/v1/routes/refunds", writer, WHY).status_code == 204
    history = get(client, "/api/v1/routes/refunds/history?limit=1", reader).json()
    assert [change["what"] for change in history["results"]] == ["deleted"]
    older = get(client, f"/api/v1/routes/refunds/history?cursor={history['next']}", reader)
    assert [change["what"] for change in older.json()["results"]] == ["created"]


def test_a_cap_raised_by_a_lot_waits_for_a_second_person(
    client: Client, writer: str, reader: str
) -> None:
    path, before = "/api/v1/caps/acme-daily", entry("caps", "acme-daily")
    wanted = before | {"limit_requests": 9000}
    answer = send(client, "PUT", path, writer, {"entry": wanted} | WHY)
    assert answer.status_code == 202
    waits = answer.json()
    assert (waits["entry"], waits["person"], "20 percent" in waits["why"]) == (wanted, None, True)
    told = get(client, path, reader).json()
    assert (told["limit_requests"], told["waiting"]) == (100, waits)
    deleted = send(client, "DELETE", path, writer, WHY)
    assert (deleted.status_code, deleted.json()["entry"]) == (202, None)
    assert entry("caps", "acme-daily") == before
    tenants = make_key("read", tenant="acme")
    assert get(client, path, tenants).json()["waiting"] is None


# --------------------------------------------------------------------------- refusals


def test_every_problem_of_an_entry_is_told_with_its_path(client: Client, writer: str) -> None:
    wrong = entry("routes", "refunds") | {"candidates": ["none"], "colour": "red"}
    answer = send(client, "PUT", "/api/v1/routes/refunds", writer, {"entry": wrong} | WHY)
    assert answer.status_code == 400
    assert error(answer)["details"]["problems"] == [
        {"path": "candidates.0", "message": "there is no deployment none", "kind": "", "slug": ""},
        {"path": "colour", "message": "unknown key", "kind": "", "slug": ""},
    ]


def test_what_is_referred_to_is_not_deleted_and_says_by_whom(client: Client, writer: str) -> None:
    answer = send(client, "DELETE", "/api/v1/deployments/anthropic/strong", writer, WHY)
    assert answer.status_code == 409
    [problem] = error(answer)["details"]["problems"]
    assert (problem["kind"], problem["slug"], problem["path"]) == (
        "routes",
        "everything",
        "fallback.0",
    )


def test_who_read_an_older_state_gets_a_412_with_the_difference(
    client: Client, writer: str
) -> None:
    path, seen = "/api/v1/caps/acme-daily", editing.entry("caps", "acme-daily")
    send(client, "PUT", path, writer, {"entry": seen.entry | {"limit_requests": 110}} | WHY)
    late = send(
        client,
        "PUT",
        path,
        writer,
        {"entry": seen.entry | {"limit_requests": 120}} | WHY,
        if_match=f'"{seen.version}"',
    )
    assert late.status_code == 412
    details = error(late)["details"]
    assert details["fields"] == [
        {"field": "limit_requests", "seen": "100", "now": "110", "wanted": "120"}
    ]
    now = editing.entry("caps", "acme-daily")
    assert (details["version"], details["now"]) == (now.version, now.entry)
    for method, body in (("DELETE", WHY), ("PUT", {"entry": seen.entry} | WHY)):
        answer = send(client, method, path, writer, body, if_match=f'"{seen.version}"')
        assert answer.status_code == 412
    again = send(client, "PUT", path, writer, {"entry": seen.entry} | WHY, if_match="*")
    assert again.status_code == 200


@pytest.mark.parametrize("said", ["12", '"x"', 'W/"12"', '""', '"-1"', '"' + "9" * 30 + '"'])
def test_what_is_no_etag_is_refused(client: Client, writer: str, said: str) -> None:
    answer = send(client, "DELETE", "/api/v1/caps/acme-daily", writer, WHY, if_match=said)
    assert answer.status_code == 400
    assert len(in_force().caps) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"entry": {"slug": "x"}, "reason": "y", "reason": "z"}',
        b'{"entry": {"slug": "x"}, "reason": "y", "colour": 1}',
        b'{"entry": "x", "reason": "y"}',
        b'{"entry": {"slug": "a\\u0000b"}, "reason": "y"}',
        b'{"entry": {"slug": "\\ud800"}, "reason": "y"}',
        b'{"entry": {"slug": NaN}, "reason": "y"}',
        b'{"entry": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b', "reason": "y"}',
    ],
)
@pytest.mark.parametrize("kind", ["tasks", "routes", "caps"])
def test_what_is_no_body_is_a_400(client: Client, writer: str, kind: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {writer}"}
    answer = client.post(f"/api/v1/{kind}", body, "application/json", headers=headers)
    assert answer.status_code == 400
    error(answer)


# --------------------------------------------------------------------------- secrets


def test_a_secret_is_given_and_never_read_back(client: Client, writer: str, reader: str) -> None:
    path, canary = "/api/v1/providers/openai/secret", "sk-canary-0123456789-wxyz"
    given = send(client, "PUT", path, writer, {"secret": canary} | WHY)
    assert given.json()["secret"] == {
        "origin": "https://openai.example:443",
        "ends": "wxyz",
        "usable": True,
    }
    assert live.load_secrets()["openai"] == canary
    seen = [given, *(get(client, f"/api/v1/{p}", reader) for p in (
        "providers", "providers/openai", "providers/openai/history", "log"))]  # fmt: skip
    assert all(b"canary" not in answer.content for answer in seen)
    assert get(client, path, reader).status_code == 405
    taken = send(client, "PUT", path, writer, {"secret": None} | WHY)
    assert taken.json()["secret"] is None
    assert live.load_secrets()["openai"] is None


def test_our_own_settings_are_no_secret(client: Client, writer: str) -> None:
    for reference in ("env:ROUTERCTL_SECRET_KEY", "env:DATABASE_URL"):
        body = {"secret": reference} | WHY
        answer = send(client, "PUT", "/api/v1/providers/openai/secret", writer, body)
        assert answer.status_code == 400
        wanted = entry("providers", "openai") | {"secret": reference}
        answer = send(client, "PUT", "/api/v1/providers/openai", writer, {"entry": wanted} | WHY)
        assert answer.status_code == 400


@pytest.mark.parametrize("secret", ["", "x" * 20 + "\0", "two\nlines", "Schlüssel", 7])
def test_what_no_header_could_carry_is_no_secret(client: Client, writer: str, secret: Any) -> None:
    path = "/api/v1/providers/openai/secret"
    assert send(client, "PUT", path, writer, {"secret": secret} | WHY).status_code == 400
    assert Provider.objects.get(slug="openai").secret_reference == "env:CANARY_PROVIDER_SECRET"


def test_a_provider_that_moves_gets_no_secret_along(client: Client, writer: str) -> None:
    moved = entry("providers", "openai") | {"base_url": "https://attacker.example"}
    answer = send(client, "PUT", "/api/v1/providers/openai", writer, {"entry": moved} | WHY)
    assert (answer.status_code, answer.json()["secret"]) == (200, None)
    assert "secret" not in answer.json()["entry"]
    assert Provider.objects.get(slug="openai").secret_reference == ""


# --------------------------------------------------------------------------- who may


@pytest.mark.parametrize("kind", editing.KINDS)
def test_a_tenants_key_edits_nothing_that_all_share(client: Client, kind: str) -> None:
    token = make_key("read", "write", tenant="acme")
    slug = editing.entries(kind)[0].slug if editing.entries(kind) else "x"
    wanted = {"entry": {"slug": slug}} | WHY
    before = live.latest()
    asked = [("POST", kind, wanted), ("PUT", f"{kind}/{slug}", wanted),
             ("DELETE", f"{kind}/{slug}", WHY), ("POST", f"{kind}/{slug}/move", {"before": None}),
             ("GET", kind, None), ("GET", f"{kind}/{slug}/history", None)]  # fmt: skip
    for method, path, body in asked:
        answer = send(client, method, f"/api/v1/{path}", token, body)
        assert (answer.status_code, error(answer)["code"]) == (403, "forbidden")
    assert live.latest() == before


def test_reading_does_not_write_and_writing_does_not_read(
    client: Client, reader: str, writer: str
) -> None:
    body = {"entry": {"slug": "code"}} | WHY
    assert send(client, "POST", "/api/v1/tasks", reader, body).status_code == 403
    assert get(client, "/api/v1/tasks", writer).status_code == 403
    assert get(client, "/api/v1/log", writer).status_code == 403
