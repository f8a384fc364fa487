"""What can be known of the image and the compose file without a container engine: the files are
there, the commands start, and production needs nothing that is not locked for it."""

from __future__ import annotations

import ast
import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from cryptography.fernet import Fernet
from django.core.management import load_command_class
from packaging.utils import canonicalize_name

from routerctl.env import ROOT
from tests.processes import Server
from tests.project.test_locks import locked

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
OURS = {n: s for n, s in COMPOSE["services"].items() if s["image"] == "routerctl"}
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()


def production() -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ROUTERCTL_ENV": "production",
        "ROUTERCTL_SECRET_KEY": secrets.token_urlsafe(48),
        "ROUTERCTL_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "ROUTERCTL_ALLOWED_HOSTS": "127.0.0.1",
    }


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's working directory, as the Dockerfile's last stage copies and fills it."""
    directory = tmp_path_factory.mktemp("image")
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    for source, target in re.findall(r"^COPY (\S+) (\S+)$", last_stage, re.MULTILINE):
        target = directory / (source if target == "./" else target)
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / source, target)
    environment = {"PATH": production()["PATH"]}
    subprocess.run(["docker/collect-static"], cwd=directory, env=environment, check=True)
    return directory


@contextmanager
def serving(image: Path, environment: dict[str, str]) -> Iterator[str]:
    """The URL of the image's default command; fails when it does not end in order."""
    command = ["python", "manage.py", "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=image, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found
        yield found[0]
        process.terminate()
        process.stderr.read()
    assert process.returncode == 0


def test_every_role_has_its_service_and_a_health_check():
    services = {"postgres", "valkey", "migrate", "web", "gateway", "worker", "beat"}
    assert set(COMPOSE["services"]) == services
    assert services - {n for n, s in COMPOSE["services"].items() if "healthcheck" in s} == {
        "migrate"  # it ends
    }


def test_services_wait_for_services_that_are_there():
    for name, service in OURS.items():
        for needed in service.get("depends_on", {}):
            assert needed in COMPOSE["services"], name


def test_the_files_that_are_copied_are_there_and_not_ignored():
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        source = line.split()[0]
        assert (ROOT / source).exists()
        assert source in kept


@pytest.mark.parametrize("name", [n for n, s in OURS.items() if "manage.py" in s["command"]])
def test_a_services_management_command_takes_its_options(name: str):
    program, script, command, *options = OURS[name]["command"]
    assert (program, script) == ("python", "manage.py")
    app = "routerctl" if command == "serve" else "django.core"
    load_command_class(app, command).create_parser("manage.py", command).parse_args(options)


def test_the_default_command_serves():
    default = json.loads(re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)[0])
    assert default[:3] == ["python", "manage.py", "serve"]


def test_the_image_serves_in_production_with_hashed_static_files(image: Path, server: Server):
    environment = production()
    environment |= {"DATABASE_URL": server.database_url, "REDIS_URL": server.redis_url}
    server.stop()
    with serving(image, environment) as url:
        page = httpx2.get(f"{url}/sign-in/").text
        found = re.search(r'href="(/static/css/app\.[0-9a-f]+\.css)"', page)
        assert found, page[:2000]
        css = httpx2.get(url + found[1])
        assert css.status_code == 200
        assert "immutable" in css.headers["cache-control"]


def test_the_celery_worker_starts_and_answers(server: Server):
    environment = {
        **os.environ,
        "DATABASE_URL": server.database_url,
        "REDIS_URL": server.redis_url,
        "PATH": production()["PATH"],
    }
    with subprocess.Popen(
        OURS["worker"]["command"], cwd=ROOT, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as worker:  # fmt: skip
        assert worker.stderr
        assert any("ready" in line for line in worker.stderr), "it ended instead"
        check = OURS["worker"]["healthcheck"]["test"][1:]
        asked = subprocess.run(check, cwd=ROOT, env=environment, capture_output=True, text=True)
        worker.terminate()
        worker.stderr.read()
    assert "1 node online" in asked.stdout, asked.stderr


def test_the_code_imports_nothing_that_is_not_locked_for_production():
    held = set(locked("requirements.lock"))
    of = packages_distributions()
    for path in [*ROOT.glob("routerctl/**/*.py"), *ROOT.glob("apps/**/*.py")]:
        for name in imported(path) - sys.stdlib_module_names - {"apps", "routerctl"}:
            distributions = {canonicalize_name(found) for found in of[name]}
            assert distributions & held, f"{path} imports {name}"


def imported(path: Path) -> set[str]:
    """The first parts of the modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def test_shell_scripts_parse():
    for path in (*ROOT.glob(".ci/*"), ROOT / "docker" / "collect-static"):
        assert os.access(path, os.X_OK), path
        shell = shlex.split(path.read_text().partition("\n")[0].removeprefix("#!"))[-1]
        subprocess.run([shell, "-n", str(path)], check=True)
