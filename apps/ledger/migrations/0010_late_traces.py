"""What is written late of a trace leaves a mark, for whoever sums traces up."""

from pathlib import Path

from django.db import migrations, models

TICK = Path(__file__).parent.parent / "sql" / "tick.sql"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0009_raised_caps")]

    operations = [
        migrations.CreateModel(
            name="LateTrace",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("trace_id", models.UUIDField(db_index=True)),
            ],
        ),
        migrations.RunSQL(TICK.read_text(), migrations.RunSQL.noop),
    ]
