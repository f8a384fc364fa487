"""Exit statuses as a shell sees them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from apps.policies.models import Revision
from tests.apps.policies.files import small

ROOT = Path(__file__).parents[3]


def run(*arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        input=text,
        capture_output=True,
        cwd=ROOT,
        env=os.environ,
        check=False,
    )


@pytest.mark.django_db(transaction=True)
def test_a_wrong_file_says_1_with_every_error_on_standard_error_and_applies_nothing() -> None:
    ended = run("apply_config", "-f", "-", text=b"version: 1\ntasks: [Chat]\nrouts: []\n")
    assert ended.returncode == 1
    assert ended.stdout == b""
    said = ended.stderr.decode()
    assert "tasks[0]: 'Chat' is no slug" in said
    assert "routs: unknown key (line 3)" in said
    assert "2 errors; nothing was applied" in said
    assert not Revision.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_dry_run_apply_and_again_say_2_and_0_and_0() -> None:
    file = small()
    assert run("apply_config", "-f", "-", "--dry-run", text=file).returncode == 2
    assert run("apply_config", "-f", "-", text=file).returncode == 0
    again = run("apply_config", "-f", "-", "--dry-run", text=file)
    assert (again.returncode, again.stdout) == (0, b"")


def test_a_file_that_is_not_there_says_1() -> None:
    ended = run("apply_config", "-f", "/nowhere.yaml")
    assert ended.returncode == 1
    assert b"/nowhere.yaml: No such file or directory" in ended.stderr


@pytest.mark.django_db(transaction=True)
def test_what_is_probably_not_meant_is_told_and_changes_no_exit_status() -> None:
    file = small(prompts=[{"slug": "nobodys", "system": "Be kind."}])
    tried = run("apply_config", "-f", "-", "--dry-run", text=file)
    assert tried.returncode == 2
    assert "no route uses the prompt nobodys [prompt_unused]" in tried.stderr.decode()
    assert b"prompt_unused" not in tried.stdout
    assert run("apply_config", "-f", "-", text=file).returncode == 0
