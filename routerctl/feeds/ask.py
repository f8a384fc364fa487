"""Asks the process that reads feeds."""

import subprocess
import sys

import msgspec

from routerctl.env import ROOT
from routerctl.feeds.values import Order, Reading, Unreadable

PATIENCE_S = 60


def read(order: Order) -> Reading:
    """What the feed says of the deployments that are wanted. Takes about a second; raises
    Unreadable."""
    command = [sys.executable, "-m", "routerctl.feeds"]
    try:
        ended = subprocess.run(
            command,
            input=msgspec.json.encode(order),
            capture_output=True,
            timeout=PATIENCE_S,
            cwd=ROOT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable(f"The feed was not read within {PATIENCE_S} s.") from None
    if ended.returncode != 0:
        said = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise Unreadable(said or "The feed could not be read.")
    return msgspec.json.decode(ended.stdout, type=Reading)
