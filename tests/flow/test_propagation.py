"""A change of the configuration or of a key reaches every process within two seconds, under load,
and nobody who asks meanwhile is failed by it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connections

from apps.accounts import keys
from apps.accounts.models import ApiKey
from apps.policies import editing, services
from apps.policies.apply import apply, difference
from tests.flow.books import Books, marker_of
from tests.flow.documents import deployment, document, provider, route
from tests.flow.inside import inside
from tests.flow.load import Asked, Load
from tests.processes import Server, server_maker, start_mock

WORKERS = 3
WITHIN_S = 2.0
ENOUGH = 30
"""Requests that are looked at before and after a change."""
BY: Any = {"person": None, "source": "command", "reason": "for a test"}
FIRST_SECRET, SECOND_SECRET = "sk-test-first", "sk-test-second"

CONFIGURATION = document(
    [provider("alpha") | {"secret": "env:FIRST_SECRET"}, provider("beta")],
    [deployment(f"{name}/one", model="quick~latency=20") for name in ("alpha", "beta")],
    [
        route("flagged", "beta/one", when={"flag": "new-model"}),
        route("asked", "alpha/one", "beta/one"),
    ],
    flags=[{"slug": "new-model", "enabled": False, "percent": 100, "sticky_by": "tenant"}],
)
IN_ANOTHER_ORDER = ('["alpha/one", "beta/one"]', '["beta/one", "alpha/one"]')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Server]:
    """Three workers, and this process inside their database."""
    with (
        start_mock() as mock,
        server_maker(mock, tmp_path_factory.mktemp("propagation")) as make_server,
        django_db_blocker.unblock(),
    ):
        made = make_server(FIRST_SECRET=FIRST_SECRET, SECOND_SECRET=SECOND_SECRET)
        made.start("--workers", str(WORKERS))
        with inside(made):
            yield made


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    _as_written(server)
    return server.create_key("--disclose", "deployment")


def _as_written(server: Server) -> None:
    """Undo what an earlier test changed."""
    file = _file(server, CONFIGURATION)
    if difference(file):
        _reaches_all(server, lambda: apply(file, reason="for a test"))


def _file(server: Server, configuration: str) -> bytes:
    return configuration.replace("{mock}", server.mock.url).encode()


@pytest.fixture
def load(server: Server, key: str) -> Iterator[Load]:
    """Traffic that has begun, by the configuration as it was written."""
    _as_written(server)
    with Load(server.url, key, lambda _: {"feature": "asked"}, clients=6) as asking:
        _more(asking, ENOUGH)
        yield asking


def _more(load: Load, many: int) -> list[Asked]:
    """Wait for so many requests which are sent from now on."""
    since, deadline = time.time(), time.monotonic() + 20
    while len(sent := [one for one in load.asked if one.sent_at > since]) < many:
        assert time.monotonic() < deadline, f"only {len(sent)} answers: {sent[-3:]}"
        time.sleep(0.02)
    return sent


def _reaches_all(server: Server, change: Callable[[], Any]) -> None:
    """Make `change`; returns when every process has loaded it. Fails after two seconds."""
    began_at = server.log.stat().st_size
    change()
    changed_at = time.time()
    loaded: dict[int, float] = {}
    while len(loaded) < WORKERS:
        assert time.time() < changed_at + WITHIN_S + 1, f"only {loaded} of {server.workers()}"
        time.sleep(0.01)
        for line in server.log.read_bytes()[began_at:].splitlines():
            if b'"configuration.loaded"' in line:
                told = json.loads(line)
                moment = datetime.fromisoformat(told["timestamp"]).astimezone(UTC)
                loaded.setdefault(told["process"], moment.timestamp())
    assert set(loaded) == set(server.workers())
    assert max(loaded.values()) < changed_at + WITHIN_S


def _answers_after(server: Server, load: Load, change: Callable[[], Any]) -> list[Asked]:
    """What was answered by the changed configuration. Nobody is failed before or after."""
    _reaches_all(server, change)
    after = _more(load, ENOUGH)
    load.stop()
    assert load.failed() == []
    return after


def _cost_nano_usd(server: Server, asked: list[Asked]) -> set[int]:
    """What each of `asked` cost, once all are settled."""
    books = Books(server.database_url)
    books.nothing_held_after_s(5)
    costs = {trace["marker"]: trace["cost_nano_usd"] for trace in books.traces()}
    return {costs[one.marker] for one in asked}


def test_the_load_is_spread_over_every_process(server: Server, load: Load) -> None:
    books, busy = Books(server.database_url), set[str]()
    deadline = time.monotonic() + 10
    while len(busy) < WORKERS:
        assert time.monotonic() < deadline, busy
        busy |= {row["worker"] for row in books.rows("SELECT DISTINCT worker FROM ledger_hold")}
    assert {int(worker.split(":")[1]) for worker in busy} == set(server.workers())


def test_a_price_counts_everywhere(server: Server, load: Load) -> None:
    before = list(load.answered())
    prices = editing.entry("deployments", "alpha/one").entry["prices"]
    dearer = {"from": "2026-02-01", "input_usd_per_mtok": "10", "output_usd_per_mtok": "20"}
    after = _answers_after(
        server,
        load,
        lambda: editing.amend("deployments", "alpha/one", {"prices": [*prices, dearer]}, **BY),
    )
    [usual], [now] = _cost_nano_usd(server, before), _cost_nano_usd(server, after)
    assert now == 10 * usual


def test_a_flag_counts_everywhere(server: Server, load: Load) -> None:
    after = _answers_after(
        server, load, lambda: editing.amend("flags", "new-model", {"enabled": True}, **BY)
    )
    assert {one.model for one in after} == {"beta/one"}


def test_a_route_counts_everywhere(server: Server, load: Load) -> None:
    file = _file(server, CONFIGURATION.replace(*IN_ANOTHER_ORDER))
    after = _answers_after(server, load, lambda: apply(file, reason="for a test"))
    assert {one.model for one in after} == {"beta/one"}


def test_a_switched_off_deployment_is_called_by_nobody(server: Server, load: Load) -> None:
    after = _answers_after(
        server,
        load,
        lambda: editing.amend("deployments", "alpha/one", {"enabled": False}, **BY),
    )
    assert {one.model for one in after} == {"beta/one"}


def test_a_switched_off_route_is_served_by_nobody(server: Server, load: Load) -> None:
    _reaches_all(server, lambda: editing.amend("routes", "asked", {"enabled": False}, **BY))
    after = _more(load, ENOUGH)
    assert {(one.status, one.code) for one in after} == {(503, "route_disabled")}
    assert {one.code for one in load.failed()} == {"route_disabled"}


def test_a_provider_that_moved_is_found_by_all(server: Server, load: Load) -> None:
    moved = f"{server.mock.url}/moved/v1"
    after = _answers_after(
        server, load, lambda: editing.amend("providers", "alpha", {"base_url": moved}, **BY)
    )
    providers = {marker_of(call): call["provider"] for call in server.mock.calls()}
    assert {providers[one.marker] for one in after} == {"moved"}


def test_a_providers_new_secret_is_used_by_all(server: Server, load: Load) -> None:
    after = _answers_after(
        server,
        load,
        lambda: services.set_secret(provider="alpha", secret="env:SECOND_SECRET", **BY),
    )
    sent = {marker_of(c): c["headers"].get("authorization") for c in server.mock.calls()}
    digest = hashlib.sha256(SECOND_SECRET.encode()).hexdigest()
    assert {sent[one.marker] for one in after} == {f"sha256:{digest[:16]}"}


def test_a_new_key_is_known_everywhere_and_a_revoked_one_refused_everywhere(
    server: Server, load: Load
) -> None:
    made: list[tuple[ApiKey, str]] = []
    new = {"name": "new", "tenant": "*", "reason": "for a test"}
    _reaches_all(server, lambda: made.append(keys.create(**new)))  # type: ignore[arg-type]
    [(row, token)] = made

    with Load(server.url, token, lambda _: {"feature": "asked"}, name="new") as asking:
        _more(asking, ENOUGH)
        assert asking.failed() == []
        _reaches_all(server, lambda: keys.revoke(row, person=None, reason="for a test"))
        refused = _more(asking, ENOUGH)

    assert {(one.status, one.code) for one in refused} == {(401, "auth_failed")}
    load.stop()
    assert load.failed() == []


def test_a_change_made_while_nobody_listened_is_not_missed(server: Server, load: Load) -> None:
    end_listeners = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND application_name NOT LIKE 'routerctl %'"""

    def change() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute(end_listeners)
            assert cursor.fetchone() == (WORKERS,)
        editing.amend("flags", "new-model", {"enabled": True}, **BY)

    after = _answers_after(server, load, change)
    assert {one.model for one in after} == {"beta/one"}


def test_a_change_that_nobody_announced_is_found_by_looking(server: Server, load: Load) -> None:
    earlier = editing.amend("flags", "new-model", {"enabled": True}, **BY)
    editing.amend("flags", "new-model", {"enabled": False}, **BY)
    time.sleep(WITHIN_S)
    unannounced = """
        INSERT INTO policies_revision (hash, policy_id, prices_id, deployments_id, caps_id,
            flags_id, created_at, source, reason)
        SELECT hash, policy_id, prices_id, deployments_id, caps_id, flags_id, now(), source, reason
        FROM policies_revision WHERE id = %s RETURNING id"""

    after = _answers_after(
        server, load, lambda: Books(server.database_url).rows(unannounced, earlier.pk)
    )
    assert {one.revision for one in after} == {earlier.hash}
