"""Invoices are stored once, by those who may, and never changed."""

import hashlib

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from apps.accounts.models import Role, User
from apps.policies import invoices
from apps.policies.log import LogFilter, Sight, changes
from apps.policies.models import Invoice
from tests.apps.policies.invoices.made import content, kept, line

pytestmark = pytest.mark.django_db


def test_who_and_why_stand_in_the_audit_trail() -> None:
    made = kept(line())
    [change] = changes(LogFilter(kind="invoice"), Sight(frozenset({"policies.invoice"}))).changes
    assert (change.object, change.reason) == ("march.csv", "for a test")
    assert made.sha256 == hashlib.sha256(content(line())).hexdigest()
    assert made.lines.count() == 1


def test_the_same_file_is_refused() -> None:
    made = kept(line())
    with pytest.raises(invoices.Refused, match=f"invoice {made.pk} already") as refused:
        kept(line(), name="again.csv")
    assert refused.value.code == "duplicate_file"


@pytest.mark.parametrize("days", ["2026-03-10,2026-03-11", "2026-03-01,2026-03-31"])
def test_a_period_that_overlaps_is_refused(days: str) -> None:
    kept(line())
    with pytest.raises(invoices.Refused, match="billed twice") as refused:
        kept(line(days=days))
    assert refused.value.code == "period_overlaps"
    assert Invoice.objects.count() == 1


def test_the_next_day_and_another_provider_are_others() -> None:
    kept(line())
    kept(line(days="2026-03-11,2026-03-11"))
    kept(line(provider="openai"))
    assert [one.provider for one in invoices.invoices()] == ["openai", "google", "google"]


@pytest.mark.parametrize(
    ("name", "time_zone", "code"),
    [
        ("=cmd.csv", "UTC", "bad_file_name"),
        ("", "UTC", "bad_file_name"),
        ("a\nb.csv", "UTC", "bad_file_name"),
        ("march.csv", "Mars/Olympus", "unknown_time_zone"),
    ],
)
def test_odd_names_and_zones_are_refused(name: str, time_zone: str, code: str) -> None:
    with pytest.raises(invoices.Refused) as refused:
        kept(line(), name=name, time_zone=time_zone)
    assert refused.value.code == code


def test_who_may_not_import_does_not() -> None:
    file = invoices.File("march.csv", content(line()))
    for role, tenants in ((Role.ENGINEER, ["*"]), (Role.AUDITOR, ["*"]), (Role.FINANCE, ["acme"])):
        person = User(email="x@example.com", role=role, tenants=tenants)
        with pytest.raises(PermissionDenied):
            invoices.store(file, person=person, source="page", reason="no")
    assert not Invoice.objects.exists()


def test_the_database_refuses_to_change_or_delete_one() -> None:
    made = kept(line())
    for rows in (Invoice.objects.all(), made.lines.all(), Invoice.history.all()):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows._raw_delete(rows.db)
