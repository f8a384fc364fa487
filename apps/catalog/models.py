"""Providers, deployments and prices: whom we can call, and what it costs.

A secret is either a reference to the environment or a ciphertext (`secrets.py`); the ciphertext
is in one column alone and in no history. Prices are only ever added.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.accounts.audit import AuditedHistory
from apps.catalog.listed import SLUG_LENGTH, SLUG_PATTERN, Listed
from routerctl.engine.types import CAPABILITIES

REFERENCE_PATTERN = r"\Aenv:[A-Za-z_][A-Za-z0-9_]*\Z"
RESERVED_PATTERN = r"\Aenv:(ROUTERCTL_.*|DATABASE_URL|REDIS_URL)\Z"
"""Our own settings: a provider's base URL must never receive them."""

TOKEN_CLASSES = ("input", "output", "cached_input", "cache_write", "reasoning")
"""What a token can be billed as; each has a column `CLASS_nano_usd_per_mtok` on a price, and a
key `CLASS_usd_per_mtok` in the file."""


class Provider(Listed):
    """An account at a vendor: an adapter, an origin and at most one secret.

    `secret_origin` is where the secret was meant for when it was given; it is never sent
    anywhere else. `secret_ends` are the last four characters of a stored secret.
    """

    adapter = models.CharField(max_length=32)
    base_url = models.CharField(max_length=500)
    attributes = models.JSONField(default=dict, blank=True)
    secret_reference = models.CharField(max_length=200, blank=True, default="")
    secret_ciphertext = models.BinaryField(null=True, blank=True)
    secret_origin = models.CharField(max_length=300, blank=True, default="")
    secret_ends = models.CharField(max_length=4, blank=True, default="")

    history = AuditedHistory(excluded_fields=["secret_ciphertext"])

    class Meta(Listed.Meta):
        constraints = [
            *Listed.Meta.constraints,
            models.CheckConstraint(
                condition=Q(secret_reference="")
                | Q(secret_reference__regex=REFERENCE_PATTERN)
                & ~Q(secret_reference__regex=RESERVED_PATTERN),
                name="provider_reference_is_allowed",
            ),
            models.CheckConstraint(
                condition=Q(secret_reference="") | Q(secret_ciphertext=None),
                name="provider_has_one_secret",
            ),
            models.CheckConstraint(
                condition=Q(secret_reference="", secret_ciphertext=None) | ~Q(secret_origin=""),
                name="provider_secret_is_bound",
            ),
        ]


class Deployment(Listed):
    """One pinned model as one provider serves it in one region."""

    provider = models.ForeignKey(
        Provider, on_delete=models.PROTECT, to_field="slug", related_name="deployments"
    )
    model = models.CharField(max_length=200)
    region = models.CharField(max_length=64)
    context_window = models.BigIntegerField()
    max_output_tokens = models.BigIntegerField()
    capabilities = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    quality = models.JSONField(default=dict, blank=True)
    """Thousandths by task type; `default` stands for the rest."""
    limits = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)

    history = AuditedHistory()

    class Meta(Listed.Meta):
        constraints = [
            *Listed.Meta.constraints,
            models.CheckConstraint(
                condition=Q(context_window__gt=0, max_output_tokens__gte=0),
                name="deployment_windows_are_positive",
            ),
            models.CheckConstraint(
                condition=Q(capabilities__contained_by=list(CAPABILITIES)),
                name="deployment_capabilities_are_known",
            ),
        ]


class Price(models.Model):
    """What a deployment costs from the day `starts_on` (UTC), as it was known at `recorded_at`.

    Rows are never changed or deleted (a trigger sees to it). The row recorded last for a
    deployment and day is the one that holds; a correction is a new row for the same day, and
    `withdrawn` ends one. What was charged before a correction stays charged: a trace keeps its
    cost and the price it was reckoned by. There is no foreign key, because prices outlive their
    deployment.
    """

    deployment = models.CharField(max_length=SLUG_LENGTH)
    starts_on = models.DateField()
    input_nano_usd_per_mtok = models.BigIntegerField()
    output_nano_usd_per_mtok = models.BigIntegerField()
    cached_input_nano_usd_per_mtok = models.BigIntegerField(null=True, blank=True)
    cache_write_nano_usd_per_mtok = models.BigIntegerField(null=True, blank=True)
    reasoning_nano_usd_per_mtok = models.BigIntegerField(null=True, blank=True)
    request_nano_usd = models.BigIntegerField(default=0)
    above = models.JSONField(default=list, blank=True)
    """Tiers, shortest first: `input_tokens`, and the prices that differ from those below it,
    named as the columns are."""
    withdrawn = models.BooleanField(default=False)
    fingerprint = models.BigIntegerField(db_index=True, editable=False)
    """The price's id in decisions and traces. It is derived from what the price says, so that
    equal configurations have equal hashes on every machine."""
    recorded_at = models.DateTimeField(auto_now_add=True)

    history = AuditedHistory(named_by="deployment", part_by="starts_on")

    class Meta:
        indexes = [models.Index(fields=["deployment", "starts_on", "-id"], name="price_in_force")]
        constraints = [
            models.CheckConstraint(
                condition=Q(deployment__regex=SLUG_PATTERN), name="price_deployment_is_valid"
            ),
            models.CheckConstraint(
                condition=Q(
                    input_nano_usd_per_mtok__gte=0,
                    output_nano_usd_per_mtok__gte=0,
                    cached_input_nano_usd_per_mtok__gte=0,
                    cache_write_nano_usd_per_mtok__gte=0,
                    reasoning_nano_usd_per_mtok__gte=0,
                    request_nano_usd__gte=0,
                ),
                name="price_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(cached_input_nano_usd_per_mtok__lte=F("input_nano_usd_per_mtok")),
                name="price_of_a_cached_read_is_no_higher",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deployment} from {self.starts_on}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.fingerprint = self._fingerprint()
        super().save(*args, **kwargs)

    @property
    def starts_at_ms(self) -> int:
        """Midnight UTC of `starts_on`, in milliseconds since the Unix epoch."""
        midnight = datetime.combine(self.starts_on, datetime.min.time(), tzinfo=UTC)
        return int(midnight.timestamp()) * 1000

    def withdrawal(self) -> "Price":
        """A new row (not saved yet) that ends this one."""
        said = {column: getattr(self, column) for column in _SAID}
        return Price(**said, withdrawn=True)

    def _fingerprint(self) -> int:
        """53 bits of a hash over all that the price says: whole in JSON, too."""
        said: tuple[object, ...] = (
            self.deployment,
            self.starts_on.isoformat(),
            self.input_nano_usd_per_mtok,
            self.output_nano_usd_per_mtok,
            self.cached_input_nano_usd_per_mtok,
            self.cache_write_nano_usd_per_mtok,
        )
        # Rows from before there were these keep the ids which traces know them by.
        more = (self.reasoning_nano_usd_per_mtok, self.request_nano_usd, self._sorted_tiers())
        if more != (None, 0, []):
            said += more
        return int.from_bytes(hashlib.sha256(repr(said).encode()).digest()[:8], "big") >> 11

    def _sorted_tiers(self) -> list[list[tuple[str, int]]]:
        return [sorted(tier.items()) for tier in self.above]


_SAID = (
    "deployment",
    "starts_on",
    *(f"{name}_nano_usd_per_mtok" for name in TOKEN_CLASSES),
    "request_nano_usd",
    "above",
)
"""The columns that say something of the price itself."""


def prices_in_force() -> "models.QuerySet[Price]":
    """The price rows that hold, by deployment, oldest first."""
    newest = Price.objects.order_by("deployment", "starts_on", "-id").distinct(
        "deployment", "starts_on"
    )
    return Price.objects.filter(pk__in=newest.values("pk"), withdrawn=False).order_by(
        "deployment", "starts_on"
    )
