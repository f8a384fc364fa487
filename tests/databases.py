"""Fresh, migrated databases in the time of a copy.

Migrations run once for each state of the code into a template, from which every test database
and every served database is copied. Sessions that run at the same time share the template.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from routerctl import embedded

ROOT = Path(__file__).resolve().parent.parent
LOCK = 7_207_207  # any number, the same for all test sessions


def renamed(url: str, name: str) -> str:
    """`url` with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def with_redis_database(url: str, number: int) -> str:
    """`url` with another of the server's databases: the embedded one has a thousand, others 16."""
    if url.startswith("unix:"):
        return f"{url.partition('?')[0]}?db={number % 1000 + 1}"
    return urlunsplit(urlsplit(url)._replace(path=f"/{number % 15 + 1}"))


def create(url: str) -> None:
    """Make the database that `url` names, migrated and empty."""
    with _server(url) as server:
        template = _template(server, url)
        _run(server, "CREATE DATABASE {} TEMPLATE {}", _name(url), template)


def create_empty(url: str) -> None:
    """Make the database that `url` names, without any table."""
    with _server(url) as server:
        _run(server, "CREATE DATABASE {}", _name(url))


def drop(url: str) -> None:
    """Remove the database that `url` names, whoever is still connected."""
    with _server(url) as server:
        _run(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", _name(url))


@contextlib.contextmanager
def _server(url: str) -> Iterator[psycopg.Connection]:
    """A connection to the server, on which no other session creates or drops databases."""
    embedded.start()
    with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield connection


def _template(server: psycopg.Connection, url: str) -> str:
    name = f"template_{_state_of_migrations()}"
    present = {row[0] for row in server.execute("SELECT datname FROM pg_database")}
    if name not in present:
        _remove_leftovers(server, present)
        building = f"{name}_building"
        _run(server, "CREATE DATABASE {}", building)
        _migrate(renamed(url, building))
        _run(server, "ALTER DATABASE {} RENAME TO {}", building, name)
    return name


def _migrate(url: str) -> None:
    result = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, f"The migrations fail:\n{result.stderr}"


def _remove_leftovers(server: psycopg.Connection, present: set[str]) -> None:
    """Older templates, and the databases of sessions that were killed."""
    for name in present:
        session = re.match(r"test_(\d+)", name)
        if name.startswith("template_") or (session and not _lives(int(session[1]))):
            _run(server, "DROP DATABASE {} WITH (FORCE)", name)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@cache
def _state_of_migrations() -> str:
    """Changes with the code that makes the schema, and with the day, since partitions do."""
    digest = hashlib.sha256(datetime.now(UTC).date().isoformat().encode())
    files = [*ROOT.glob("apps/*/migrations/*.py"), *ROOT.glob("apps/**/*.sql")]
    # Which libraries' migrations there are, too.
    files += [ROOT / "routerctl" / "settings.py", ROOT / "requirements.lock"]
    for path in [*sorted(files), ROOT / "requirements.lock"]:
        if path.exists():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _name(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


def _run(server: psycopg.Connection, statement: str, *names: str) -> None:
    """A statement about databases, which takes no parameters but names."""
    server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
