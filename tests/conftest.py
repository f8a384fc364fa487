"""What every test stands on: a real PostgreSQL, a real Valkey, servers and scripted providers.

What they find in the environment is set by `tests.environment`. Nothing is started for tests that
need nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests import databases
from tests.processes import Mock, Server, server_maker, start_mock


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: object) -> Iterator[None]:
    """pytest-django's database, copied instead of migrated."""
    from django.db import connections
    from django.db.backends.postgresql.operations import DatabaseOperations as Operations

    flush = Operations.execute_sql_flush

    def flush_for_a_test(self: Operations, sql_list: Iterable[str]) -> None:
        """Tests that commit are cleaned up after by emptying every table, which the audit trail's
        trigger refuses to everybody else."""
        flush(self, ["SET LOCAL session_replication_role = replica", *sql_list])

    Operations.execute_sql_flush = flush_for_a_test  # type: ignore[assignment]

    url = os.environ["DATABASE_URL"]
    databases.create(url)
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connections.close_all()
    databases.drop(url)


@pytest.fixture
def mock() -> Iterator[Mock]:
    """Scripted providers which nobody has called yet."""
    with start_mock() as running:
        yield running


@pytest.fixture
def make_server(mock: Mock, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers that share `mock`: `make_server(NAME=value)`, see `server_maker`."""
    with server_maker(mock, tmp_path) as make:
        yield make


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    """A running `manage.py serve` with one worker."""
    made = make_server()
    made.start()
    return made
