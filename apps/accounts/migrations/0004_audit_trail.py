"""The audit trail, which the database refuses to change; what has a history already is entered.

The history of people and keys is written once, too, like that of everything else.
"""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from apps.accounts import chain

HISTORIES = {
    ("accounts", "historicaluser"): ("email", None),
    ("accounts", "historicalapikey"): ("prefix", None),
    ("catalog", "historicalprovider"): ("slug", None),
    ("catalog", "historicaldeployment"): ("slug", None),
    ("catalog", "historicalprice"): ("deployment", "starts_on"),
    **{
        ("policies", f"historical{name}"): ("slug", None)
        for name in ("task", "plan", "feature", "prompt", "flag", "check", "gate", "route", "cap")
    },
}
"""What has a history when the trail begins, with the fields of its name and its part."""

OWN = ("history_id", "history_date", "history_change_reason", "history_type", "history_user", "source")
"""Columns of a history row that are not those of the thing itself."""


def enter_what_is_there(apps: Any, schema_editor: Any) -> None:
    """An entry for each history row, in the order in which they were made."""
    entry_model = apps.get_model("accounts", "AuditEntry")
    rows = [
        (row.history_date, index, row.history_id, (key, row))
        for index, key in enumerate(HISTORIES)
        for row in apps.get_model(*key).objects.all()
    ]
    previous = chain.BEGINNING
    for *_, (key, row) in sorted(rows, key=lambda found: found[:3]):
        entry = _entry(entry_model, key, row, previous)
        entry.save(force_insert=True)
        previous = entry.digest


def _entry(entry_model: Any, key: tuple[str, str], row: Any, previous: str) -> Any:
    named_by, part_by = HISTORIES[key]
    fields = [field for field in row._meta.concrete_fields if field.name not in OWN]
    entry = entry_model(
        at=row.history_date,
        person_id=row.history_user_id,
        source=row.source,
        reason=row.history_change_reason,
        kind=f"{key[0]}.{key[1].removeprefix('historical')}",
        object=str(getattr(row, named_by)),
        part=str(getattr(row, part_by)) if part_by else "",
        what=chain.WHAT[row.history_type],
        history_id=row.history_id,
        content=chain.content_of(row, fields),
        previous=previous,
    )
    entry.digest = chain.seal(entry)
    return entry


def guard(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION routerctl_append_only();",
        f"DROP TRIGGER append_only ON {table};",
    )


# A superuser, as the embedded database has one, keeps every privilege; the triggers stop it too.
WITHHOLD = """
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON accounts_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION routerctl_append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON accounts_auditentry FROM PUBLIC, CURRENT_USER;
"""
GIVE_BACK = """
GRANT UPDATE, DELETE, TRUNCATE ON accounts_auditentry TO CURRENT_USER;
DROP TRIGGER never_emptied ON accounts_auditentry;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_tenants"),
        ("catalog", "0002_append_only"),
        ("policies", "0002_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("source", models.CharField(max_length=8)),
                ("reason", models.TextField()),
                ("kind", models.CharField(max_length=64)),
                ("object", models.CharField(max_length=254)),
                ("part", models.CharField(blank=True, default="", max_length=64)),
                ("what", models.CharField(max_length=8)),
                ("history_id", models.BigIntegerField()),
                ("content", models.JSONField()),
                ("previous", models.CharField(max_length=64, unique=True)),
                ("digest", models.CharField(max_length=64)),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["object", "kind", "part", "-id"], name="audit_of_an_object"),
                    models.Index(fields=["-at", "-id"], name="audit_by_time"),
                    models.Index(fields=["person", "-at", "-id"], name="audit_of_a_person"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "history_id"), name="history_is_entered_once"),
                ],
            },
        ),
        migrations.RunPython(enter_what_is_there, migrations.RunPython.noop),
        *map(guard, ("accounts_auditentry", "accounts_historicaluser", "accounts_historicalapikey")),
        migrations.RunSQL(WITHHOLD, GIVE_BACK),
    ]
