"""What stands around a trace: changes, requests that ended alike, its JSON."""

import re
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.audit import dated
from apps.policies.apply import apply
from tests.apps.traces.stored import keep
from tests.browser.gallery import answered, at, exhausted
from tests.walk.world import POLICY


@pytest.fixture
def failed_now(db):
    trace = at(exhausted(), time.time_ns() // 1_000_000 - 60_000)
    keep(trace)
    return trace.trace_id


def test_changes_within_half_an_hour_stand_beside_the_trace(support, failed_now):
    with dated(timezone.now() - timedelta(minutes=40)):
        apply(POLICY.read_bytes(), reason="Long before it")
    changed = POLICY.read_bytes().replace(b'"0.70"', b'"0.60"')
    apply(changed, reason="Shortly after it")
    shown = support.get(f"/t/{failed_now}").content.decode()
    assert "Shortly after it" in shown
    assert "Long before it" not in shown


def test_the_same_error_elsewhere_is_one_click_away(support, failed_now):
    shown = support.get(f"/t/{failed_now}").content.decode()
    link = re.search(r'href="(/traces\?error_code=fallback_exhausted[^"]*)"', shown)[1]
    assert failed_now in support.get(link.replace("&amp;", "&")).content.decode()


def test_a_trace_that_succeeded_has_nothing_like_it_elsewhere(support, db):
    keep(answered())
    assert "The same elsewhere" not in support.get(f"/t/{answered().trace_id}").content.decode()


def test_the_json_is_the_apis_answer_and_not_finances(support, client, person, failed_now):
    told = support.get(f"/t/{failed_now}.json")
    assert told["Content-Type"] == "application/json"
    assert told.json()["verdict"]["code"] == "fallback_exhausted"
    client.force_login(person("finance"))
    assert client.get(f"/t/{failed_now}.json").status_code == 403
    assert ".json" not in client.get(f"/t/{failed_now}").content.decode()


def test_another_tenants_json_is_not_there(client, person, failed_now):
    client.force_login(person("engineer", tenants=["globex"]))
    assert client.get(f"/t/{failed_now}.json").status_code == 404
