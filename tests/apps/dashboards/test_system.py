"""The page of the system, beside real servers and processes."""

import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from html import unescape

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils.html import strip_tags
from redis import Redis

from apps.dashboards import clock
from apps.dashboards.system import servers
from apps.ledger.heartbeat import Trouble
from apps.ledger.models import WorkerLease
from apps.policies import live
from apps.policies.apply import apply
from tests.apps.api.conftest import POLICY
from tests.apps.ledger.beats import beat, say
from tests.apps.traces.stored import keep, stored, trace_id_at
from tests.databases import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def redis():
    with Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
        yield client
        client.flushdb()


def shown(client):
    text = strip_tags(client.get("/system").content.decode().replace("<", " <"))
    return re.sub(r"\s+([:,.)])", r"\1", " ".join(unescape(text).split()))


def test_it_tells_versions_servers_and_settings_and_no_secret(support, redis):
    words = shown(support)
    for said in ("Python 3.", "Django 5.", "PostgreSQL 1", "Valkey ", "All applied"):
        assert said in words
    assert "Errand workers None running" in words
    assert words.count("Where Embedded, started by routerctl") == 2
    assert "ROUTERCTL_MAX_BODY_BYTES 20,971,520" in words
    for name in ("ROUTERCTL_SECRET_KEY", "ROUTERCTL_ENCRYPTION_KEYS"):
        assert os.environ[name] not in words
    assert "No process serves" in words


def test_a_servers_address_says_nothing_of_who_enters_it():
    assert servers._where("postgresql://ada:hunter2@db.example:5433/x?a=b") == "db.example:5433"
    assert servers._where("redis://:hunter2@cache.example/0") == "cache.example"


def test_each_process_says_what_it_runs_and_whether_that_is_the_newest(support, redis):
    apply(POLICY.read_bytes(), reason="for a test")
    say(redis, beat("gamma:71:ab", revision=live.latest()))
    say(redis, beat("delta:71:cd", revision=(live.latest()[0] - 1, "c0ffee00")))
    words = shown(support)
    assert re.search(r"gamma process 71, gateway Serving heard just now Newest", words)
    assert re.search(r"delta process 71, gateway Serving heard just now Behind", words)


def test_a_process_in_trouble_asks_for_a_look(support, redis):
    say(redis, beat("gamma:71:ab", at_ms=clock.now_ms() - 300_000))
    lost = Trouble(clock.now_ms(), "The line is lost.")
    say(redis, beat("delta:72:cd", ledger_open=False, trouble=lost))
    words = shown(support)
    assert "gamma, process 71: silent since" in words
    assert "delta, process 72: no lease since" in words
    assert "The line is lost." in words


def test_a_process_that_has_a_lease_and_is_not_heard_is_not_left_out(support, redis):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_workerlease VALUES ('omega:5:ff', 1, now() + interval '15 s')"
        )
    assert WorkerLease.objects.count() == 1
    assert "omega:5:ff Not heard" in shown(support)


def test_what_is_to_be_applied_is_said(support, redis):
    MigrationRecorder.Migration.objects.filter(app="ledger").latest("id").delete()
    assert "1 migration to apply: ledger 0" in shown(support)


def test_the_days_that_have_partitions_and_the_first_and_last_trace_are_told(support, redis):
    assert "Oldest \N{EN DASH} There is no trace yet" in shown(support)
    keep(stored(trace_id=trace_id_at(1_760_000_000_000)))
    words = shown(support)
    assert "Oldest 9 Oct 2025, 08:53:20 UTC" in words
    assert re.search(r"Partitions \d+: 2025-10-09 to", words)


def test_without_valkey_the_page_says_so_and_is_there(support, settings, tmp_path):
    settings.ENV = replace(settings.ENV, redis_url=f"unix://{tmp_path}/nobody.sock?db=0")
    words = shown(support)
    assert "Valkey is away" in words
    assert "Errand workers \N{EN DASH} Valkey is away" in words


def test_htmx_asks_for_the_region_alone(support, redis):
    region = support.get("/system", headers={"HX-Request": "true"}).content.decode()
    assert region.lstrip().startswith('<div class="stack stack-l"')
    assert 'data-poll="10"' in region


def test_an_errand_worker_that_runs_is_named(redis):
    command = [sys.executable, "-m", "celery", "-A", "routerctl.celery", "worker", "-P", "solo"]
    worker = subprocess.Popen(
        [*command, "-n", "wren@%h"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        for _ in range(200):
            found = servers.valkey().errand_workers
            if found:
                break
            time.sleep(0.1)
        assert found[0].startswith("wren@")
    finally:
        worker.terminate()
        worker.wait(30)


def test_a_server_says_what_it_runs(server):
    server.apply(POLICY.read_text())
    with Redis.from_url(server.redis_url) as client:
        for _ in range(100):
            # Servers of other tests, which were killed, are remembered for a while.
            beats = [beat for beat in servers.beats(client) if beat.pid == server.pid]
            found = [beat for beat in beats if beat.revision]
            if found:
                break
            time.sleep(0.1)
    (told,) = found
    assert (told.role, told.ledger_open) == ("all", True)
    assert told.revision[1] == server.ready()["revision"]
    server_pid = server.pid
    server.stop()
    with Redis.from_url(server.redis_url) as client:
        assert server_pid not in {beat.pid for beat in servers.beats(client)}
