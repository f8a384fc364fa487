"""Prices and the history are written once: the database itself refuses to change or delete them.

`routerctl_append_only` serves every table of that kind, here and in later apps.
"""

from django.db import migrations

TABLES = (
    "catalog_price",
    "catalog_historicalprice",
    "catalog_historicalprovider",
    "catalog_historicaldeployment",
)

CREATE = """
CREATE FUNCTION routerctl_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""
DROP = "DROP FUNCTION routerctl_append_only() CASCADE;"


def guard(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION routerctl_append_only();",
        f"DROP TRIGGER append_only ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP), *map(guard, TABLES)]
