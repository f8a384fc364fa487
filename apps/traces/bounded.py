"""A query over many requests, which is worth having only if it is quick."""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

T = TypeVar("T")

_SETTINGS = "SELECT set_config('statement_timeout', %s, true), set_config('work_mem', '32MB', true)"
"""100 000 requests are sorted in memory; PostgreSQL's own 4 MB would send them to disk."""
_DEFAULTS = "SET LOCAL statement_timeout TO DEFAULT; SET LOCAL work_mem TO DEFAULT"


def if_quick(ask: Callable[[], T], *, within_ms: int) -> T | None:
    """What `ask` reads, or None when one of its statements takes longer than `within_ms`; the
    database then stops working on it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_SETTINGS, [str(within_ms)])
            found = ask()
            # Inside another transaction the settings would outlive this one.
            cursor.execute(_DEFAULTS)
            return found
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return None
        raise
