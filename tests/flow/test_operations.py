"""Health, readiness and metrics of several workers behind one socket."""

import re
import time
from collections.abc import Callable, Iterator

import pytest

from tests.flow.client import Client, plain_http
from tests.flow.documents import deployment, document, provider, route
from tests.processes import Mock, Server, server_maker

ONE = document([provider("first")], [deployment("first/one")], [route("one", "first/one")])
SAMPLE = re.compile(r"(routerctl_\w+)(?:\{(.*)\})? (\S+)")


@pytest.fixture(scope="module")
def two_workers(providers: Mock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two workers and nothing configured yet."""
    with server_maker(providers, tmp_path_factory.mktemp("workers")) as make:
        server = make(ROUTERCTL_BREAKERS="off")  # which would rest in one worker and not the other
        server.start("--workers", "2")
        yield server


def metric(server: Server, name: str, **labels: str) -> float:
    """The sum of the samples of `name` which have all of `labels`."""
    total = 0.0
    with plain_http(server) as http:
        lines = http.get("/metrics").text.splitlines()
    for line in lines:
        sample = SAMPLE.fullmatch(line)
        if sample and sample[1] == name:
            found = dict(re.findall(r'(\w+)="([^"]*)"', sample[2] or ""))
            if labels.items() <= found.items():
                total += float(sample[3])
    return total


def until(seconds: float, found: Callable[[], float], expected: float) -> None:
    """Wait until `found` gives `expected`, and see that it stays so."""
    deadline = time.monotonic() + seconds
    while (value := found()) != expected:
        assert time.monotonic() < deadline, f"it is {value}, not {expected}"
        time.sleep(0.1)
    for _ in range(6):
        assert found() == expected


def test_before_anything_is_published_it_lives_and_is_not_ready(two_workers: Server) -> None:
    with plain_http(two_workers) as http:
        assert http.get("/healthz").status_code == 200
        assert http.head("/healthz").status_code == 200
        ready = http.get("/readyz")
        answer = http.post("/v1/generate", json={"input": "Hello"})
    assert (ready.status_code, ready.json()["revision"]) == (503, None)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"


def test_ready_is_who_has_a_revision_and_says_how_the_database_is(two_workers: Server) -> None:
    two_workers.apply(ONE)
    assert two_workers.status("/readyz") == 200
    ready = two_workers.ready()
    assert (ready["database"], ready["draining"]) == ("ok", False)


def test_the_metrics_of_all_workers_add_up(two_workers: Server, mock: Mock) -> None:
    key = two_workers.create_key()
    for number in range(40):  # a connection each, so that both workers are asked
        with Client(two_workers, key) as client:
            client.generate("one", "Hello [mock status=503]" if number % 4 == 0 else "Hello")
    for _ in range(10):
        with Client(two_workers, "nobody") as nobody:
            assert nobody.generate("one").status_code == 401
    until(3, lambda: metric(two_workers, "routerctl_requests_total", route="one"), 40)
    assert metric(two_workers, "routerctl_requests_total", code="provider_error") == 10
    assert metric(two_workers, "routerctl_attempts_total", outcome="succeeded") == 30
    assert (
        metric(two_workers, "routerctl_attempts_total", error_class="overloaded") == 20
    )  # each twice
    assert metric(two_workers, "routerctl_request_duration_seconds_count", route="one") == 40
    assert metric(two_workers, "routerctl_unauthenticated_total") == 10
    assert metric(two_workers, "routerctl_requests_total", status_class="5xx") == 10
    for idle in ("in_flight", "holds", "ledger_queue", "spooled", "unsettled", "database_away"):
        assert metric(two_workers, f"routerctl_{idle}") == 0
    assert metric(two_workers, "routerctl_ready") == 2
    assert metric(two_workers, "routerctl_ledger_tick_duration_seconds_count", call="reserve") > 0
    assert metric(two_workers, "routerctl_ledger_tick_duration_seconds_count", call="settle") > 0
    spent = metric(two_workers, "routerctl_route_cost_nano_usd_total", route="one")
    assert spent == metric(two_workers, "routerctl_cost_nano_usd_total", deployment="first/one")
    assert metric(two_workers, "routerctl_cost_nano_usd_total") > 0
    assert metric(two_workers, "routerctl_tokens_total", kind="output") > 0


def test_a_trace_can_be_read_from_either_worker(two_workers: Server, mock: Mock) -> None:
    key = two_workers.create_key("--scopes", "generate,read")
    for _ in range(8):
        with Client(two_workers, key) as one, Client(two_workers, key) as other:
            assert other.trace(one.generate("one"))["status"] == "succeeded"
