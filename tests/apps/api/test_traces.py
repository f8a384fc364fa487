import json

import pytest
from django.test import Client

from routerctl.engine.types import RoutingRequest
from tests.apps.api.door import Answer, get, make_key
from tests.apps.traces.stored import TRACE_ID, attempt, keep, stored, trace_id_at

pytestmark = pytest.mark.django_db

NOON_MS = 1_760_000_000_000
NOON = "2025-10-09T08:53:20Z"


def listed(client: Client, query: str = "", token: str | None = None) -> Answer:
    return get(client, f"/api/v1/traces{query}", token or make_key("read"))


def ids(answer: Answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [trace["trace_id"] for trace in answer.json()["results"]]


def test_a_trace_is_read_back_with_its_verdict_candidates_and_attempts(client: Client) -> None:
    keep(stored(attempt(), latency_ms=1234))
    told = get(client, f"/api/v1/traces/{TRACE_ID}", make_key("read")).json()
    assert (told["trace_id"], told["status"], told["latency_ms"]) == (TRACE_ID, "succeeded", 1234)
    assert told["verdict"]["code"] == "succeeded"
    assert [c["deployment"] for c in told["candidates"]] == ["openai/small"]
    assert [a["n"] for a in told["attempts"]] == [1]


def test_an_id_may_be_written_without_dashes(client: Client) -> None:
    keep(stored())
    answer = get(client, f"/api/v1/traces/{TRACE_ID.replace('-', '')}", make_key("read"))
    assert answer.json()["trace_id"] == TRACE_ID


@pytest.mark.parametrize("trace_id", [TRACE_ID, "nonsense", "%00", "..%2f..%2fetc"])
def test_a_trace_that_is_not_there_is_a_404(client: Client, trace_id: str) -> None:
    answer = get(client, f"/api/v1/traces/{trace_id}", make_key("read"))
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "invalid_request"


def test_another_tenants_trace_is_a_404_like_one_that_is_not_there(client: Client) -> None:
    keep(stored(request=RoutingRequest(tenant="globex")))
    acme = make_key("read", tenant="acme")
    theirs = get(client, f"/api/v1/traces/{TRACE_ID}", acme)
    nobodys = get(client, f"/api/v1/traces/{trace_id_at(NOON_MS)}", acme)
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json()["error"]["message"].replace(TRACE_ID, "") == (
        nobodys.json()["error"]["message"].replace(trace_id_at(NOON_MS), "")
    )
    globex = make_key("read", tenant="globex")
    assert get(client, f"/api/v1/traces/{TRACE_ID}", globex).status_code == 200


def test_a_tenants_list_has_its_own_traces_alone(client: Client) -> None:
    for n, tenant in enumerate(("acme", "globex", None)):
        request = RoutingRequest(tenant=tenant)
        keep(stored(request=request, trace_id=trace_id_at(NOON_MS, n)))
    assert ids(listed(client, token=make_key("read", tenant="acme"))) == [trace_id_at(NOON_MS, 0)]
    assert len(ids(listed(client))) == 3


def test_a_tenants_cursor_opens_nothing_of_others(client: Client) -> None:
    for n, tenant in enumerate(("globex", "acme", "globex")):
        request = RoutingRequest(tenant=tenant)
        keep(stored(request=request, trace_id=trace_id_at(NOON_MS, n)))
    token = make_key("read", tenant="acme")
    cursor = trace_id_at(NOON_MS, 2)
    assert ids(listed(client, f"?cursor={cursor}", token)) == [trace_id_at(NOON_MS, 1)]


def test_a_list_leaves_candidates_and_attempts_out(client: Client) -> None:
    keep(stored(attempt()))
    (row,) = listed(client).json()["results"]
    assert "verdict" in row
    assert {"candidates", "attempts"}.isdisjoint(row)


def test_pages_are_followed_by_their_next(client: Client) -> None:
    every = [trace_id_at(NOON_MS, n) for n in range(5)]
    keep(*(stored(trace_id=one) for one in every))
    first = listed(client, "?limit=3")
    second = listed(client, f"?limit=3&cursor={first.json()['next']}")
    assert ids(first) + ids(second) == every[::-1]
    assert second.json()["next"] is None


def test_without_a_limit_a_page_has_fifty(client: Client) -> None:
    keep(*(stored(trace_id=trace_id_at(NOON_MS, n)) for n in range(51)))
    assert len(ids(listed(client))) == 50
    assert len(ids(listed(client, "?limit=1000"))) == 51


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"?from={NOON}", [2, 1]),
        (f"?to={NOON}", [0]),
        (f"?from={NOON}&to=2025-10-09T08:53:21Z", [1]),
        ("?from=2025-10-09T10:53:20%2B02:00", [2, 1]),
        ("?from=now-1h", []),
        ("?feature=search-answers", [2]),
        ("?status=failed", [1]),
        ("?status=blocked", []),
    ],
)
def test_a_list_is_filtered_by_its_query(client: Client, query: str, found: list[int]) -> None:
    keep(
        stored(trace_id=trace_id_at(NOON_MS - 1)),
        stored(trace_id=trace_id_at(NOON_MS), error_code="provider_error"),
        stored(
            trace_id=trace_id_at(NOON_MS + 1000), request=RoutingRequest(feature="search-answers")
        ),
    )
    every = [trace_id_at(NOON_MS - 1), trace_id_at(NOON_MS), trace_id_at(NOON_MS + 1000)]
    assert ids(listed(client, query)) == [every[n] for n in found]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=-1", "limit"),
        ("?limit=ten", "limit"),
        ("?limit=٣", "limit"),
        ("?limit=", "limit"),
        ("?cursor=abc", "cursor"),
        ("?cursor=", "cursor"),
        ("?from=yesterday", "from"),
        ("?to=2026-13-01", "to"),
        ("?status=fine", "status"),
        ("?offset=10", "offset"),
        ("?owner=globex", "owner"),
        ("?feature=%00", "feature"),
        ("?min_latency_ms=-1", "min_latency_ms"),
        ("?min_latency_ms=1.5", "min_latency_ms"),
    ],
)
def test_a_query_that_makes_no_sense_is_named(client: Client, query: str, parameter: str) -> None:
    answer = listed(client, query)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["details"]) == ("invalid_request", {"parameter": parameter})


def test_a_tenants_key_filters_among_its_own_alone(client: Client) -> None:
    for n, tenant in enumerate(("acme", "globex")):
        keep(stored(request=RoutingRequest(tenant=tenant), trace_id=trace_id_at(NOON_MS, n)))
    acme = make_key("read", tenant="acme")
    assert ids(listed(client, "?tenant=acme", acme)) == [trace_id_at(NOON_MS, 0)]
    assert ids(listed(client, "?tenant=globex", acme)) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [("?deployment=gemini/fast", 1), ("?error_code=provider_error", 1), ("?min_latency_ms=0", 2)],
)
def test_a_list_takes_every_filter_of_the_pages(client: Client, query: str, found: int) -> None:
    keep(stored(trace_id=trace_id_at(NOON_MS)))
    keep(
        stored(
            attempt(deployment="gemini/fast", error_class="server"),
            trace_id=trace_id_at(NOON_MS, 1),
            error_code="provider_error",
        )
    )
    assert len(ids(listed(client, query))) == found


def test_nothing_that_callers_or_vendors_wrote_is_read_back(client: Client) -> None:
    keep(
        stored(
            attempt(error_class="server", error_message="canary-vendor-text"),
            error_code="provider_error",
            request=RoutingRequest(
                tenant="acme", user="canary-user", metadata={"note": "canary-note"}
            ),
        )
    )
    token = make_key("read")
    told = get(client, f"/api/v1/traces/{TRACE_ID}", token).content + listed(client).content
    assert b"canary" not in told
    assert token.encode() not in told


def test_a_list_of_many_traces_is_answered_as_json(client: Client) -> None:
    keep(*(stored(attempt(), trace_id=trace_id_at(NOON_MS, n)) for n in range(3)))
    answer = listed(client)
    assert answer["Content-Type"] == "application/json"
    assert len(json.loads(answer.content)["results"]) == 3
