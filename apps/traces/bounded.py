"""A query that is worth having only if it is quick."""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

T = TypeVar("T")


def if_quick(ask: Callable[[], T], *, within_ms: int) -> T | None:
    """What `ask` reads, or None when one of its statements takes longer than `within_ms`; the
    database then stops working on it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(within_ms)])
            found = ask()
            # Inside another transaction the setting would outlive this one.
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
            return found
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return None
        raise
