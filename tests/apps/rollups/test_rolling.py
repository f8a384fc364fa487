"""Rollups equal the sums over traces exactly, whatever came when, and however often it is done."""

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.ledger.ids import first_id_at, moment_of
from apps.ledger.models import Attempt, LateTrace, Trace
from apps.rollups.latencies import BOUNDS_MS
from apps.rollups.models import RolledCalls, RolledRequests, RolledSlot
from apps.rollups.rolling import SLOT, due, roll_up
from apps.rollups.tasks import roll_up_task
from routerctl.celery import app
from routerctl.engine.types import RoutingRequest
from tests.apps.traces.stored import attempt, decision, keep, stored, trace_id_at

pytestmark = pytest.mark.django_db

MINUTE = 60_000
QUARTER = 15 * MINUTE
NOW_MS = 1_760_000_400_000  # a full quarter
LATER = datetime.fromtimestamp(NOW_MS / 1000, UTC) + timedelta(days=2)

TOKENS = (
    "input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens",
    "reasoning_tokens",
)  # fmt: skip
OF_REQUESTS = (
    "tenant", "deployment", "route", "feature", "task", "plan", "app", "app_version", "key",
    "status", "error_code",
)  # fmt: skip
OF_CALLS = ("tenant", "deployment", "provider", "model", "outcome", "error_class")
NUMBERS = ("cost_nano_usd", *TOKENS)


def at(moment_ms: int) -> datetime:
    return datetime.fromtimestamp(moment_ms / 1000, UTC)


def came(at_ms: int, n: int = 0, *attempts: Any, route: str = "chat", **facts: Any) -> str:
    """A request of that moment, with `attempts` (one that succeeded unless said)."""
    said = {"tenant": "acme", "feature": "support-chat"} | facts.pop("request", {})
    trace = stored(
        *(attempts or (attempt(cost_nano_usd=42_000),)),
        trace_id=trace_id_at(at_ms, n),
        decided=decision(route=route),
        request=msgspec.convert(said, RoutingRequest),
        **facts,
    )
    keep(msgspec.structs.replace(trace, head=msgspec.structs.replace(
        trace.head, started_at_ms=at_ms)))  # fmt: skip
    return trace.trace_id


def quarter_of(trace_id: Any) -> datetime:
    return at(moment_of(str(trace_id)) // QUARTER * QUARTER)


def bucket_of(value: int) -> int:
    return sum(bound <= value for bound in BOUNDS_MS)


Sums = dict[tuple[Any, ...], Counter[str]]


def summed_traces() -> Sums:
    """The sums by quarter and all that requests are told by, from every trace by itself."""
    sums: Sums = {}
    for trace in Trace.objects.all():
        calls = list(Attempt.objects.filter(trace_id=trace.trace_id).order_by("n"))
        into = sums.setdefault(
            (quarter_of(trace.trace_id), *(getattr(trace, name) for name in OF_REQUESTS)),
            Counter(),
        )
        into.update({name: getattr(trace, name) for name in NUMBERS})
        into.update({
            "requests": 1,
            "fallbacks": int(trace.degraded_action == "fallback" and trace.status != "failed"),
            "calls": len(calls),
            "retries": sum(one.deployment == before.deployment
                           for before, one in itertools.pairwise(calls)),
            "wasted_nano_usd": sum(one.cost_nano_usd for one in calls
                                   if one.outcome != "succeeded"),
            "text_bytes": trace.head["request"].get("text_bytes", 0),
            f"latency {bucket_of(trace.latency_ms)}": 1,
        })  # fmt: skip
        if trace.first_token_ms is not None:
            into[f"first_token {bucket_of(trace.first_token_ms)}"] += 1
    return sums


def summed_attempts() -> Sums:
    sums: Sums = {}
    tenants = dict(Trace.objects.values_list("trace_id", "tenant"))
    for call in Attempt.objects.all():
        what = (tenants.get(call.trace_id), *(getattr(call, name) for name in OF_CALLS[1:]))
        into = sums.setdefault((quarter_of(call.trace_id), *what), Counter())
        into.update({name: getattr(call, name) for name in NUMBERS})
        into.update({"calls": 1, f"latency {bucket_of(call.duration_ms)}": 1})
        if call.first_token_ms is not None:
            into[f"first_token {bucket_of(call.first_token_ms)}"] += 1
    return sums


def rolled(model: Any, by: tuple[str, ...], *numbers: str) -> Sums:
    """What stands in the table; no two rows may be of the same."""
    sums: Sums = {}
    for row in model.objects.all():
        what = (row.starts_at, *(getattr(row, name) for name in by))
        assert what not in sums
        into = sums[what] = Counter({name: getattr(row, name) for name in (*NUMBERS, *numbers)})
        for kind in ("latency", "first_token"):
            buckets, counts = getattr(row, f"{kind}_buckets"), getattr(row, f"{kind}_counts")
            assert buckets == sorted(set(buckets))
            into.update({f"{kind} {b}": n for b, n in zip(buckets, counts, strict=True)})
    return sums


def all_is_equal() -> None:
    requests = rolled(RolledRequests, OF_REQUESTS, "requests", "fallbacks", "calls", "retries",
                      "wasted_nano_usd", "text_bytes")  # fmt: skip
    assert requests == summed_traces()
    assert rolled(RolledCalls, OF_CALLS, "calls") == summed_attempts()
    slots = Counter(quarter_of(one) for one in Trace.objects.values_list("trace_id", flat=True))
    assert {s.starts_at: s.traces for s in RolledSlot.objects.all() if s.traces} == slots


def forget_all() -> None:
    for model in (Trace, Attempt, LateTrace, RolledRequests, RolledCalls, RolledSlot):
        model.objects.all().delete()


CALL = st.fixed_dictionaries(
    {
        "deployment": st.sampled_from(["openai/small", "anthropic/large"]),
        "duration_ms": st.integers(0, 5_000_000),
        "cost_nano_usd": st.integers(0, 10**12),
        "output_tokens": st.integers(0, 10**6),
        "reasoning_tokens": st.integers(0, 10**4),
    },
    optional={
        "error_class": st.sampled_from(["server", "timeout"]),
        "first_token_ms": st.integers(0, 90_000),
    },
)
REQUEST = st.fixed_dictionaries(
    {
        "at_ms": st.integers(NOW_MS - 5 * QUARTER, NOW_MS + 5 * QUARTER),
        "calls": st.lists(CALL, max_size=3),
        "latency_ms": st.integers(0, 5_000_000),
        "cost_nano_usd": st.integers(0, 10**12),
        "input_tokens": st.integers(0, 10**6),
        "cached_input_tokens": st.integers(0, 10**5),
        "request": st.fixed_dictionaries(
            {"text_bytes": st.integers(0, 10**6)},
            optional={
                "tenant": st.sampled_from(["acme", "globex"]),
                "feature": st.sampled_from(["search", ""]),
                "plan": st.sampled_from(["free", "pro"]),
                "app_version": st.sampled_from(["1", "2"]),
            },
        ),
    },
    optional={
        "error_code": st.just("provider_error"),
        "first_token_ms": st.integers(0, 90_000),
        "degraded_action": st.sampled_from(["fallback", "cheaper"]),
    },
)


def arrive(requests: list[dict[str, Any]], first_n: int) -> None:
    for n, one in enumerate(requests, start=first_n):
        facts = dict(one)
        calls = [attempt(place, **call) for place, call in enumerate(facts.pop("calls"), start=1)]
        came(facts.pop("at_ms"), n, *calls, **facts)


@settings(max_examples=25, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.lists(st.lists(REQUEST, max_size=8), min_size=1, max_size=3))
def test_rollups_equal_the_sums_over_traces_exactly_however_late_these_come(
    db: None, waves: list[list[dict[str, Any]]]
) -> None:
    forget_all()
    for place, wave in enumerate(waves):
        arrive(wave, 100 * place)
        roll_up(LATER)
        all_is_equal()
        assert not LateTrace.objects.exists()
        assert due(LATER) == []


def test_to_do_it_again_changes_nothing() -> None:
    came(NOW_MS, 1)
    roll_up(LATER)
    [before] = RolledRequests.objects.values()
    RolledSlot.objects.all().delete()

    assert roll_up(LATER).traces == 1

    [after] = RolledRequests.objects.values()
    assert before | {"id": 0} == after | {"id": 0}
    all_is_equal()


def test_what_the_reaper_closed_and_its_worker_corrects_is_summed_as_corrected() -> None:
    one = came(NOW_MS, 1, error_code="abandoned", cost_nano_usd=900)
    roll_up(LATER)
    batch = [{
        "trace_id": one, "n": 1,
        "outcome": stored(cost_nano_usd=7).outcome, "attempts": [attempt(2, cost_nano_usd=7)],
    }]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_settle(%s)", [msgspec.json.encode(batch).decode()])

    assert due(LATER) == [at(NOW_MS)]
    roll_up(LATER)
    [row] = RolledRequests.objects.all()
    assert (row.cost_nano_usd, row.error_code) == (7, None)
    all_is_equal()


def test_an_attempt_of_a_request_that_goes_on_makes_its_quarter_due() -> None:
    came(NOW_MS, 1)
    roll_up(LATER)
    other = trace_id_at(NOW_MS, 2)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO ledger_workerlease VALUES ('w', 1, now() + interval '1 h')")
        cursor.execute(
            "INSERT INTO ledger_hold (trace_id, n, amount_nano_usd, worker, head)"
            " VALUES (%s, 1, 5, 'w', '{}')",
            [other],
        )
        batch = [{"trace_id": other, "n": 2, "amount_nano_usd": 5,
                  "attempt": attempt(1, error_class="server", cost_nano_usd=3),
                  "used": [], "windows": [], "amounts": []}]  # fmt: skip
        cursor.execute(
            "SELECT ledger_advance('w', 1, %s, NULL)", [msgspec.json.encode(batch).decode()]
        )

    assert due(LATER) == [at(NOW_MS)]
    roll_up(LATER)
    assert rolled(RolledCalls, OF_CALLS, "calls") == summed_attempts()
    assert RolledCalls.objects.get(outcome="failed").tenant is None


def test_a_quarter_is_due_ten_minutes_after_its_end_and_a_prompt_trace_leaves_no_mark() -> None:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    came(now_ms, 1)
    ends = quarter_of(first_id_at(now_ms)) + SLOT

    assert not LateTrace.objects.exists()
    assert due(ends + timedelta(minutes=10) - timedelta(seconds=1)) == []
    assert due(ends + timedelta(minutes=10)) == [ends - SLOT]


def test_a_trace_of_six_minutes_ago_is_late() -> None:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    came(now_ms - 4 * MINUTE, 1)
    late = came(now_ms - 6 * MINUTE, 2)
    assert [str(one.trace_id) for one in LateTrace.objects.all()] == [late]


def test_quarters_without_a_trace_are_summed_up_too_but_none_of_a_day_that_was_dropped() -> None:
    came(NOW_MS, 1)
    came(NOW_MS + 3 * QUARTER, 2)
    roll_up(LATER)
    first_day = list(RolledSlot.objects.order_by("starts_at").values_list("traces", flat=True)[:5])
    assert first_day == [1, 0, 0, 1, 0]
    days = {slot.starts_at.date() for slot in RolledSlot.objects.all()}
    assert days == {at(NOW_MS).date()}

    name = f"{at(NOW_MS):%Y%m%d}"
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO ledger_latetrace (trace_id) VALUES (%s)",
                       [trace_id_at(NOW_MS, 1)])  # fmt: skip
        cursor.execute(f"DROP TABLE ledger_trace_{name}, ledger_attempt_{name}")
    came(NOW_MS + 3 * 86_400_000, 3)
    roll_up(LATER + timedelta(days=3))
    assert RolledRequests.objects.filter(starts_at__date=at(NOW_MS).date()).count() == 2


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Asia/Kathmandu", date(2025, 10, 9)),
        ("America/St_Johns", date(2025, 3, 9)),  # 23 hours
        ("America/St_Johns", date(2025, 11, 2)),  # 25 hours
    ],
)
def test_days_add_up_in_zones_whose_midnight_is_no_full_hour(zone: str, day: date) -> None:
    begins = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    ends = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) + timedelta(days=1)
    first, last = (int(one.timestamp() * 1000) for one in (begins, ends))
    costs = {first - 1: 1, first: 20, (first + last) // 2: 300, last - 1: 4_000, last: 50_000}
    for n, (moment, cost) in enumerate(costs.items()):
        came(moment, n, cost_nano_usd=cost)

    roll_up(ends + timedelta(days=3))

    of_day = RolledRequests.objects.filter(starts_at__gte=at(first), starts_at__lt=at(last))
    assert sum(of_day.values_list("cost_nano_usd", flat=True)) == 4_320
    all_is_equal()


def test_the_command_and_the_task_do_it(capsys: pytest.CaptureFixture[str]) -> None:
    came(NOW_MS, 1)
    call_command("rollup")
    assert capsys.readouterr().out.startswith("Summed up 1 traces in ")
    all_is_equal()

    came(NOW_MS, 2)
    roll_up_task()
    all_is_equal()


def test_celery_knows_whatever_it_is_to_do_at_which_times() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert "rollups.roll_up" in scheduled
    assert scheduled <= set(app.tasks)


@pytest.fixture
def beside(db: None) -> Any:
    """A connection of somebody else to the same database."""
    told = connection.get_connection_params()
    told = {name: told[name] for name in ("host", "port", "user", "password", "dbname")
            if told.get(name)}  # fmt: skip
    with psycopg.connect(**told) as other:
        yield other


def test_where_somebody_else_is_at_it_this_one_leaves_it(beside: psycopg.Connection) -> None:
    came(NOW_MS, 1)
    beside.execute("SELECT pg_advisory_xact_lock(hashtext('rollups.rolling'))")
    left = roll_up(LATER)
    assert (left.slots, RolledSlot.objects.count()) == (0, 0)
    assert left.left > 0

    beside.rollback()
    assert roll_up(LATER).traces == 1


def test_who_has_written_and_not_committed_is_waited_for(beside: psycopg.Connection) -> None:
    now = datetime.now(UTC)
    came(int((now - timedelta(hours=1)).timestamp() * 1000), 1)
    far = now + timedelta(hours=2)
    assert max(due(far)) == max(s for s in due(far) if s <= far - timedelta(minutes=25))

    beside.execute("SELECT nextval('ledger_epoch'), pg_current_xact_id()")
    assert max(due(far)) <= datetime.now(UTC) - timedelta(minutes=5) - SLOT

    beside.rollback()
    assert max(due(far)) > now
