"""Real processes for tests: the scripted providers, and `manage.py serve` on a database of its
own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests import databases

ROOT = databases.ROOT
PATIENCE_S = 30

_numbers = count(1)


@dataclass(frozen=True)
class Mock:
    """The running scripted providers. A path's first segment is a provider of any name."""

    url: str

    def calls(self) -> list[dict[str, Any]]:
        """What was received, oldest first; see routerctl/mock/server.py."""
        with urllib.request.urlopen(f"{self.url}/calls", timeout=10) as answer:
            return list(json.load(answer))

    def forget(self) -> None:
        """Forget all calls, and count the calls of each model from 1 again."""
        request = urllib.request.Request(f"{self.url}/calls", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()


@contextlib.contextmanager
def start_mock() -> Iterator[Mock]:
    """Scripted providers in a process of their own, which ends with this one."""
    command = [sys.executable, "-m", "routerctl.mock", "--port", "0", "--ends-with-stdin"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        yield Mock(process.stdout.readline().strip())
        process.terminate()


@contextlib.contextmanager
def server_maker(mock: Mock, directory: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers, each on a database of its own, which share `mock`; they end with the block.

    `make(NAME=value)` says what their environment has beside the usual; a DATABASE_URL says on
    which PostgreSQL their databases are. They are not started yet.
    """
    made: list[Server] = []

    def make(**environment: str) -> Server:
        number = next(_numbers)
        own = directory / f"server-{number}"
        own.mkdir()
        made.append(Server(own, mock, number, environment))
        return made[-1]

    try:
        yield make
    finally:
        for server in made:
            server.close()


class Server:
    """`manage.py serve` as users start it, on a migrated database of its own.

    `url`, `database_url`, `redis_url`, `mock` and `log` (a path) are there to be used.
    """

    def __init__(self, directory: Path, mock: Mock, number: int, environment: dict[str, str]):
        self.mock = mock
        self.log = directory / "serve.log"
        self.url = ""
        self._directory = directory
        self.database_url = databases.renamed(
            environment.get("DATABASE_URL", os.environ["DATABASE_URL"]),
            f"test_{os.getpid()}_{number}",
        )
        self.redis_url = databases.with_redis_database(os.environ["REDIS_URL"], number)
        self._environment = {
            **os.environ,
            "REDIS_URL": self.redis_url,
            "OPENAI_API_KEY": "sk-test-openai",
            "ANTHROPIC_API_KEY": "sk-ant-test",
            "GEMINI_API_KEY": "test-gemini",
            **environment,
            "DATABASE_URL": self.database_url,
        }
        self._process: subprocess.Popen[bytes] | None = None
        databases.create(self.database_url)

    # ------------------------------------------------------------------ the process

    def start(self, *options: str) -> None:
        """Serve on a free port; returns when /healthz answers."""
        command = [sys.executable, "manage.py", "serve", "--port", "0", *options]
        with self.log.open("ab") as log:
            began_at = log.tell()
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.url = _until(lambda: self._lives() and self._announced(began_at), self._why)
        _until(lambda: self._lives() and self.status("/healthz") == 200, self._why)

    @property
    def pid(self) -> int:
        """The process number of `manage.py serve`."""
        assert self._process, "the server was not started"
        return self._process.pid

    def workers(self) -> list[int]:
        """The process numbers of its workers, when it was started with several."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end and wait; the exit code."""
        assert self._process, "the server was not started"
        self._process.send_signal(number)
        return self._process.wait(PATIENCE_S * 3)

    def kill(self) -> None:
        """`kill -9` for the server and its workers, at once."""
        assert self._process, "the server was not started"
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE_S)

    def close(self) -> None:
        """End it in any case and remove its database."""
        if self._process and self._process.poll() is None:
            self.kill()
        databases.drop(self.database_url)

    # ------------------------------------------------------------------ its commands

    def manage(self, *arguments: str, stdin: str | None = None, code: int = 0) -> str:
        """Run a management command on the server's database; its standard output.

        Fails when the exit code is not `code`.
        """
        return self._run(*arguments, stdin=stdin, code=code).stdout

    def _run(
        self,
        *arguments: str,
        stdin: str | None = None,
        code: int = 0,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self._environment, input=stdin, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{done.stderr}"
        return done

    def manage_error(self, *arguments: str, stdin: str | None = None) -> str:
        """What a command that fails with exit code 1 says on standard error."""
        return self._run(*arguments, stdin=stdin, code=1).stderr

    def apply(self, document: str) -> None:
        """Apply a configuration; returns when the server decides by it.

        `{mock}` in the document is the scripted providers' URL.
        """
        path = self._directory / "config.yaml"
        path.write_text(document.replace("{mock}", self.mock.url))
        told = self._run("apply_config", "-f", str(path)).stderr
        in_force = re.search(r"revision (\w+) is in force", told)
        assert in_force, told
        revision = in_force[1]
        _until(lambda: (self.ready()["revision"] or "").startswith(revision), self._why)

    def create_key(self, *options: str) -> str:
        """A new API key, for tenant `*` unless `options` name one; returns when it is known."""
        tenant = () if "--tenant" in options else ("--tenant", "*")
        printed = self.manage("create_api_key", "--name", "test", *tenant, *options)
        key = printed.strip().splitlines()[-1]
        _until(lambda: self.status("/v1/models", key) == 200, self._why)
        return key

    # ------------------------------------------------------------------ its answers

    def status(self, path: str, key: str = "") -> int:
        """The status of `path`, asked for with `key`; 0 when nobody answers."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def ready(self) -> dict[str, Any]:
        """The body of /readyz, whatever its status."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=10) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            return dict(json.load(error))

    def _lives(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self._why()
        return True

    def _announced(self, began_at: int) -> str:
        found = re.search(rb"http://\S+", self.log.read_bytes()[began_at:])
        return found[0].decode() if found else ""

    def _why(self) -> str:
        assert self._process
        return f"exit code {self._process.poll()}, log:\n{self.log.read_text()[-4000:]}"


def _until(done: Any, why: Any) -> Any:
    """What `done` returns once it is true. Fails with `why` after a while."""
    deadline = time.monotonic() + PATIENCE_S
    while not (result := done()):
        assert time.monotonic() < deadline, why()
        time.sleep(0.05)
    return result
