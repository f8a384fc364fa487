"""What every entry of a list in the configuration file has: a slug and a place in its list."""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models

SLUG_PATTERN = r"\A[a-z0-9][a-z0-9._/-]*\Z"
"""Read alike by Python and PostgreSQL. A slug stands unescaped in URL paths."""

SLUG_LENGTH = 128


class Listed(models.Model):
    """`position` orders a list with gaps between, so that a new entry leaves the others alone."""

    slug = models.CharField(
        max_length=SLUG_LENGTH, unique=True, validators=[RegexValidator(SLUG_PATTERN)]
    )
    position = models.BigIntegerField()

    class Meta:
        abstract = True
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(slug__regex=SLUG_PATTERN), name="%(class)s_slug_is_valid"
            ),
            models.UniqueConstraint(
                fields=["position"],
                name="%(class)s_position_is_taken",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return self.slug
