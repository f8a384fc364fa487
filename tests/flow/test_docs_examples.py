"""The examples of /api/docs/ are true: taken from the page as it is shown, they run and work.

JavaScript runs where it is at home: see tests/browser/test_docs_examples.py.
"""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.api.docs import CLIENTS, TOPICS
from tests.processes import Mock, Server

COMMANDS = {
    "curl": ("bash", "-euc"),
    **dict.fromkeys(("openai", "anthropic"), (sys.executable, "-c")),
}
ANSWER = "You can set a new password from the sign-in page"
TOLD = {
    "request": ANSWER,
    "streaming": "pick a password you use nowhere else",
    "trace": "succeeded",
    "errors": "model",
}
"""What an example prints, among other things."""


def shown(server: Server, client: str) -> dict[str, str]:
    """The examples of the page for `client`, by topic."""
    with urllib.request.urlopen(f"{server.url}/api/docs/?with={client}", timeout=30) as answer:
        page = answer.read().decode()
    found = re.findall(rf'<code data-example="{client}/(\w+)">(.*?)</code>', page, re.DOTALL)
    return {topic: html.unescape(text) for topic, text in found}


@pytest.mark.parametrize("topic", [topic.slug for topic in TOPICS])
@pytest.mark.parametrize("client", COMMANDS)
def test_an_example_runs_as_it_is_shown(
    client: str,
    topic: str,
    shared_server: Server,
    mock: Mock,
    key: Callable[..., str],
    tmp_path: Path,
):
    example = shown(shared_server, client)[topic]
    assert shared_server.url in example
    done = subprocess.run(
        [*COMMANDS[client], example],
        cwd=tmp_path,
        env={**os.environ, "ROUTERCTL_API_KEY": key("--scopes", "generate,read")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = said(client, topic, done.stdout)
    assert TOLD[topic] in told
    if topic == "errors":
        assert "400" in told
        assert re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7", told)


def said(client: str, topic: str, printed: str) -> str:
    """What was printed; of a stream's events the text."""
    if (client, topic) != ("curl", "streaming"):
        return printed
    assert "event: done" in printed
    return "".join(re.findall(r'data: \{"text":"(.*?)"\}', printed))


def test_the_page_has_an_example_for_everybody_and_everything(shared_server: Server):
    for client in CLIENTS:
        assert list(shown(shared_server, client.slug)) == [topic.slug for topic in TOPICS]
