"""Where the workers of one server keep their counters, so that /metrics can add them up."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

SETTING = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client reads it when it is first imported."""


def make_directory(data_dir: Path) -> Path:
    """An empty directory for this process and the workers it forks. Those of servers that were
    killed are removed."""
    ours = data_dir / "metrics" / str(os.getpid())
    for old in ours.parent.glob("*"):
        if old == ours or not _lives(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    ours.mkdir(parents=True)
    os.environ[SETTING] = str(ours)
    return ours


@contextlib.contextmanager
def directory(data_dir: Path) -> Iterator[None]:
    """The same, for as long as the block runs."""
    made = make_directory(data_dir)
    try:
        yield
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
