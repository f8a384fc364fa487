"""Revisions, their sections and the history of policy are written once."""

from django.db import migrations

TABLES = (
    "policies_section",
    "policies_revision",
    "policies_historicaltask",
    "policies_historicalplan",
    "policies_historicalfeature",
    "policies_historicalprompt",
    "policies_historicalflag",
    "policies_historicalcheck",
    "policies_historicalgate",
    "policies_historicalroute",
    "policies_historicalcap",
)


def guard(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION routerctl_append_only();",
        f"DROP TRIGGER append_only ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("policies", "0001_initial"), ("catalog", "0002_append_only")]
    operations = [*map(guard, TABLES)]
