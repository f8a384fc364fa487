"""Holds are stored as they come: compressing a head that is gone in a second costs a third of a
reserve."""

from django.db import migrations

PLAIN = "ALTER TABLE ledger_hold SET (toast_tuple_target = 8160)"
USUAL = "ALTER TABLE ledger_hold RESET (toast_tuple_target)"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_functions")]

    operations = [migrations.RunSQL(PLAIN, USUAL)]
