"""The books are compared with themselves."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_unheld")]

    operations = [
        migrations.RunSQL((SQL / "reconcile.sql").read_text(), migrations.RunSQL.noop),
    ]
