"""An hour of 100 000 requests is summed up within two seconds, and its sums are a few thousand."""

import time

import pytest
from django.db import connection
from django.db.models import Sum

from apps.rollups.models import RolledRequests
from apps.rollups.rolling import SLOT, roll_up
from tests.apps.rollups.test_rolling import NOW_MS, at, came

pytestmark = pytest.mark.django_db

REQUESTS = 100_000
HOUR_MS = 3_600_000
ID = f"""(lpad(to_hex({NOW_MS} + place::bigint * {HOUR_MS} / {REQUESTS}), 12, '0') || '70008'
    || lpad(to_hex(place), 15, '0'))::uuid"""
SKEWED = {
    "ledger_trace": {
        "trace_id": ID,
        "tenant": "'tenant-' || floor(20 * random() ^ 3)",
        "feature": "'feature-' || floor(8 * random() ^ 2)",
        "plan": "(ARRAY['free', 'pro', 'team'])[1 + floor(3 * random() ^ 2)::integer]",
        "task": "(ARRAY['chat', 'code'])[1 + floor(2 * random())::integer]",
        "latency_ms": "exp(6 + 3 * random())::bigint",
        "first_token_ms": "exp(5 + 2 * random())::bigint",
    },
    "ledger_attempt": {"trace_id": ID, "duration_ms": "exp(6 + 3 * random())::bigint"},
}


def many_like(trace_id: str) -> None:
    with connection.cursor() as cursor:
        for table, made in SKEWED.items():
            columns = [one.name for one in connection.introspection.get_table_description(
                cursor, table)]  # fmt: skip
            names = ", ".join(f'"{name}"' for name in columns)
            values = ", ".join(made.get(name, f's."{name}"') for name in columns)
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT {values}"
                f" FROM {table} s, generate_series(1, {REQUESTS - 1}) AS place"
                " WHERE s.trace_id = %s",
                [trace_id],
            )
            cursor.execute(f"ANALYZE {table}")


def test_an_hour_of_a_hundred_thousand_requests_is_summed_up_within_two_seconds() -> None:
    many_like(came(NOW_MS))
    began = time.perf_counter()
    rolled = roll_up(at(NOW_MS) + 5 * SLOT)
    took_s = time.perf_counter() - began

    assert rolled.traces == REQUESTS
    assert RolledRequests.objects.aggregate(all=Sum("requests"))["all"] == REQUESTS
    assert RolledRequests.objects.count() < REQUESTS / 20
    assert took_s <= 2
