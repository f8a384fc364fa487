"""Invoices stored, once each, and read."""

import hashlib
from zoneinfo import available_timezones

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from msgspec import Struct

from apps.accounts.audit import save_with_reason
from apps.accounts.models import User
from apps.accounts.permissions import Action, may
from apps.policies.invoices.parsing import Parsed, parse
from apps.policies.models import Invoice, InvoiceLine

_ONE_AT_A_TIME = "LOCK TABLE policies_invoice IN SHARE ROW EXCLUSIVE MODE"


class File(Struct, frozen=True):
    """An uploaded file; the days in it are days of `time_zone`."""

    name: str
    content: bytes
    time_zone: str = "UTC"


class Refused(Exception):
    """An invoice is not stored. `code` is duplicate_file, period_overlaps, unknown_time_zone or
    bad_file_name; the message says why, for people."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def store(file: File, *, person: User | None, source: str, reason: str) -> Invoice:
    """Keep an invoice.

    Raises Unreadable, Refused, PermissionDenied, and ValueError without a reason.
    """
    if person is not None and not may(person, Action.IMPORT_INVOICES):
        raise PermissionDenied(f"{person.role} may not {Action.IMPORT_INVOICES}")
    _check(file)
    parsed = parse(file.content)
    digest = hashlib.sha256(file.content).hexdigest()
    made = Invoice(
        provider=parsed.provider,
        from_day=parsed.from_day,
        to_day=parsed.to_day,
        time_zone=file.time_zone,
        file_name=file.name,
        sha256=digest,
    )
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ONE_AT_A_TIME)
        _refuse_known(digest, parsed)
        save_with_reason(made, person=person, source=source, reason=reason)
        InvoiceLine.objects.bulk_create(
            InvoiceLine(
                invoice=made,
                model=line.model,
                token_class=line.token_class,
                quantity=line.quantity,
                amount_nano_usd=line.amount_nano_usd,
            )
            for line in parsed.lines
        )
    return made


def invoices(limit: int = 100) -> list[Invoice]:
    """The newest first."""
    return list(Invoice.objects.all()[:limit])


def invoice(number: int) -> Invoice | None:
    """One of them; None when there is none such."""
    return Invoice.objects.filter(pk=number).first()


def _check(file: File) -> None:
    name = file.name
    if not 0 < len(name) <= 200 or not name.isprintable() or not (name[0].isalnum()):
        said = "A file's name has 1 to 200 printable characters and begins with a letter or digit."
        raise Refused("bad_file_name", said)
    if file.time_zone not in available_timezones():
        raise Refused("unknown_time_zone", "The time zone is one like UTC or Europe/Berlin.")


def _refuse_known(digest: str, parsed: Parsed) -> None:
    same = Invoice.objects.filter(sha256=digest).first()
    if same is not None:
        raise Refused("duplicate_file", f"The same file is invoice {same.pk} already.")
    overlapping = Invoice.objects.filter(
        provider=parsed.provider, from_day__lte=parsed.to_day, to_day__gte=parsed.from_day
    ).first()
    if overlapping is not None:
        raise Refused(
            "period_overlaps",
            f"Invoice {overlapping.pk} of {parsed.provider} is for {overlapping.from_day} to "
            f"{overlapping.to_day} already, and days would be billed twice.",
        )
