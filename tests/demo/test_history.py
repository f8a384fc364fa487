"""Two weeks at Larkfield: what the pages will show is what the gateway's own rooms have done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta

import pytest

from apps.accounts.verifying import verify
from apps.ledger.ids import day_of, moment_of
from apps.policies.apply import difference
from apps.policies.models import Revision
from routerctl.demo import organisation
from tests.demo.lived import MOCK, Lived, lived

FAILING = ("14:33", "15:58")
"""When Gemini fails and is still asked, on that Friday in Berlin."""


@pytest.fixture(scope="module")
def past(django_db_setup: None, django_db_blocker: object) -> Iterator[Lived]:
    with django_db_blocker.unblock(), lived(4000) as told:  # type: ignore[attr-defined]
        yield told


def test_every_request_leaves_one_trace_and_no_hold(past: Lived):
    assert 3900 < past.sent < 4500
    assert past.rows("SELECT count(*) FROM ledger_trace") == [(past.sent,)]
    assert past.rows("SELECT count(*) FROM ledger_hold") == [(0,)]
    assert past.rows("SELECT count(*) FROM ledger_workerlease") == [(0,)]


def test_ids_are_of_the_simulated_moment_and_rows_in_its_days_partition(past: Lived):
    traces = past.rows("SELECT trace_id, started_at, tableoid::regclass::text FROM ledger_trace")
    for trace_id, started_at, table in traces:
        assert moment_of(str(trace_id)) == round(started_at.timestamp() * 1000)
        assert table == f"ledger_trace_{day_of(str(trace_id)):%Y%m%d}"
    started = [started_at for _, started_at, _ in traces]
    assert past.fortnight.begins <= min(started) < past.fortnight.begins + timedelta(hours=2)
    assert past.fortnight.until - timedelta(hours=1) < max(started) < past.fortnight.until


def test_eight_features_three_vendors_and_a_local_model_have_their_share(past: Lived):
    features = past.rows("SELECT DISTINCT feature FROM ledger_trace WHERE feature IS NOT NULL")
    assert len(features) == 8
    answered = dict(
        past.rows("SELECT provider, count(*) FROM ledger_trace WHERE status <> 'failed' GROUP BY 1")
    )
    assert answered.keys() - {None} == {"openai", "anthropic", "gemini", "basement"}
    assert min(answered.values()) > 20
    statuses = {row[0] for row in past.rows("SELECT DISTINCT status FROM ledger_trace")}
    assert statuses == {"succeeded", "degraded", "blocked", "failed"}


def test_days_and_weeks_have_a_rhythm(past: Lived):
    by_hour = dict(past.rows(_COUNTED.format("extract(hour FROM at)::int")))
    assert by_hour[10] > 2 * by_hour[5]
    by_weekday = dict(past.rows(_COUNTED.format("extract(isodow FROM at)::int")))
    assert by_weekday[1] > 1.2 * by_weekday[6] > 1.2 * 1.05 * by_weekday[7]


def test_on_the_bad_friday_fallbacks_answer_for_gemini(past: Lived):
    [(bad, by_gemini, by_others)] = past.rows(
        _OF_FRIDAY.format(
            "count(*) FILTER (WHERE status = 'degraded' AND head->'decision'->'steps'->0->>"
            "'deployment' = 'gemini/flash'),"
            "count(*) FILTER (WHERE status = 'degraded' AND provider = 'gemini'),"
            "count(*) FILTER (WHERE status = 'degraded' AND provider <> 'gemini')"
        ),
        past.fortnight.friday,
        *FAILING,
    )
    assert bad > 10
    assert by_others >= bad
    assert by_gemini == 0
    [(everywhere,)] = past.rows("SELECT count(*) FROM ledger_trace WHERE status = 'degraded'")
    assert bad > everywhere / 5


def test_while_gemini_is_out_nobody_calls_it(past: Lived):
    called = "count(*) FILTER (WHERE EXISTS (SELECT FROM ledger_attempt a WHERE a.trace_id = "
    called += "t.trace_id AND a.provider = 'gemini'))"
    day = past.fortnight.friday
    [(out,)] = past.rows(_OF_FRIDAY.format(called), day, "15:59", "18:25")
    [(back,)] = past.rows(_OF_FRIDAY.format(called), day, "18:25", "22:00")
    assert (out, back > 0) == (0, True)


def test_each_request_was_decided_under_the_revision_of_its_moment(past: Lived):
    revisions = [(r.created_at, r.hash) for r in Revision.objects.order_by("created_at")]
    assert len(revisions) == 9
    for started_at, revision in past.rows("SELECT started_at, revision FROM ledger_trace"):
        assert revision == [hash_ for since, hash_ in revisions if since <= started_at][-1]


def test_every_change_says_who_and_why_and_the_last_leaves_the_example_in_force(past: Lived):
    told = Revision.objects.order_by("created_at").select_related("person")[1:]
    assert {revision.person.role for revision in told if revision.person} == {
        "product",
        "finance",
        "engineer",
    }
    assert all(revision.person and len(revision.reason) > 10 for revision in told)
    assert max(r.created_at for r in told) < past.fortnight.until.astimezone(UTC)
    assert not difference(organisation.policy(MOCK).encode())


def test_money_and_tokens_of_a_trace_are_those_of_its_attempts(past: Lived):
    wrong = past.rows(
        """
        SELECT t.trace_id FROM ledger_trace t
        LEFT JOIN ledger_attempt a USING (trace_id)
        GROUP BY t.trace_id, t.cost_nano_usd, t.held_nano_usd
        HAVING t.cost_nano_usd <> coalesce(sum(a.cost_nano_usd), 0)
            OR t.held_nano_usd <> coalesce(sum(a.held_nano_usd), 0)
        """
    )
    assert wrong == []


_COUNTED = (
    "SELECT {0}, count(*) FROM (SELECT started_at AT TIME ZONE 'Europe/Berlin' AS at "
    "FROM ledger_trace) AS local GROUP BY 1"
)
_OF_FRIDAY = (
    "SELECT {0} FROM ledger_trace t WHERE (started_at AT TIME ZONE 'Europe/Berlin')::date = %s "
    "AND (started_at AT TIME ZONE 'Europe/Berlin')::time >= %s::time "
    "AND (started_at AT TIME ZONE 'Europe/Berlin')::time < %s::time"
)


def test_every_change_of_the_invented_past_is_in_the_audit_trail(past: Lived):
    found = verify()
    assert found.broken is None
    assert found.entries > 50
