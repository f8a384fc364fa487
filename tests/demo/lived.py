"""A fortnight that was lived through, and questions to ask of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection, transaction

from apps.accounts import audit, keys
from apps.accounts.models import Role, User
from apps.accounts.tenants import ANY
from apps.policies.apply import apply
from routerctl.demo import history, organisation
from routerctl.demo.fortnight import Fortnight
from routerctl.demo.turns import file_before, turns

MOCK = "http://127.0.0.1:9"
for vendor in ("OPENAI", "ANTHROPIC", "GEMINI"):
    os.environ.setdefault(f"LARKFIELD_{vendor}_KEY", "scripted")
UNTIL = datetime(2026, 3, 18, 15, 0, tzinfo=UTC)
"""A Wednesday."""


@dataclass(frozen=True)
class Lived:
    """`sent` requests of `fortnight` are in the database."""

    fortnight: Fortnight
    sent: int

    def trace_of(self, status: str) -> str:
        """The newest trace with that status: one that was tried twice, if there is one."""
        [(trace_id,)] = self.rows(
            "SELECT trace_id FROM ledger_trace LEFT JOIN ledger_attempt USING (trace_id) "
            "WHERE status = %s GROUP BY trace_id ORDER BY count(n) > 1 DESC, trace_id DESC LIMIT 1",
            status,
        )
        return str(trace_id)

    def rows(self, sql: str, *values: str | date) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())


def live(count: int, until: datetime = UNTIL) -> Lived:
    """Live through a fortnight, in an organisation that has nobody and nothing yet."""
    fortnight = Fortnight(until, count)
    file = organisation.policy(MOCK)
    with audit.dated(fortnight.begins):
        people = {role: _person(role) for role in Role.values}
        apply(file_before(turns(fortnight), file).encode(), reason="test")
        tokens = [_token(name, legacy) for name, legacy in (("now", False), ("old", True))]
    sent = history.live_through(fortnight, file, people, *tokens)
    return Lived(fortnight, sent)


@contextmanager
def lived(count: int, until: datetime = UNTIL) -> Iterator[Lived]:
    """The same for as long as it is needed: everything is undone in the end."""
    with transaction.atomic():
        yield live(count, until)
        transaction.set_rollback(True)


def _person(role: str) -> User:
    person = User(email=organisation.address(role), role=role, tenants=[ANY])
    person.set_unusable_password()
    audit.save_with_reason(person, person=None, source="command", reason="test")
    return person


def _token(name: str, legacy: bool) -> str:
    _, token = keys.create(name=name, tenant="*", legacy=legacy, reason="test")
    return token
