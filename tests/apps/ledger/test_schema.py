"""One shape in four places: records.py, the types it arrives as, the tables, Django's models."""

import pytest
from django.db import models
from msgspec import Struct
from msgspec.structs import fields

from apps.ledger.models import (
    Attempt,
    Hold,
    IdempotencyRecord,
    RefusalCount,
    Trace,
    WorkerLease,
)
from apps.ledger.records import AttemptRecord, Outcome
from tests.apps.ledger.stored import Stored

_COLUMNS = """
    SELECT attname AS name FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


def _columns(stored: Stored, relation: str) -> list[str]:
    return [row["name"] for row in stored.all(_COLUMNS, relation)]


@pytest.mark.parametrize(
    ("record", "arrives_as", "table"),
    [
        (Outcome, "ledger_outcome_fields", "ledger_trace"),
        (AttemptRecord, "ledger_attempt_fields", "ledger_attempt"),
    ],
)
def test_a_record_arrives_and_is_stored_in_its_own_order(
    stored: Stored, record: type[Struct], arrives_as: str, table: str
) -> None:
    names = [field.name for field in fields(record)]
    arriving, columns = _columns(stored, arrives_as), _columns(stored, table)

    assert sorted(arriving) == sorted(names)
    first = columns.index(arriving[0])
    assert columns[first : first + len(arriving)] == arriving


@pytest.mark.parametrize("model", [Trace, Attempt, WorkerLease, IdempotencyRecord, RefusalCount])
def test_django_knows_every_column(stored: Stored, model: type[models.Model]) -> None:
    known = {field.column for field in model._meta.get_fields() if isinstance(field, models.Field)}

    assert known - {None} == set(_columns(stored, model._meta.db_table))


def test_django_leaves_a_hold_s_head_alone(stored: Stored) -> None:
    known = {field.column for field in Hold._meta.get_fields() if isinstance(field, models.Field)}

    assert set(_columns(stored, "ledger_hold")) - known == {"head"}
