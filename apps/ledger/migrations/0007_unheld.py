"""Requests that went on while the database was away, and windows of moments that are past."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"
OLD = "DROP FUNCTION IF EXISTS ledger_open_windows(jsonb)"
FILES = ("windows.sql", "unheld.sql")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_answers")]

    operations = [
        migrations.RunSQL(OLD, migrations.RunSQL.noop),
        *(migrations.RunSQL((SQL / name).read_text(), migrations.RunSQL.noop) for name in FILES),
    ]
