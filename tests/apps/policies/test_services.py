"""Single edits: checked, audited and published in one transaction."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from apps.accounts import people
from apps.catalog.models import Price, Provider
from apps.policies import live, services
from apps.policies.export import export
from apps.policies.models import Flag, Revision, Route
from apps.policies.schema.catalog import PriceEntry
from tests.apps.policies.files import Apply, in_force, price

pytestmark = pytest.mark.django_db

BY: Any = {"person": None, "source": "page", "reason": "test"}


@pytest.fixture(autouse=True)
def _small(applied: Apply) -> None:
    applied()


def test_a_flag_that_is_switched_is_in_the_next_revision_with_who_and_why() -> None:
    person = people.create(
        email="p@example.com",
        role="product",
        tenants=["*"],
        password="correct horse",
        reason="test",
    )
    revision = services.set_flag(
        slug="new", percent=80, person=person, source="page", reason="going well"
    )
    assert live.latest() == (revision.pk, revision.hash)
    assert in_force().flags[0].percent == 80
    assert (revision.person, revision.reason) == (person, "going well")
    row = Flag.history.first()
    assert (row.history_user, row.source, row.history_change_reason) == (
        person,
        "page",
        "going well",
    )
    assert row.prev_record.percent == 50


def test_a_flag_cannot_be_on_for_more_than_everybody() -> None:
    with pytest.raises(ValidationError):
        services.set_flag(slug="new", percent=101, **BY)
    assert Flag.objects.get().percent == 50
    assert Revision.objects.count() == 1


def test_an_edit_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        services.set_flag(slug="new", percent=1, person=None, source="page", reason=" ")
    with pytest.raises(ValueError, match="comes from one of"):
        services.set_flag(slug="new", percent=1, person=None, source="gossip", reason="x")


def test_a_kill_switch_is_published_exported_and_undone() -> None:
    _, before = live.latest() or (0, "")
    services.set_route_enabled(slug="all", enabled=False, **BY)
    assert not in_force().routes[0].enabled
    assert "enabled: false" in export()
    after = services.set_route_enabled(slug="all", enabled=True, **BY)
    assert after.hash == before


def test_a_deployment_that_is_switched_off_is_in_the_next_revision() -> None:
    services.set_deployment_enabled(slug="vendor/small", enabled=False, **BY)
    assert not in_force().deployments[0].enabled


def test_a_price_is_added_and_the_old_one_stays() -> None:
    services.set_price(
        deployment="vendor/small", price=PriceEntry.model_validate(price("2026-01-01", "9")), **BY
    )
    listed = in_force().deployments[0].prices
    assert [row.input_nano_usd_per_mtok for row in listed] == [10**9, 9 * 10**9]
    assert Price.objects.count() == 2


def test_a_provider_that_moves_to_another_origin_leaves_its_secret_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENDOR_KEY", "sk-vendor")
    assert live.load_secrets() == {"vendor": "sk-vendor"}
    services.set_provider(slug="vendor", base_url="https://vendor.example/v2", **BY)
    assert live.load_secrets() == {"vendor": "sk-vendor"}
    services.set_provider(slug="vendor", base_url="https://attacker.example/v1", **BY)
    assert live.load_secrets() == {"vendor": None}
    assert Provider.objects.get().secret_reference == ""


@pytest.mark.parametrize("url", ["ftp://vendor.example", "https://u:p@vendor.example", "vendor"])
def test_a_provider_cannot_move_to_what_is_no_origin(url: str) -> None:
    with pytest.raises(ValidationError):
        services.set_provider(slug="vendor", base_url=url, **BY)


def test_an_unknown_slug_is_not_made() -> None:
    with pytest.raises(Route.DoesNotExist):
        services.set_route_enabled(slug="none", enabled=True, **BY)
    with pytest.raises(Provider.DoesNotExist):
        services.set_secret(provider="none", secret="x", **BY)
