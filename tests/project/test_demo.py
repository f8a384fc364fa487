"""`make demo`, as a newcomer meets it: alone, with an empty environment."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from routerctl.env import ROOT


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def demo(data_dir: Path, port: int) -> Iterator[str]:
    """What a running demo has printed; it is ended as Ctrl-C ends it."""
    with subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", str(port)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ROUTERCTL_DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        printed = ""
        while "Ctrl-C" not in printed:
            line = process.stdout.readline()
            assert line, f"the demo ended with {process.wait()}"
            printed += line
        yield printed
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 0


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("demo") / "var"
    yield path
    environment = {**os.environ, "ROUTERCTL_DATA_DIR": str(path)}
    remove = [sys.executable, "-m", "routerctl.embedded", "remove"]
    subprocess.run(remove, cwd=ROOT, env=environment, check=True)


def test_a_newcomer_pastes_the_line_signs_in_and_reads_why(data_dir: Path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with demo(data_dir, port) as printed:
        [line] = [line for line in printed.splitlines() if line.startswith("curl")]
        pasted = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)
        answer = json.loads(pasted.stdout)
        assert answer["status"] == "succeeded"
        assert answer["route"] == "billing-disputes"

        with httpx2.Client(base_url=url, follow_redirects=True) as browser:
            email, password = sign_in_of("support", printed)
            form = browser.get("/sign-in/").text
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
            assert token
            fields = {"login": email, "password": password, "csrfmiddlewaretoken": token[1]}
            browser.post("/sign-in/", data=fields)
            page = browser.get(f"/t/{answer['trace_id']}")
            assert page.status_code == 200
            assert "billing-disputes" in page.text

        found = traces(url, printed)
        assert {"succeeded", "degraded", "blocked", "failed"} <= {t["status"] for t in found}
        today = datetime.now(UTC)
        assert traces(url, printed, f"from={today - timedelta(minutes=5):%FT%TZ}")
        assert traces(url, printed, f"to={today - timedelta(days=13):%FT%TZ}")


def test_a_second_start_goes_on_where_the_first_ended(data_dir: Path):
    with demo(data_dir, port := free_port()) as first:
        newest = traces(f"http://127.0.0.1:{port}", first)[0]
    with demo(data_dir, port := free_port()) as second:
        assert key_of(second) == key_of(first)
        assert sign_in_of("admin", second) == sign_in_of("admin", first)
        assert traces(f"http://127.0.0.1:{port}", second)[0] == newest


def sign_in_of(role: str, printed: str) -> tuple[str, str]:
    found = re.search(rf"^  {role} +(\S+) +(\S+)$", printed, re.MULTILINE)
    assert found
    return found[1], found[2]


def key_of(printed: str) -> str:
    found = re.search(r"^API key: (\S+)$", printed, re.MULTILINE)
    assert found
    return found[1]


def traces(url: str, printed: str, when: str = "") -> list[dict[str, object]]:
    headers = {"authorization": f"Bearer {key_of(printed)}"}
    answer = httpx2.get(f"{url}/api/v1/traces?limit=1000&{when}", headers=headers)
    return list(answer.json()["results"])
