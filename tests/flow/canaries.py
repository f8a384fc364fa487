"""Secrets that sing when they are found, and where to look for them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql

_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""


class Canaries:
    """Named secrets. Each has a part that occurs nowhere else, and that part is looked for."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, str]] = []

    def new(self, name: str, shape: str = "{}") -> str:
        """A secret of the form `shape`, in which `{}` is hexadecimal."""
        return shape.format(self.watch(name, secrets.token_hex(16)))

    def watch(self, name: str, part: str) -> str:
        """Look for `part`, too; returns it."""
        self._parts.append((name, part))
        return part

    def found_in(self, data: bytes) -> list[str]:
        """The names of the secrets in `data`, however they are written there."""
        return [
            name
            for name, part in self._parts
            if any(form in data for form in _forms(part.encode()))
        ]


def _forms(part: bytes) -> Iterator[bytes]:
    yield part
    yield part.hex().encode()
    yield quote(part, safe="").encode()
    for shift in range(3):  # inside longer base64, whose first and last characters mix with others
        encoded = base64.b64encode(b"\0" * shift + part)
        yield encoded[4 if shift else 0 : -4]


def everything_in(database_url: str) -> bytes:
    """Every column of every row as it is stored: text as text, bytes as bytes."""
    stored = bytearray()
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        for schema, table in cursor.execute(_TABLES).fetchall():
            copied = sql.SQL("COPY {} TO STDOUT (FORMAT binary)")
            with cursor.copy(copied.format(sql.Identifier(schema, table))) as copy:
                for block in copy:
                    stored += block
    return bytes(stored)


def everything_kept_by(redis_url: str) -> bytes:
    """Every key, and every value as the server would write it to its disk."""
    with redis.Redis.from_url(redis_url) as server:
        keys = list(server.scan_iter())
        return b"\n".join([*keys, *(server.dump(key) or b"" for key in keys)])
