"""The same fortnight twice."""

from tests.demo.lived import lived


def test_equal_weeks_are_equal_to_the_letter(django_db_setup: None, django_db_blocker: object):
    sql = "SELECT trace_id, status, deployment, latency_ms, cost_nano_usd FROM ledger_trace"
    told = []
    for _ in range(2):
        with django_db_blocker.unblock(), lived(200) as past:  # type: ignore[attr-defined]
            told.append(past.rows(f"{sql} ORDER BY trace_id"))
    assert told[0] == told[1]
