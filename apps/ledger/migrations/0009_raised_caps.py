"""A cap may be raised for a while."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0008_reconcile"), ("policies", "0005_raised_caps")]

    operations = [
        migrations.RunSQL((SQL / name).read_text(), migrations.RunSQL.noop)
        for name in ("windows.sql", "reconcile.sql")
    ]
