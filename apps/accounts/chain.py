"""The audit trail: each history row is entered here once, and each entry seals the one before.

An entry holds what changed (`content`), who did it, from where and why, and a digest over all of
that and the digest before it. So a row that somebody changes, deletes or slips in behind our back
breaks the chain, and `verifying.py` finds where. The database refuses to change, delete or truncate
entries.

Entries are made one at a time, under a lock that is held until the transaction ends. Whoever needs
publishing's lock as well takes that one first.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection, models

WHAT = {"+": "created", "~": "changed", "-": "deleted"}
"""How a history row says what happened, and how we do."""

BEGINNING = ""
"""Stands for the digest before the first."""

_LOCK = 0x6175646974  # "audit": PostgreSQL knows advisory locks by number


class AuditEntry(models.Model):
    """One change of one thing. `kind` is the model (`policies.route`), `object` its slug or name,
    `part` what is told apart below that (the day of a price). `history_id` is its history row."""

    at = models.DateTimeField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        # Its check would need the privilege to update entries.
        db_constraint=False,
    )
    source = models.CharField(max_length=8)
    reason = models.TextField()
    kind = models.CharField(max_length=64)
    object = models.CharField(max_length=254)
    part = models.CharField(max_length=64, blank=True, default="")
    what = models.CharField(max_length=8)
    history_id = models.BigIntegerField()
    content = models.JSONField()
    """The thing's columns after the change; those before a deletion."""
    previous = models.CharField(max_length=64, unique=True)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "history_id"], name="history_is_entered_once"),
        ]
        indexes = [
            models.Index(fields=["object", "kind", "part", "-id"], name="audit_of_an_object"),
            models.Index(fields=["-at", "-id"], name="audit_by_time"),
            models.Index(fields=["person", "-at", "-id"], name="audit_of_a_person"),
        ]

    def __str__(self) -> str:
        return f"audit entry {self.pk}: {self.kind} {self.object} {self.what}"


def enter(row: Any, *, name: str, part: str = "") -> AuditEntry:
    """Enter the history row `row`, just saved, in the same transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    row.refresh_from_db()  # as the database has it, which is what is compared later
    entry = AuditEntry(
        at=row.history_date,
        person_id=row.history_user_id,
        source=row.source,
        reason=row.history_change_reason,
        kind=kind_of(row.instance_type),
        object=name,
        part=part,
        what=WHAT[row.history_type],
        history_id=row.history_id,
        content=content_of(row, row.tracked_fields),
        previous=AuditEntry.objects.values_list("digest", flat=True).first() or BEGINNING,
    )
    entry.digest = seal(entry)
    entry.save(force_insert=True)
    return entry


def kind_of(model: type[models.Model]) -> str:
    return model._meta.label_lower


def content_of(row: models.Model, fields: Any) -> dict[str, Any]:
    """Columns as JSON has them."""
    said: dict[str, Any] = msgspec.to_builtins(
        {field.attname: _plain(getattr(row, field.attname)) for field in fields}
    )
    return said


def seal(entry: AuditEntry) -> str:
    """The digest which `entry` must have. Its form never changes: it is that of every entry."""
    sealed = [
        entry.previous,
        _plain(entry.at),
        entry.person_id,
        entry.source,
        entry.reason,
        entry.kind,
        entry.object,
        entry.part,
        entry.what,
        entry.history_id,
        entry.content,
    ]
    return hashlib.sha256(msgspec.json.encode(sealed, order="sorted")).hexdigest()


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
