"""Traces' heads lie apart from their columns, so that what reads many traces reads less."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"
APART = """
DO $$
DECLARE
    partition regclass;
BEGIN
    ALTER TABLE ledger_trace ALTER COLUMN head SET STORAGE EXTERNAL;
    FOR partition IN
        SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'ledger_trace'::regclass
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN head SET STORAGE EXTERNAL', partition);
        EXECUTE format('ALTER TABLE %s SET (toast_tuple_target = 512)', partition);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_caps")]

    operations = [
        migrations.RunSQL((SQL / "partitions.sql").read_text(), migrations.RunSQL.noop),
        migrations.RunSQL(APART, migrations.RunSQL.noop),
    ]
