from uuid import UUID

import msgspec
import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from apps.accounts.tenants import EVERY_TENANT, NO_TENANT, Tenants
from apps.traces.filters import TraceFilter
from apps.traces.public import detail
from apps.traces.selectors import count_up_to, every_trace, find_trace, list_newer, list_traces
from routerctl.engine.types import RoutingRequest
from tests.apps.traces.stored import TRACE_ID, attempt, decision, keep, stored, trace_id_at

pytestmark = pytest.mark.django_db

ACME = Tenants.of(["acme"])
NOON_MS = 1_760_000_000_000
DAY_MS = 86_400_000


def ids(
    wanted: TraceFilter | None = None,
    cursor: UUID | None = None,
    limit: int = 50,
    tenants: Tenants = EVERY_TENANT,
) -> list[str]:
    page = list_traces(wanted or TraceFilter(), tenants=tenants, cursor=cursor, limit=limit)
    return [trace.trace_id for trace in page.traces]


def test_a_trace_comes_back_as_the_value_that_was_written() -> None:
    trace = stored(
        attempt(error_class="overloaded", http_status=503, error_message="busy"),
        attempt(2, "anthropic/strong", provider_request_id="req_7", reasoning_tokens=5),
        status="degraded",
        degraded_action="fallback",
        safety_flags=("no-secrets:secret:openai_key",),
        marks=("dropped:top_p",),
        cost_nano_usd=2**53 + 1,
    )
    keep(trace)
    assert find_trace(TRACE_ID, tenants=EVERY_TENANT) == trace


@pytest.mark.parametrize("spelling", [TRACE_ID, TRACE_ID.replace("-", ""), TRACE_ID.upper()])
def test_a_trace_is_found_in_every_spelling_of_its_id(spelling: str) -> None:
    keep(stored())
    found = find_trace(spelling, tenants=EVERY_TENANT)
    assert found is not None
    assert found.trace_id == TRACE_ID


@pytest.mark.parametrize("text", ["", "x", TRACE_ID[:-1], f"{{{TRACE_ID}}}", "g" * 32])
def test_what_is_no_id_finds_nothing(text: str) -> None:
    assert find_trace(text, tenants=EVERY_TENANT) is None


def test_a_tenant_finds_its_own_traces_alone() -> None:
    keep(stored(request=RoutingRequest(tenant="acme")))
    assert find_trace(TRACE_ID, tenants=ACME) is not None
    assert find_trace(TRACE_ID, tenants=Tenants.of(["globex"])) is None


def test_a_trace_without_a_tenant_is_no_tenants() -> None:
    keep(stored(request=RoutingRequest()))
    assert find_trace(TRACE_ID, tenants=EVERY_TENANT) is not None
    assert find_trace(TRACE_ID, tenants=ACME) is None


def test_a_list_holds_the_traces_of_the_tenants_that_are_given_alone() -> None:
    owners = ["acme", "globex", "initech", None]
    keep(
        *(
            stored(trace_id=trace_id_at(NOON_MS, n), request=RoutingRequest(tenant=owner))
            for n, owner in enumerate(owners)
        )
    )
    every = [trace_id_at(NOON_MS, n) for n in (3, 2, 1, 0)]
    assert ids() == every
    assert ids(tenants=Tenants.of(["acme", "initech"])) == [every[1], every[3]]
    assert ids(tenants=NO_TENANT) == []
    assert ids(TraceFilter(tenant="globex"), tenants=ACME) == []


def test_the_public_shape_has_the_promised_fields_and_no_others() -> None:
    trace = msgspec.json.decode(msgspec.json.encode(detail(stored(attempt()))))
    assert list(trace) == [
        *("trace_id", "status", "finish_status", "error_code", "tenant", "feature", "task"),
        *("plan", "app", "app_version", "route", "revision", "deployment", "provider", "model"),
        *("usage", "usage_source", "latency_ms", "first_token_ms", "cost_nano_usd"),
        *("held_nano_usd", "degraded", "marks", "verdict", "candidates", "attempts"),
    ]
    assert set(trace["verdict"]) == {
        *("code", "sentence", "owner", "retry_helps", "next_step", "customer_text"),
    }
    assert set(trace["candidates"][0]) == {"deployment", "eligible", "score", "reasons"}
    assert set(trace["attempts"][0]) == {
        *("n", "deployment", "started_ms", "duration_ms", "outcome", "error_class"),
        *("http_status", "provider_request_id", "usage", "cost_nano_usd"),
    }


def test_traces_are_listed_newest_first_across_days() -> None:
    moments = [NOON_MS, NOON_MS + DAY_MS, NOON_MS + 5, NOON_MS - DAY_MS]
    keep(*(stored(trace_id=trace_id_at(moment)) for moment in moments))
    assert ids() == [trace_id_at(moment) for moment in sorted(moments, reverse=True)]


def test_pages_follow_each_other_without_gap_or_overlap() -> None:
    every = [trace_id_at(NOON_MS, n) for n in range(7)]
    keep(*(stored(trace_id=one) for one in every))
    seen, cursor = [], None
    while True:
        page = list_traces(TraceFilter(), tenants=EVERY_TENANT, cursor=cursor, limit=3)
        seen += [trace.trace_id for trace in page.traces]
        if page.next is None:
            break
        cursor = UUID(page.next)
    assert seen == every[::-1]


def test_a_full_last_page_promises_no_next_one() -> None:
    keep(*(stored(trace_id=trace_id_at(NOON_MS, n)) for n in range(3)))
    assert list_traces(TraceFilter(), tenants=EVERY_TENANT, cursor=None, limit=3).next is None


def test_new_traces_do_not_move_an_older_page() -> None:
    keep(*(stored(trace_id=trace_id_at(NOON_MS, n)) for n in range(4)))
    first = list_traces(TraceFilter(), tenants=EVERY_TENANT, cursor=None, limit=2)
    keep(stored(trace_id=trace_id_at(NOON_MS + 1)))
    assert ids(cursor=UUID(first.next), limit=2) == [
        trace_id_at(NOON_MS, 1),
        trace_id_at(NOON_MS, 0),
    ]


def test_a_range_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    keep(*(stored(trace_id=trace_id_at(NOON_MS + n, 9)) for n in range(3)))
    wanted = TraceFilter(from_ms=NOON_MS + 1, to_ms=NOON_MS + 2)
    assert ids(wanted) == [trace_id_at(NOON_MS + 1, 9)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (TraceFilter(feature="support-chat"), [1]),
        (TraceFilter(status="failed"), [0]),
        (TraceFilter(tenant="acme"), [1, 0]),
        (TraceFilter(route="chat"), [1, 0]),
        (TraceFilter(tenant="acme", status="succeeded"), [1]),
        (TraceFilter(tenant="globex"), []),
    ],
)
def test_a_list_can_be_filtered(wanted: TraceFilter, found: list[int]) -> None:
    other = RoutingRequest(tenant="acme", feature="search-answers")
    keep(
        stored(trace_id=trace_id_at(NOON_MS, 0), error_code="provider_error", request=other),
        stored(trace_id=trace_id_at(NOON_MS, 1)),
    )
    assert ids(wanted) == [trace_id_at(NOON_MS, n) for n in found]


FULL = RoutingRequest(
    tenant="acme", feature="search-answers", plan="pro", user="u-1", session="s-1", app="ios",
    app_version="3.2.0", key="k3qfa9zt",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("status", "degraded"), ("feature", "search-answers"), ("task", "chat")),
        *(("plan", "pro"), ("route", "chat"), ("tenant", "acme"), ("app", "ios")),
        *(("app_version", "3.2.0"), ("key", "k3qfa9zt"), ("session", "s-1"), ("user", "u-1")),
        *(("degraded_action", "fallback"), ("min_latency_ms", 2000)),
    ],
)
def test_each_filter_finds_what_equals_it_alone(name: str, value: str | int) -> None:
    wanted = stored(request=FULL, status="degraded", degraded_action="fallback", latency_ms=2000)
    other = stored(
        request=RoutingRequest(tenant="globex", feature="other"),
        decided=decision(task="code", route="else"),
        trace_id=trace_id_at(NOON_MS),
    )
    keep(wanted, other)
    assert ids(msgspec.convert({name: value}, TraceFilter)) == [TRACE_ID]


@pytest.mark.parametrize(
    "wanted", [TraceFilter(deployment="gemini/fast"), TraceFilter(provider="gemini")]
)
def test_a_deployment_finds_the_requests_that_left_it_too(wanted: TraceFilter) -> None:
    keep(
        stored(attempt(deployment="gemini/fast", error_class="stalled"), attempt(2)),
        stored(attempt(), trace_id=trace_id_at(NOON_MS)),
    )
    assert ids(wanted) == [TRACE_ID]
    assert ids(msgspec.structs.replace(wanted, to_ms=NOON_MS + 1)) == []


def test_pages_lead_back_to_newer_ones() -> None:
    every = [trace_id_at(NOON_MS, n) for n in range(7)][::-1]
    keep(*(stored(trace_id=one) for one in every))
    first = list_traces(TraceFilter(), tenants=EVERY_TENANT, cursor=None, limit=2)
    assert first.previous is None
    third = list_traces(TraceFilter(), tenants=EVERY_TENANT, cursor=UUID(every[3]), limit=2)
    second = list_newer(
        TraceFilter(), tenants=EVERY_TENANT, than=UUID(third.previous or ""), limit=2
    )
    assert [trace.trace_id for trace in second.traces] == every[2:4]
    assert (second.next, second.previous) == (every[3], every[2])


def test_newer_ones_that_do_not_fill_a_page_are_the_first_page() -> None:
    every = [trace_id_at(NOON_MS, n) for n in range(4)][::-1]
    keep(*(stored(trace_id=one) for one in every))
    page = list_newer(TraceFilter(), tenants=EVERY_TENANT, than=UUID(every[1]), limit=3)
    assert [trace.trace_id for trace in page.traces] == every[:3]
    assert page.previous is None


def test_every_trace_comes_in_batches_and_no_more_than_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("apps.traces.selectors._BATCH", 2)
    every = [trace_id_at(NOON_MS, n) for n in range(5)][::-1]
    keep(*(stored(trace_id=one) for one in every))
    whole = list(every_trace(TraceFilter(), tenants=EVERY_TENANT, most=9))
    assert [len(batch) for batch in whole] == [2, 2, 1]
    assert [trace.trace_id for batch in whole for trace in batch] == every
    cut = list(every_trace(TraceFilter(), tenants=EVERY_TENANT, most=3))
    assert [trace.trace_id for batch in cut for trace in batch] == every[:3]


def test_counting_ends_soon_after_it_has_become_many() -> None:
    keep(*(stored(trace_id=trace_id_at(NOON_MS, n)) for n in range(5)))
    assert count_up_to(9, TraceFilter(), tenants=EVERY_TENANT) == 5
    assert count_up_to(3, TraceFilter(), tenants=EVERY_TENANT) == 4
    assert count_up_to(9, TraceFilter(), tenants=ACME) == 5
    assert count_up_to(9, TraceFilter(), tenants=Tenants.of(["globex"])) == 0


def test_a_page_costs_two_queries_however_long_it_is(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    keep(*(stored(attempt(), trace_id=trace_id_at(NOON_MS, n)) for n in range(20)))
    with django_assert_num_queries(2):
        page = list_traces(TraceFilter(), tenants=EVERY_TENANT, cursor=None, limit=20)
    assert all(len(trace.attempts) == 1 for trace in page.traces)
