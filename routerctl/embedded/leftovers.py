"""What root's servers leave under /var/lib/routerctl when their data directory is deleted.

Elsewhere the data goes with the directory. Here the home of a directory that is gone is found by
the next command that starts servers: its servers are stopped, and it is removed, at once if the
directory was made again, otherwise when nobody used it for a week; a disk may have been away.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from routerctl.embedded.place import Place

KEPT_S = 7 * 24 * 3600


def clear(place: Place, stop: Callable[[Place], None]) -> None:
    """Stop and remove what nobody owns any more. `stop` ends the servers of a place."""
    if place.user is None:
        return
    for home in place.home.parent.glob("*-*/"):
        owner = home / "data_dir"
        if not owner.exists() or _has_owner(home, Path(owner.read_text())):
            continue
        stop(Place(home, home / "sockets", place.user))
        if _is_replaced(home, place) or time.time() - owner.stat().st_mtime > KEPT_S:
            shutil.rmtree(home, ignore_errors=True)


def _has_owner(home: Path, data_dir: Path) -> bool:
    instance = data_dir / "instance"
    return instance.exists() and home.name.endswith(f"-{instance.read_text().strip()}")


def _is_replaced(home: Path, place: Place) -> bool:
    """Whether `place` is for the same path, made again."""
    return home.name.partition("-")[0] == place.home.name.partition("-")[0]
