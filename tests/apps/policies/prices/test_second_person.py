"""A price that looks like a slip is approved by somebody other than whoever proposed it."""

import pytest

from apps.accounts import people
from apps.accounts.models import User
from apps.policies import prices
from apps.policies.prices import Proposal
from tests.apps.policies.prices.made import FLASH, FLASH_PRICE, apply_catalog, flash_feed, stated

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _catalog(db: None) -> None:
    apply_catalog()


def person(name: str) -> User:
    return people.create(
        email=f"{name}@example.com", role="finance", tenants=["*"],
        password="Lantern-Harbour-42", reason="test",
    )  # fmt: skip


def proposed_by(somebody: User | None, usd: str, **costs: str) -> Proposal:
    version, content = prices.look_up(flash_feed(usd, **costs))
    made = prices.store("litellm", version, content, person=somebody, source="page")
    assert made is not None
    found = prices.proposal(made.pk)
    assert found is not None
    return found


def approve(made: Proposal, by: User | None) -> Proposal:
    return prices.approve(made.id, [0], person=by, source="page", reason="as published")


ODD = [("0.46", {}), ("300", {}), ("0", {"cache_read_input_token_cost": ""})]


@pytest.mark.parametrize(("usd", "costs"), ODD)
def test_whoever_proposed_an_odd_price_does_not_approve_it_and_somebody_else_does(
    usd: str, costs: dict[str, str]
) -> None:
    ann = person("ann")
    made = proposed_by(ann, usd, **costs)
    with pytest.raises(prices.NotYours, match="google/flash: its price is odd"):
        approve(made, ann)
    assert stated(FLASH) == [FLASH_PRICE]
    assert approve(made, person("bob")).state == "approved"
    assert len(stated(FLASH)) == 2


def test_a_price_that_is_not_odd_takes_nobody_else() -> None:
    ann = person("ann")
    assert approve(proposed_by(ann, "0.45"), ann).state == "approved"


def test_an_odd_price_by_hand_takes_two_as_well() -> None:
    ann = person("ann")
    after = FLASH_PRICE | {"from": "2026-01-01", "input_usd_per_mtok": "0.90"}
    made = prices.propose(FLASH, after, None, person=ann, source="page")
    with pytest.raises(prices.NotYours):
        prices.approve(made.pk, [0], person=ann, source="api", reason="sure")


def test_whoever_proposed_an_odd_price_may_still_reject_it() -> None:
    ann = person("ann")
    made = proposed_by(ann, "300")
    assert prices.reject(made.id, person=ann, reason="a unit was mistaken").state == "rejected"


def test_what_nobody_proposed_a_person_approves_and_nobodys_key_does_not() -> None:
    made = proposed_by(None, "300")
    with pytest.raises(prices.NotYours):
        approve(made, None)
    assert approve(made, person("ann")).state == "approved"
