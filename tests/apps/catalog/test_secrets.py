"""Providers' secrets: encrypted or by reference, bound to an origin, shown nowhere."""

import io
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings

from apps.catalog.models import Provider
from apps.policies import editing, live, services
from apps.policies.apply import apply, difference
from apps.policies.export import export
from tests.apps.policies.files import small

pytestmark = pytest.mark.django_db

UseKeys = Callable[..., None]

BY: Any = {"person": None, "source": "page", "reason": "test"}
CANARY = "sk-canary-4711-0815-abcdefgh"


@pytest.fixture
def keys(settings: Settings) -> UseKeys:
    """Set the encryption keys, first the one that encrypts."""

    def use(*ring: str) -> None:
        settings.ENV = replace(settings.ENV, encryption_keys=ring)

    use(Fernet.generate_key().decode())
    return use


@pytest.fixture
def vendor(keys: UseKeys) -> Provider:
    """A provider with a stored secret."""
    apply(small(), reason="test")
    services.set_secret(provider="vendor", secret=CANARY, **BY)
    return Provider.objects.get()


def ciphertext() -> bytes:
    return bytes(Provider.objects.get().secret_ciphertext or b"")


def update(**columns: Any) -> None:
    """What somebody with access to the database can do."""
    Provider.objects.update(**columns)


def test_a_stored_secret_is_read_back_and_only_its_end_is_shown(vendor: Provider) -> None:
    assert live.load_secrets() == {"vendor": CANARY}
    assert vendor.secret_ends == CANARY[-4:]


def test_of_a_short_secret_not_even_the_end_is_shown(vendor: Provider) -> None:
    services.set_secret(provider="vendor", secret="hunter2", **BY)
    assert Provider.objects.get().secret_ends == ""


def test_a_secret_stands_nowhere_in_the_database_the_export_or_the_logs(
    vendor: Provider, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    live.load_secrets()
    services.set_secret(provider="vendor", secret="env:VENDOR_KEY", **BY)
    services.set_secret(provider="vendor", secret=CANARY + "2", **BY)
    difference(small())
    sealed = ciphertext()
    dumped = everything_in_the_database(leave_out=("catalog_provider", "secret_ciphertext"))
    shown = dumped + export() + caplog.text + "".join(capsys.readouterr())
    assert CANARY not in shown
    for needle in (sealed.decode(), sealed.hex()):
        assert needle not in shown


def everything_in_the_database(leave_out: tuple[str, str]) -> str:
    """Every column of every table as text, bytes in hex and as they are."""
    found = io.StringIO()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public'"
        )
        for table, column in cursor.fetchall():
            if (table, column) == leave_out:
                continue
            cursor.execute(f'SELECT "{column}" FROM "{table}"')
            for (value,) in cursor.fetchall():
                raw = bytes(value) if isinstance(value, memoryview) else str(value).encode()
                found.write(f"{raw.hex()} {raw.decode(errors='replace')}\n")
    return found.getvalue()


def test_a_new_secret_is_noticed_though_no_revision_is_made(vendor: Provider) -> None:
    revision, version = live.latest(), live.secrets_version()
    services.set_secret(provider="vendor", secret=CANARY + "2", **BY)
    assert live.latest() == revision
    assert live.secrets_version() != version


# --------------------------------------------------------------------------- binding


def test_a_ciphertext_swapped_between_providers_is_refused(vendor: Provider) -> None:
    other = {"slug": "other", "adapter": "openai", "base_url": "https://vendor.example"}
    stored = {"slug": "vendor", "adapter": "openai", "base_url": "https://vendor.example",
              "secret": "stored", "attributes": {"dpa_signed": True}}  # fmt: skip
    apply(small(providers=[stored, other]), reason="test")
    assert live.load_secrets() == {"vendor": CANARY, "other": None}
    update(secret_ciphertext=vendor.secret_ciphertext, secret_origin=vendor.secret_origin)
    assert live.load_secrets() == {"vendor": CANARY, "other": None}


def test_a_base_url_changed_behind_our_back_gets_no_secret(vendor: Provider) -> None:
    update(base_url="https://attacker.example", secret_origin="https://attacker.example:443")
    assert live.load_secrets() == {"vendor": None}


def test_a_reference_is_bound_to_its_origin_too(
    vendor: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDOR_KEY", CANARY)
    services.set_secret(provider="vendor", secret="env:VENDOR_KEY", **BY)
    assert live.load_secrets() == {"vendor": CANARY}
    update(base_url="https://attacker.example")
    assert live.load_secrets() == {"vendor": None}


def test_another_path_or_spelling_of_the_same_origin_keeps_the_secret(vendor: Provider) -> None:
    moved = {"base_url": "https://VENDOR.example:443/v2"}
    editing.amend("providers", "vendor", moved, **BY)
    assert live.load_secrets() == {"vendor": CANARY}


# --------------------------------------------------------------------------- references


@pytest.mark.parametrize(
    "reference",
    ["env:ROUTERCTL_SECRET_KEY", "env:ROUTERCTL_", "env:DATABASE_URL", "env:REDIS_URL", "env:",
     "env:A-B", "env:A B"],
)  # fmt: skip
def test_references_to_our_own_settings_and_to_nothing_are_refused(
    vendor: Provider, reference: str
) -> None:
    with pytest.raises(ValidationError):
        services.set_secret(provider="vendor", secret=reference, **BY)
    with pytest.raises(IntegrityError), transaction.atomic():
        update(secret_reference=reference, secret_ciphertext=None)


def test_a_reference_to_what_is_not_set_is_no_secret(
    vendor: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDOR_KEY", raising=False)
    services.set_secret(provider="vendor", secret="env:VENDOR_KEY", **BY)
    assert live.load_secrets() == {"vendor": None}


def test_a_provider_has_a_reference_or_a_stored_secret_never_both(vendor: Provider) -> None:
    with pytest.raises(IntegrityError, match="provider_has_one_secret"), transaction.atomic():
        update(secret_reference="env:VENDOR_KEY")


# --------------------------------------------------------------------------- files


def test_an_export_names_a_stored_secret_and_applying_it_keeps_it(vendor: Provider) -> None:
    exported = export()
    assert "secret: stored" in exported
    assert not difference(exported.encode())
    apply(exported.replace("api_version", "x").encode(), reason="test")
    assert live.load_secrets() == {"vendor": CANARY}


def test_a_file_that_names_no_secret_takes_it_away(vendor: Provider) -> None:
    file = small().replace(b'"secret": "env:VENDOR_KEY",', b"")
    planned, _ = apply(file, reason="test")
    assert 'secret: "stored" → (none)' in str(planned)
    assert live.load_secrets() == {"vendor": None}


# --------------------------------------------------------------------------- keys


def test_without_a_key_nothing_is_stored(keys: UseKeys) -> None:
    apply(small(), reason="test")
    keys()
    with pytest.raises(ValidationError):
        services.set_secret(provider="vendor", secret=CANARY, **BY)


def test_a_secret_whose_key_is_gone_is_refused_and_the_others_go_on(
    vendor: Provider, keys: UseKeys
) -> None:
    keys(Fernet.generate_key().decode())
    assert live.load_secrets() == {"vendor": None}


def test_rotation_encrypts_anew_so_that_the_old_key_can_go(
    vendor: Provider, keys: UseKeys, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    (old,), new = settings.ENV.encryption_keys, Fernet.generate_key().decode()
    keys(new, old)
    call_command("rotate_secrets")
    assert "1 secrets" in capsys.readouterr().err
    keys(new)
    assert live.load_secrets() == {"vendor": CANARY}


def test_a_rotation_that_cannot_read_a_secret_changes_nothing(
    vendor: Provider, keys: UseKeys
) -> None:
    before = ciphertext()
    keys(Fernet.generate_key().decode())
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("rotate_secrets")
    assert ciphertext() == before


def test_who_gave_a_secret_and_when_is_on_record(vendor: Provider) -> None:
    row = Provider.history.first()
    assert (row.source, row.history_change_reason) == ("page", "test")
    assert row.secret_ends == CANARY[-4:]
    assert not hasattr(row, "secret_ciphertext")
