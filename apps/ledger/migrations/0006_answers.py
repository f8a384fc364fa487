"""The answer to a request, kept for whoever sends it again."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql"
COLUMN = "ALTER TABLE ledger_idempotencyrecord ADD COLUMN IF NOT EXISTS answer text"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_heads_apart")]

    operations = [
        migrations.RunSQL(COLUMN, migrations.RunSQL.noop),
        migrations.RunSQL((SQL / "answers.sql").read_text(), migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField("idempotencyrecord", "answer", models.TextField(null=True))
            ]
        ),
    ]
