"""People who are there already keep on seeing every tenant."""

from collections.abc import Callable
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


def every() -> list[str]:
    return ["*"]


def given(default: Callable[[], list[str]]) -> "ArrayField[Any, Any]":
    return ArrayField(models.CharField(max_length=128), blank=True, default=default, size=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_announce_key_changes")]

    operations = [
        migrations.AddField("historicaluser", "tenants", given(every)),
        migrations.AddField("user", "tenants", given(every)),
        migrations.AlterField("historicaluser", "tenants", given(list)),
        migrations.AlterField("user", "tenants", given(list)),
        migrations.AddConstraint(
            "user",
            models.CheckConstraint(
                condition=models.Q(("tenants__contains", [""]), _negated=True),
                name="tenants_have_names",
            ),
        ),
    ]
