"""Invoices as they are stored: once, with their lines, and never changed."""

from django.db import models
from django.db.models import F, Q

from apps.accounts.audit import AuditedHistory


class Invoice(models.Model):
    """What one provider bills for the days `from_day` to `to_day` (both within) of `time_zone`.

    Who brought it, when and why is in its history. `sha256` is the file's.
    """

    provider = models.CharField(max_length=200)
    from_day = models.DateField()
    to_day = models.DateField()
    time_zone = models.CharField(max_length=64)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, unique=True)

    history = AuditedHistory(named_by="file_name", part_by="provider")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(to_day__gte=F("from_day")), name="invoice_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.from_day} to {self.to_day}"


class InvoiceLine(models.Model):
    """One billed thing of an invoice; `quantity` is tokens or requests, as the class says."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    model = models.CharField(max_length=200)
    token_class = models.CharField(max_length=16)
    quantity = models.BigIntegerField()
    amount_nano_usd = models.BigIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "model", "token_class"], name="invoice_bills_a_class_once"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=0, amount_nano_usd__gte=0),
                name="invoice_line_is_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.token_class}"
