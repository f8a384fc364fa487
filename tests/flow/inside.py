"""Work inside a server's database from the test's own process, as its pages and commands do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from tests.processes import Server


@contextlib.contextmanager
def inside(server: Server) -> Iterator[BaseDatabaseWrapper]:
    """Django's default connection is to `server`'s database within the block."""
    usual = connections["default"]
    other = connections.create_connection("default")
    other.settings_dict = usual.settings_dict | {
        "NAME": urlsplit(server.database_url).path.lstrip("/")
    }
    connections["default"] = other
    try:
        yield other
    finally:
        connections["default"] = usual
        other.close()
