"""The ledger's tables. Django knows their columns; `sql/tables.sql` makes them, because Django
knows neither partitions nor their storage.
"""

from pathlib import Path

import django.contrib.postgres.fields
from django.db import migrations, models

TABLES = Path(__file__).parent.parent / "sql" / "tables.sql"
DROP = """
DROP TABLE ledger_trace, ledger_attempt, ledger_hold, ledger_workerlease,
    ledger_idempotencyrecord, ledger_refusalcount;
DROP TYPE ledger_outcome_fields, ledger_attempt_fields;
DROP SEQUENCE ledger_epoch;
"""

STATE = [
    migrations.CreateModel(
        name="Attempt",
        fields=[
            ("input_tokens", models.BigIntegerField()),
            ("output_tokens", models.BigIntegerField()),
            ("cached_input_tokens", models.BigIntegerField()),
            ("cache_write_tokens", models.BigIntegerField()),
            ("reasoning_tokens", models.BigIntegerField()),
            ("usage_source", models.TextField()),
            ("cost_nano_usd", models.BigIntegerField()),
            ("held_nano_usd", models.BigIntegerField()),
            (
                "pk",
                models.CompositePrimaryKey(
                    "trace_id", "n", blank=True, editable=False, primary_key=True, serialize=False
                ),
            ),
            ("trace_id", models.UUIDField()),
            ("n", models.IntegerField()),
            ("deployment", models.TextField()),
            ("provider", models.TextField()),
            ("model", models.TextField()),
            ("started_ms", models.BigIntegerField()),
            ("duration_ms", models.BigIntegerField()),
            ("first_token_ms", models.BigIntegerField(null=True)),
            ("outcome", models.TextField()),
            ("error_class", models.TextField(null=True)),
            ("error_message", models.TextField()),
            ("http_status", models.IntegerField(null=True)),
            ("provider_request_id", models.TextField(null=True)),
            ("price_id", models.BigIntegerField(null=True)),
        ],
        options={
            "abstract": False,
        },
    ),
    migrations.CreateModel(
        name="Hold",
        fields=[
            (
                "pk",
                models.CompositePrimaryKey(
                    "trace_id", "n", blank=True, editable=False, primary_key=True, serialize=False
                ),
            ),
            ("trace_id", models.UUIDField()),
            ("n", models.IntegerField()),
            ("amount_nano_usd", models.BigIntegerField()),
            ("worker", models.TextField()),
            ("admitted_at", models.DateTimeField()),
        ],
    ),
    migrations.CreateModel(
        name="IdempotencyRecord",
        fields=[
            ("key_hash", models.TextField(primary_key=True, serialize=False)),
            ("body_hash", models.TextField()),
            ("trace_id", models.UUIDField()),
            ("created_at", models.DateTimeField()),
        ],
    ),
    migrations.CreateModel(
        name="RefusalCount",
        fields=[
            (
                "pk",
                models.CompositePrimaryKey(
                    "minute",
                    "key",
                    "error_code",
                    blank=True,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("minute", models.DateTimeField()),
            ("key", models.TextField()),
            ("error_code", models.TextField()),
            ("refusals", models.BigIntegerField()),
        ],
    ),
    migrations.CreateModel(
        name="Trace",
        fields=[
            ("input_tokens", models.BigIntegerField()),
            ("output_tokens", models.BigIntegerField()),
            ("cached_input_tokens", models.BigIntegerField()),
            ("cache_write_tokens", models.BigIntegerField()),
            ("reasoning_tokens", models.BigIntegerField()),
            ("usage_source", models.TextField()),
            ("cost_nano_usd", models.BigIntegerField()),
            ("held_nano_usd", models.BigIntegerField()),
            ("trace_id", models.UUIDField(primary_key=True, serialize=False)),
            ("started_at", models.DateTimeField()),
            ("door", models.TextField()),
            ("request_id", models.TextField(null=True)),
            ("operation", models.TextField()),
            ("tenant", models.TextField(null=True)),
            ("feature", models.TextField(null=True)),
            ("task", models.TextField(null=True)),
            ("plan", models.TextField(null=True)),
            ("user", models.TextField(null=True)),
            ("session", models.TextField(null=True)),
            ("app", models.TextField(null=True)),
            ("app_version", models.TextField(null=True)),
            ("key", models.TextField()),
            ("route", models.TextField(null=True)),
            ("revision", models.TextField()),
            ("status", models.TextField()),
            ("finish_status", models.TextField()),
            ("http_status", models.IntegerField()),
            ("error_code", models.TextField(null=True)),
            ("error_message", models.TextField()),
            ("deployment", models.TextField(null=True)),
            ("provider", models.TextField(null=True)),
            ("model", models.TextField(null=True)),
            ("latency_ms", models.BigIntegerField()),
            ("first_token_ms", models.BigIntegerField(null=True)),
            ("degraded_reason", models.TextField(null=True)),
            ("degraded_action", models.TextField(null=True)),
            ("degraded_message", models.TextField()),
            (
                "safety_flags",
                django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None),
            ),
            (
                "marks",
                django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None),
            ),
            ("head", models.JSONField()),
        ],
        options={
            "abstract": False,
        },
    ),
    migrations.CreateModel(
        name="WorkerLease",
        fields=[
            ("worker", models.TextField(primary_key=True, serialize=False)),
            ("epoch", models.BigIntegerField()),
            ("expires_at", models.DateTimeField()),
        ],
    ),
]


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(TABLES.read_text(), DROP)],
            state_operations=STATE,
        )
    ]
