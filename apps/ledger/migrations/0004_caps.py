"""Caps' windows, and the tick that takes from them."""

from pathlib import Path

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql"
OLD = """
DROP FUNCTION IF EXISTS ledger_reserve(text, bigint, jsonb, jsonb);
DROP FUNCTION IF EXISTS ledger_advance(text, bigint, jsonb);
"""
FILES = ("windows.sql", "tick.sql", "reap.sql")

STATE = [
    migrations.CreateModel(
        name="CapWindow",
        fields=[
            (
                "id",
                models.BigAutoField(
                    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                ),
            ),
            ("cap", models.TextField()),
            ("unit", models.TextField()),
            ("period", models.TextField()),
            ("key_hash", models.TextField()),
            ("key", models.JSONField()),
            ("starts_at", models.DateTimeField()),
            ("ends_at", models.DateTimeField(null=True)),
            ("settled", models.BigIntegerField()),
            ("held", models.BigIntegerField()),
        ],
    ),
    *(
        migrations.AddField(model, name, ArrayField(models.BigIntegerField(), default=list))
        for model, names in {
            "trace": ("windows", "spent"),
            "hold": ("windows", "amounts", "spent_windows", "spent"),
        }.items()
        for name in names
    ),
]


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_plain_holds")]

    operations = [
        migrations.RunSQL(OLD, migrations.RunSQL.noop),
        *(migrations.RunSQL((SQL / name).read_text(), migrations.RunSQL.noop) for name in FILES),
        migrations.SeparateDatabaseAndState(state_operations=STATE),
    ]
