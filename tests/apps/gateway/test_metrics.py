"""Counting: what is told of a request, and that nobody fills Prometheus with names."""

from __future__ import annotations

import re
import subprocess
import sys

from apps.gateway.metrics import MOST_NAMES, MOST_OLD_CLIENTS, OTHER, Metrics, Names
from apps.ledger.records import AttemptRecord
from routerctl.env import ROOT


def test_old_clients_beyond_the_bound_count_as_one() -> None:
    metrics = Metrics()
    for number in range(MOST_OLD_CLIENTS + 7):
        metrics.count_legacy("ios", f"1.{number}")
    metrics.count_legacy("ios", "1.0")
    assert len(metrics.legacy) == MOST_OLD_CLIENTS + 1
    assert metrics.legacy[OTHER, OTHER] == 7
    assert metrics.legacy["ios", "1.0"] == 2


def test_a_name_is_a_label_when_the_revision_in_force_has_it() -> None:
    names = Names()
    assert names.label("chat", {"chat"}) == "chat"
    assert names.label("gone", {"chat"}) == OTHER
    assert names.label("", {"chat"}) == ""  # turned away before a route was found


def test_a_name_that_was_a_label_stays_one() -> None:
    names = Names()
    names.label("chat", {"chat"})
    assert names.label("chat", ()) == "chat"


def test_whoever_renames_all_day_does_not_fill_prometheus() -> None:
    names = Names()
    labels = {names.label(f"route-{n}", {f"route-{n}"}) for n in range(MOST_NAMES + 50)}
    assert len(labels) == MOST_NAMES + 1
    assert OTHER in labels


def attempt(n: int, deployment: str, error_class: str | None = None) -> AttemptRecord:
    return AttemptRecord(
        n=n, deployment=deployment, provider="p", model="m", started_ms=0, duration_ms=1,
        outcome="failed" if error_class else "succeeded", error_class=error_class,
        input_tokens=10, cached_input_tokens=4, output_tokens=3, cost_nano_usd=7, held_nano_usd=9,
    )  # fmt: skip


def test_the_same_deployment_again_is_a_retry_and_another_one_a_fallback() -> None:
    metrics = Metrics()
    metrics.count_moves(
        "chat", [attempt(1, "a", "server"), attempt(2, "a", "timeout"), attempt(3, "b")]
    )
    assert metrics.retries == {("a",): 1}
    assert metrics.fallbacks == {("chat", "timeout"): 1}


def test_an_attempt_counts_tokens_by_kind_and_money() -> None:
    metrics = Metrics()
    metrics.count_attempt(attempt(1, "a"))
    assert metrics.tokens == {("a", "input"): 10, ("a", "output"): 3, ("a", "cached_input"): 4}
    assert (metrics.cost["a",], metrics.held["a",]) == (7, 9)


POURED = """
from apps.gateway.metrics import Metrics, State
metrics = Metrics(lambda: State(routes={"chat"}, ticks=[("reserve", 0.7), ("reserve", 9999.0)]))
for took_ms, count in ((0, 1), (2, 1), (2.5, 1), (120000, 3), (120001, 2)):
    metrics.latency["chat", took_ms] += count
metrics.latency["of yesterday", 5] += 1
for value in ('"', "\\\\", "\\n", "}", "\\u2028", "x" * 128, "\\x00"):
    metrics.count_legacy(value, value)
    metrics.requests["native", value, "failed", "rate_limited"] += 1
metrics.pour()
metrics.pour()
print(metrics.exposition().decode())
"""


def test_what_is_poured_is_what_was_seen_and_hostile_names_make_no_series(tmp_path) -> None:
    """In a process of its own: prometheus_client looks for its directory when it is imported."""
    text = subprocess.run(
        [sys.executable, "-c", POURED], cwd=ROOT, check=True, capture_output=True, text=True,
        env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
    ).stdout  # fmt: skip
    name = "routerctl_request_duration_seconds"

    def sample(rest: str) -> float:
        return float(re.findall(rf"^{name}{re.escape(rest)} (\S+)$", text, re.MULTILINE)[0])

    counts = {"0.002": 2, "0.005": 3, "60.0": 3, "120.0": 6, "+Inf": 8}
    assert {le: sample(f'_bucket{{le="{le}",route="chat"}}') for le in counts} == counts
    assert sample('_count{route="chat"}') == 8
    assert sample('_sum{route="chat"}') == (0 + 2 + 2.5 + 3 * 120000 + 2 * 120001) / 1000
    assert sample('_count{route="other"}') == 1
    requests = re.findall(r"^routerctl_requests_total(.*)$", text, re.MULTILINE)
    assert requests == [
        '{code="rate_limited",door="native",route="other",status="failed",status_class="4xx"} 7.0'
    ]
    # Its state says so each of the three times that it pours.
    assert 'routerctl_ledger_tick_duration_seconds_count{call="reserve"} 6.0' in text
    assert text.count("routerctl_legacy_requests_total{") == 7
