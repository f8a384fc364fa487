"""The ledger's functions, and the first partitions."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"
FILES = ("partitions.sql", "tick.sql", "reap.sql")
FIRST_DAYS = "SELECT ensure_partitions(current_date - 2, current_date + 14)"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        *(migrations.RunSQL((SQL / name).read_text(), migrations.RunSQL.noop) for name in FILES),
        migrations.RunSQL(FIRST_DAYS, migrations.RunSQL.noop),
    ]
