from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from apps.accounts import people
from apps.accounts.audit import UnauditedChange
from apps.accounts.models import User

pytestmark = pytest.mark.django_db


def make(email: str = "Ada@Example.com", **facts: Any) -> User:
    defaults: dict[str, Any] = {
        "role": "support",
        "tenants": ["*"],
        "password": "correct horse",
        "reason": "test",
    }
    return people.create(email=email, **defaults | facts)


def test_a_person_signs_in_with_their_address_in_any_spelling() -> None:
    ada = make()
    assert ada.email == "ada@example.com"
    for spelling in ("ada@example.com", "ADA@example.COM"):
        assert authenticate(None, email=spelling, password="correct horse") == ada
    assert authenticate(None, email="ada@example.com", password="wrong horse") is None


def test_one_address_is_one_person_in_any_spelling() -> None:
    make()
    with pytest.raises(ValidationError):
        make("ADA@example.com")


def test_the_database_knows_addresses_in_lower_case_alone() -> None:
    make()
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.update(email="ADA@example.com")


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "root"},
        {"email": "nobody"},
        {"password": "short"},
        {"tenants": [" "]},
        {"tenants": ["x" * 129]},
        {"tenants": ["a\nb"]},
    ],
)
def test_a_person_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make(**wrong)


def test_who_was_made_why_is_told_without_the_password() -> None:
    ada = make(reason="first of the team")
    (row,) = ada.history.all()
    assert (row.history_change_reason, row.role) == ("first of the team", "support")
    assert not hasattr(row, "password")


def test_signing_in_is_no_change_of_the_person(client: Client) -> None:
    ada = make()
    client.force_login(ada)
    ada.refresh_from_db()
    assert ada.last_login is not None
    assert ada.history.count() == 1


def test_a_role_cannot_be_changed_behind_the_change_log() -> None:
    ada = make()
    ada.role = "admin"
    with pytest.raises(UnauditedChange), transaction.atomic():
        ada.save()


def test_a_persons_tenants_are_kept_once_and_in_order() -> None:
    assert make(tenants=["globex", " acme", "globex"]).tenants == ["acme", "globex"]
    assert make("bob@example.com", tenants=["acme", "*"]).tenants == ["*"]
    assert make("eve@example.com", tenants=[]).tenants == []


def test_the_database_refuses_a_tenant_without_a_name() -> None:
    make()
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.update(tenants=[""])
