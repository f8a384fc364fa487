"""A feed's prices become a proposal; what is approved of it is in force, and nothing else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from apps.accounts import people
from apps.policies import editing, prices
from apps.policies.models import Revision
from tests.apps.policies.files import in_force, price
from tests.apps.policies.prices.made import (
    BY,
    FLASH,
    FLASH_PRICE,
    LOCAL,
    MINI,
    PRO,
    apply_catalog,
    flash_feed,
    proposed,
    stated,
)

pytestmark = pytest.mark.django_db

TODAY = datetime.now(UTC).date()
BUNDLED = prices.Feed("genai-prices")


@pytest.fixture(autouse=True)
def _catalog(db: None) -> None:
    apply_catalog()


def codes(item: prices.Item) -> list[str]:
    return [mark.code for mark in item.marks]


def approve(proposal: prices.Proposal, *places: int, reason: str = "as published") -> Any:
    """By somebody who did not propose it."""
    chosen = places or range(len(proposal.content.items))
    somebody = people.create(
        email="finance@example.com", password="Lantern-Harbour-42", role="finance", tenants=("*",),
        reason="x",
    )  # fmt: skip
    by = {**BY, "person": somebody}
    return prices.approve(proposal.id, chosen, reason=reason, **by)


# --------------------------------------------------------------------------- what is proposed


def test_a_feed_is_compared_with_what_is_in_force() -> None:
    version, content = prices.look_up(BUNDLED)
    assert [item.deployment for item in content.items] == [PRO, MINI]
    assert content.unchanged == (FLASH,)
    assert list(content.unmatched) == [LOCAL]
    pro, mini = content.items
    assert pro.before is None
    assert pro.after["above"][0]["input_tokens"] == 200_000
    assert mini.after == {
        "from": TODAY.isoformat(),
        "input_usd_per_mtok": "0.15",
        "output_usd_per_mtok": "0.60",
        "cached_input_usd_per_mtok": "0.075",
    }
    rows = {row.name: row for row in prices.rows_between(mini.before, mini.after)}
    assert rows["input"].percent == 50
    assert not rows["output"].changed
    assert version


def test_nothing_is_changed_by_a_proposal_and_nothing_stored_where_nothing_differs() -> None:
    hashes = Revision.objects.count()
    proposed(BUNDLED)
    assert (Revision.objects.count(), stated(PRO)) == (hashes, [])
    version, content = prices.look_up(flash_feed())
    assert prices.store("litellm", version, content, **BY) is None


def test_the_network_is_not_asked_unless_that_is_allowed() -> None:
    with pytest.raises(prices.Refused, match="may not be asked"):
        prices.look_up(prices.Feed("genai-prices", newest=True))


@pytest.mark.parametrize(
    ("costs", "found"),
    [
        ({"usd": "0.40"}, []),
        ({"usd": "0.45"}, []),
        ({"usd": "0.46"}, ["far"]),
        ({"usd": "0.14"}, ["far"]),
        ({"usd": "300"}, ["unit"]),
        ({"usd": "9000"}, ["far"]),
        ({"usd": "300000"}, ["unit", "impossible"]),
        ({"usd": "0.0000003", "cache_read_input_token_cost": ""}, ["unit", "far"]),
        ({"usd": "0", "cache_read_input_token_cost": ""}, ["zero", "zero"]),
        ({"cache_read_input_token_cost": "0.31"}, ["far", "impossible"]),
        ({"output_cost_per_reasoning_token": "9.00"}, ["far"]),
        ({"input_cost_per_token_above_200k_tokens": "0.60"}, ["far"]),
        ({"input_cost_per_image_token": "0.60"}, []),
    ],
)  # fmt: skip
def test_what_is_odd_about_a_price_is_marked(costs: dict[str, str], found: list[str]) -> None:
    _, content = prices.look_up(flash_feed(**costs))
    assert [code for item in content.items for code in codes(item)] == found


def test_a_price_out_of_this_world_is_marked_where_there_was_none_before() -> None:
    editing.amend("deployments", FLASH, {"prices": []}, reason="gone", **BY)
    _, content = prices.look_up(flash_feed("3000"))
    assert codes(content.items[0]) == ["unit"]
    _, content = prices.look_up(flash_feed())
    assert codes(content.items[0]) == []


def test_a_price_that_a_coming_one_would_end_is_marked() -> None:
    coming = price((TODAY + timedelta(days=9)).isoformat(), "0.30")
    editing.amend("deployments", FLASH, {"prices": [FLASH_PRICE, coming]}, reason="x", **BY)
    _, content = prices.look_up(flash_feed("0.31"))
    assert codes(content.items[0]) == ["followed"]


# --------------------------------------------------------------------------- what becomes of it


def test_what_is_approved_is_in_force_from_today_as_one_change() -> None:
    before = Revision.objects.count()
    decided = approve(proposed(BUNDLED), reason="checked against the pages")
    assert Revision.objects.count() == before + 1
    assert (decided.state, decided.applied) == ("approved", (0, 1))
    assert [entry["from"] for entry in stated(MINI)] == ["2024-10-01", TODAY.isoformat()]
    spec = next(d for d in in_force().deployments if d.slug == PRO)
    assert spec.prices[0].above[0].output_nano_usd_per_mtok == 15 * 10**9
    said = editing.entry("deployments", PRO).saved
    assert said is not None
    assert said.reason.startswith("From genai-prices ")
    assert said.reason.endswith(": checked against the pages")


def test_what_was_not_chosen_is_left_as_it_was() -> None:
    decided = approve(proposed(BUNDLED), 1)
    assert decided.applied == (1,)
    assert stated(PRO) == []
    assert len(stated(MINI)) == 2


def test_a_cached_read_that_is_dearer_than_input_is_never_approved() -> None:
    made = proposed(flash_feed(cache_read_input_token_cost="0.31"))
    with pytest.raises(prices.Refused, match="no more than input"):
        approve(made)
    assert stated(FLASH) == [FLASH_PRICE]


def test_a_rejected_proposal_stays_to_be_read() -> None:
    made = proposed(BUNDLED)
    decided = prices.reject(made.id, person=None, reason="not yet")
    assert (decided.state, decided.reason, decided.applied) == ("rejected", "not yet", ())
    assert prices.proposals()[0] == decided
    assert prices.proposals(open_only=True) == []
    assert stated(PRO) == []


def test_a_proposal_is_decided_once() -> None:
    made = proposed(BUNDLED)
    prices.reject(made.id, person=None, reason="no")
    with pytest.raises(prices.Stale, match="rejected already"):
        approve(made)
    with pytest.raises(prices.Stale):
        prices.reject(made.id, person=None, reason="no")


def test_a_proposal_whose_price_was_changed_meanwhile_is_stale_and_stays_open() -> None:
    made = proposed(BUNDLED)
    editing.amend("deployments", MINI, {"prices": [price(usd="9")]}, reason="x", **BY)
    with pytest.raises(prices.Stale, match="openai/mini was changed meanwhile"):
        approve(made)
    assert [found.state for found in prices.proposals()] == ["open"]
    assert stated(PRO) == []


@pytest.mark.parametrize(("places", "said"), [((), "at least one"), ((7,), "no such price")])
def test_what_is_not_there_cannot_be_chosen(places: tuple[int, ...], said: str) -> None:
    made = proposed(BUNDLED)
    with pytest.raises(prices.Refused, match=said):
        prices.approve(made.id, places, reason="x", **BY)


def test_a_decision_needs_a_reason() -> None:
    made = proposed(BUNDLED)
    with pytest.raises(ValueError, match="reason"):
        approve(made, reason=" ")
    with pytest.raises(ValueError, match="reason"):
        prices.reject(made.id, person=None, reason="")
    assert stated(PRO) == []


@pytest.mark.parametrize("role", ["engineer", "product", "support", "auditor"])
def test_who_may_not_edit_prices_decides_nothing(role: str) -> None:
    somebody = people.create(
        email="p@example.com", password="Lantern-Harbour-42", role=role, tenants=("*",), reason="x"
    )
    made = proposed(BUNDLED)
    with pytest.raises(PermissionDenied):
        prices.approve(made.id, [0], person=somebody, source="page", reason="x")
    with pytest.raises(PermissionDenied):
        prices.reject(made.id, person=somebody, reason="x")


# --------------------------------------------------------------------------- by hand


def by_hand(deployment: str, after: Any, until: date | None = None) -> prices.Proposal:
    made = prices.propose(deployment, after, until, **BY)
    found = prices.proposal(made.pk)
    assert found is not None
    return found


def day(n: int) -> str:
    return (TODAY + timedelta(days=n)).isoformat()


def test_a_price_by_hand_begins_on_its_day() -> None:
    approve(by_hand(FLASH, price(day(5), "0.35")), reason="announced")
    assert [entry["from"] for entry in stated(FLASH)] == ["2025-06-17", day(5)]
    said = editing.entry("deployments", FLASH).saved
    assert said is not None
    assert said.reason == "announced"


def test_a_price_that_ends_does_so_by_a_second_row_written_with_it() -> None:
    until = TODAY + timedelta(days=7)
    approve(by_hand(FLASH, price(day(0), "0.20"), until))
    first, override, back = stated(FLASH)
    assert (first, override["input_usd_per_mtok"]) == (FLASH_PRICE, "0.20")
    assert back == {**FLASH_PRICE, "from": day(7)}


def test_a_price_that_ends_outlasts_what_would_have_begun_meanwhile() -> None:
    coming = price(day(3), "0.50")
    later = price(day(20), "0.60")
    listed = [FLASH_PRICE, coming, later]
    editing.amend("deployments", FLASH, {"prices": listed}, reason="x", **BY)
    approve(by_hand(FLASH, price(day(1), "0.20"), TODAY + timedelta(days=7)))
    assert [(entry["from"], entry["input_usd_per_mtok"]) for entry in stated(FLASH)] == [
        ("2025-06-17", "0.30"), (day(1), "0.20"), (day(7), "0.50"), (day(20), "0.60"),
    ]  # fmt: skip


def test_without_a_price_to_come_back_none_can_end() -> None:
    with pytest.raises(prices.Refused, match="no price yet that could come back"):
        by_hand(PRO, price(day(0), "1"), TODAY + timedelta(days=7))


def test_a_price_cannot_end_before_it_begins() -> None:
    with pytest.raises(prices.Refused, match="end after"):
        by_hand(FLASH, price(day(7), "1"), TODAY + timedelta(days=7))


@pytest.mark.parametrize(
    ("after", "path"),
    [
        (price("tomorrow"), "from"),
        ({"input_usd_per_mtok": "1"}, "from"),
        (price(usd="cheap"), "input_usd_per_mtok"),
        (price(cached_input_usd_per_mtok="1.50"), "cached_input_usd_per_mtok"),
        (price(above=[{"input_tokens": 9}]), "above.0"),
    ],
)
def test_a_wrong_price_says_where(after: dict[str, Any], path: str) -> None:
    with pytest.raises(editing.Invalid) as caught:
        prices.propose(FLASH, after, None, **BY)
    assert path in [problem.path for problem in caught.value.problems]
