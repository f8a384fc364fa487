"""What stands in the ledger's tables, asked on a connection of the test's own."""

from typing import Any

import psycopg

Row = dict[str, Any]


class Stored:
    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self.connection = connection

    def all(self, query: str, *values: object) -> list[Row]:
        return self.connection.execute(query.encode(), values).fetchall()

    def do(self, statement: str, *values: object) -> None:
        self.connection.execute(statement.encode(), values)

    def trace(self, trace_id: str) -> Row:
        """The only trace of that id."""
        [row] = self.all("SELECT * FROM ledger_trace WHERE trace_id = %s", trace_id)
        return row

    def traces(self) -> set[str]:
        """The ids of all traces."""
        return {str(row["trace_id"]) for row in self.all("SELECT trace_id FROM ledger_trace")}

    def attempts(self, trace_id: str) -> list[Row]:
        return self.all("SELECT * FROM ledger_attempt WHERE trace_id = %s ORDER BY n", trace_id)

    def holds(self) -> list[tuple[str, int, int]]:
        """Trace, n and amount of every open hold."""
        rows = self.all("SELECT trace_id, n, amount_nano_usd FROM ledger_hold ORDER BY trace_id")
        return [(str(row["trace_id"]), row["n"], row["amount_nano_usd"]) for row in rows]

    def expire(self, worker: str) -> None:
        """Let the lease of `worker` end now, as if it had slept."""
        self.do(
            "UPDATE ledger_workerlease SET expires_at = now() - interval '1 s' WHERE worker = %s",
            worker,
        )

    def reap(self) -> int:
        """What a reaper that has waited its lease does. How many holds it took."""
        [row] = self.all("SELECT reaped FROM ledger_reap(clock_timestamp(), '1 minute', 500)")
        assert isinstance(row["reaped"], int)
        return row["reaped"]
