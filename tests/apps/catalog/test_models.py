"""What the database itself refuses, and what a price is called."""

from datetime import date
from typing import Any, TypeVar

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import ProtectedError

from apps.accounts.audit import UnauditedChange, delete_with_reason, save_with_reason
from apps.catalog.models import Deployment, Price, Provider, prices_in_force
from apps.catalog.origins import is_local, origin_of

Row = TypeVar("Row", bound=models.Model)

pytestmark = pytest.mark.django_db


def save(row: Row) -> Row:
    with transaction.atomic():
        save_with_reason(row, person=None, source="code", reason="test")
    return row


def price(**columns: Any) -> Price:
    stated: dict[str, Any] = {
        "deployment": "a/b",
        "starts_on": date(2025, 1, 1),
        "input_nano_usd_per_mtok": 5,
        "output_nano_usd_per_mtok": 7,
    }
    return Price(**{**stated, **columns})


def test_a_row_is_not_saved_without_who_and_why() -> None:
    with pytest.raises(UnauditedChange), transaction.atomic():
        Provider.objects.create(
            slug="v", position=1, adapter="openai", base_url="https://v.example"
        )
    assert not Provider.objects.exists()


@pytest.mark.parametrize("slug", ["", "A", "-a", "a b", "a\n", "ä", "../x"])
def test_the_database_refuses_what_is_no_slug(slug: str) -> None:
    with pytest.raises(IntegrityError, match="provider_slug_is_valid"):
        save(Provider(slug=slug, position=1, adapter="openai", base_url="https://v.example"))


def test_a_provider_with_deployments_cannot_go() -> None:
    provider = save(Provider(slug="v", position=1, adapter="openai", base_url="https://v.example"))
    save(Deployment(slug="v/a", position=1, provider_id="v", model="a", region="eu",
                    context_window=1, max_output_tokens=1))  # fmt: skip
    with pytest.raises(ProtectedError):
        delete_with_reason(provider, person=None, source="code", reason="test")


@pytest.mark.parametrize(
    "columns",
    [{"input_nano_usd_per_mtok": -1}, {"cached_input_nano_usd_per_mtok": 6},
     {"cache_write_nano_usd_per_mtok": -1}, {"reasoning_nano_usd_per_mtok": -1},
     {"request_nano_usd": -1}, {"deployment": "A"}],
)  # fmt: skip
def test_the_database_refuses_a_price_that_makes_no_sense(columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="price_"):
        save(price(**columns))


@pytest.mark.parametrize("change", ["UPDATE catalog_price SET output_nano_usd_per_mtok = 1",
                                    "DELETE FROM catalog_price"])  # fmt: skip
def test_the_database_refuses_to_rewrite_a_price(change: str) -> None:
    save(price())
    with (
        pytest.raises(IntegrityError, match="never changed or deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


def test_the_price_recorded_last_for_a_day_holds() -> None:
    save(price())
    corrected = save(price(output_nano_usd_per_mtok=8))
    later = save(price(starts_on=date(2025, 2, 1)))
    assert list(prices_in_force()) == [corrected, later]
    save(later.withdrawal())
    assert list(prices_in_force()) == [corrected]


def test_equal_prices_have_one_id_and_different_ones_do_not() -> None:
    first, again = save(price()), save(price())
    assert first.fingerprint == again.fingerprint
    assert 0 < first.fingerprint < 2**53
    assert save(price(deployment="a/c")).fingerprint != first.fingerprint
    tier = {"input_tokens": 9, "input_nano_usd_per_mtok": 6}
    for said in (
        {"cache_write_nano_usd_per_mtok": 0},
        {"reasoning_nano_usd_per_mtok": 7},
        {"request_nano_usd": 1},
        {"above": [tier]},
    ):
        assert save(price(**said)).fingerprint != first.fingerprint


def test_a_price_keeps_the_id_by_which_old_traces_know_it() -> None:
    assert save(price()).fingerprint == 272_525_044_243_618


def test_a_withdrawal_says_what_it_withdraws() -> None:
    stated = price(reasoning_nano_usd_per_mtok=9, request_nano_usd=1, above=[{"input_tokens": 1}])
    ended = stated.withdrawal()
    assert (ended.reasoning_nano_usd_per_mtok, ended.request_nano_usd) == (9, 1)
    assert ended.above == [{"input_tokens": 1}]
    assert ended.withdrawn


@pytest.mark.parametrize(
    ("url", "attributes", "local"),
    [
        ("http://127.0.0.1:8080/v1", {}, True),
        ("http://[::1]:8080", {}, True),
        ("http://10.1.2.3", {}, True),
        ("http://localhost:11434", {}, True),
        ("https://api.example.com", {}, False),
        ("https://8.8.8.8", {}, False),
        ("https://vllm.example.com", {"local": True}, True),
        ("http://127.0.0.1:8080", {"local": False}, False),
    ],
)
def test_a_provider_is_local_as_it_says_or_by_its_address(
    url: str, attributes: dict[str, bool | str], local: bool
) -> None:
    assert is_local(url, attributes) is local


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://API.example.com/v1") == "https://api.example.com:443"
    assert origin_of("http://[::1]:8080/") == "http://[::1]:8080"
