"""PostgreSQL and Valkey from wheels, so that development and tests need nothing installed.

In development, what the environment leaves out is filled in: the two keys, and the URLs of
servers that all processes with the same ROUTERCTL_DATA_DIR share. They are started on first need
and stopped by the last process that ends. Sockets are files in a directory only their owner can
enter; no port is opened.

    prepare()   names servers and keys in os.environ; starts nothing. The settings call it
    start()     the same, and starts what was named if it does not run. Whoever connects calls it
    serves(url) whether that is one of them
    remove()    stops the servers and deletes all that the data directory stands for
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from routerctl.embedded import keys, leftovers, postgres, valkey
from routerctl.embedded.living import Living, one_at_a_time
from routerctl.embedded.place import EmbeddedServerError, Place, find_place

__all__ = ["EmbeddedServerError", "prepare", "remove", "serves", "start"]

ROOT = Path(__file__).resolve().parent.parent.parent


def prepare() -> None:
    """Set the missing ones of DATABASE_URL, REDIS_URL and the keys. Does nothing in production.

    Raises EmbeddedServerError when the data directory cannot be made.
    """
    if os.environ.get("ROUTERCTL_ENV", "development") != "development":
        return
    data_dir = _data_dir()
    with one_at_a_time(data_dir):
        keys.fill_in(data_dir)
        place = find_place(data_dir)
    if not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = postgres.url(place)
    if not os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = valkey.url(place)


def start() -> None:
    """Start, or adopt, the servers that `prepare` names; does nothing when there are none.

    Raises EmbeddedServerError when one cannot be had.
    """
    if os.environ.get("ROUTERCTL_ENV", "development") != "development":
        return
    prepare()
    data_dir = _data_dir()
    place = find_place(data_dir)
    servers = [
        server
        for name, server in (("DATABASE_URL", postgres), ("REDIS_URL", valkey))
        if str(place.sockets) in os.environ.get(name, "")
    ]
    if not servers:
        return
    Living.join(data_dir, when_last_ends=lambda: _stop(place))
    with one_at_a_time(data_dir):
        started = [server.ensure_running(place) for server in servers]
        if any(started):
            leftovers.clear(place, _stop)


def serves(url: str) -> bool:
    """Whether `url` names one of the embedded servers."""
    data_dir = _data_dir()
    return (data_dir / "instance").exists() and str(find_place(data_dir).sockets) in url


def remove() -> None:
    """Stop the servers, whoever uses them, and delete the data directory and their data."""
    data_dir = _data_dir()
    if (data_dir / "instance").exists():
        place = find_place(data_dir)
        _stop(place)
        shutil.rmtree(place.home, ignore_errors=True)
        shutil.rmtree(place.sockets, ignore_errors=True)
    shutil.rmtree(data_dir, ignore_errors=True)


def _stop(place: Place) -> None:
    valkey.stop(place)
    postgres.stop(place)


def _data_dir() -> Path:
    return Path(os.environ.get("ROUTERCTL_DATA_DIR") or ROOT / "var").absolute()
