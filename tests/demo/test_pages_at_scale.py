"""Ten times the traces, the same number of queries, on every page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from tests.demo.lived import lived
from tests.demo.paths import paths

MOST = 35
"""No page asks the database more often."""


def queries_by_page(count: int) -> dict[str, int]:
    with lived(count, datetime.now(UTC)) as past:
        client = Client()
        client.force_login(User.objects.get(role="admin"))
        asked = {}
        for name, path in paths(past).items():
            client.get(path)  # what is learnt once and kept is not counted
            with CaptureQueriesContext(connection) as captured:
                answer = client.get(path)
            expected = {"trace": 200, "search by id": 302}.get(name.partition("-")[0])
            assert answer.status_code == expected or (not expected and answer.status_code < 500)
            asked[name] = len(captured)
        return asked


@pytest.mark.django_db
def test_no_page_asks_more_often_when_there_is_ten_times_as_much():
    few, many = queries_by_page(400), queries_by_page(4000)
    assert few == many
    assert {name: asked for name, asked in many.items() if asked > MOST} == {}
    assert many["traces"] > 2
