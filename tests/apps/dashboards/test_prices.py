"""The pages of prices: what is in force and coming, and proposals made and decided on them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.policies import editing, prices
from tests.apps.policies.files import price
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


def day(n):
    return (TODAY + timedelta(days=n)).isoformat()


@pytest.fixture
def finance(client, person):
    apply_catalog()
    client.force_login(person("finance"))
    return client


@pytest.fixture
def engineer(client, person):
    apply_catalog()
    client.force_login(person("engineer"))
    return client


def text(response):
    return " ".join(response.content.decode().split())


def form(**fields):
    said = {
        "deployment": FLASH,
        "day": day(0),
        "input_usd_per_mtok": "0.35",
        "output_usd_per_mtok": "2.50",
        **fields,
    }
    return {name: value for name, value in said.items() if value is not None}


# --------------------------------------------------------------------------- the list


def test_every_deployment_is_there_and_those_without_a_price_stand_out(finance):
    editing.amend(
        "deployments", FLASH, {"prices": [FLASH_PRICE, price(day(5), "0.40")]},
        reason="announced", **BY,
    )  # fmt: skip
    page = text(finance.get("/prices"))
    for shown in (FLASH, PRO, MINI, LOCAL, "$0.30", f"from {TODAY + timedelta(days=5):%-d %b %Y}"):
        assert shown in page
    assert page.count("No price</span>") == 1
    assert "not routable under a money cap" in page


def test_without_deployments_there_is_nothing_to_price(client, person):
    client.force_login(person("finance"))
    assert "Nothing to price yet" in text(client.get("/prices"))
    assert "No proposals yet" in text(client.get("/prices?tab=proposals"))


def test_whoever_may_not_edit_sees_no_way_to(engineer):
    made = proposed(flash_feed("0.31"))
    for path in ("/prices", "/prices?tab=proposals", f"/prices/-/proposals/{made.id}"):
        page = text(engineer.get(path))
        assert "/prices/-/propose" not in page.replace("/prices/-/proposals", "")
        assert 'type="checkbox"' not in page
        assert "Approve what is ticked" not in page


def test_a_deployments_past_says_who_stated_each_price_and_why(finance):
    later = [FLASH_PRICE, price(day(5), "0.40")]
    editing.amend("deployments", FLASH, {"prices": later}, reason="a rise", **BY)
    corrected = [FLASH_PRICE, price(day(5), "0.45")]
    editing.amend("deployments", FLASH, {"prices": corrected}, reason="a slip", **BY)
    editing.amend("deployments", FLASH, {"prices": [FLASH_PRICE]}, reason="called off", **BY)
    page = text(finance.get(f"/prices/{FLASH}"))
    for said in ("a rise", "a slip", "called off", "for a test", "In force", "Withdrawn"):
        assert said in page
    assert page.count("Corrected since") == 2
    assert "Coming</span>" not in page


def test_a_deployment_that_nobody_knows_is_not_found(finance):
    assert finance.get("/prices/no/such").status_code == 404


def test_a_deployment_without_a_price_says_what_that_means(finance):
    assert "not routable under a money cap" in text(finance.get(f"/prices/{PRO}"))


# --------------------------------------------------------------------------- proposals


def test_a_price_by_hand_is_proposed_looked_at_and_approved(finance):
    begun = text(finance.get(f"/prices/-/propose?deployment={FLASH}"))
    assert 'value="0.30"' in begun
    made = finance.post("/prices/-/propose", form(until=day(7), cached_input_usd_per_mtok="0.03"))
    assert made.status_code == 303
    shown = text(finance.get(made.url))
    assert f"until {day(7)}" in shown
    assert "+17 %" in shown
    assert "checked" in shown
    assert stated(FLASH) == [FLASH_PRICE]
    decided = finance.post(
        f"{made.url}/decide", {"items": "0", "reason": "as agreed", "decision": "approve"}
    )
    assert decided.status_code == 303
    assert [entry["from"] for entry in stated(FLASH)] == ["2025-06-17", day(0), day(7)]
    assert "as agreed" in text(finance.get(made.url))


def test_a_tier_is_proposed_in_a_row(finance):
    more = finance.post("/prices/-/propose", form(add="above"))
    assert (more.status_code, "above-0-input_tokens" in text(more)) == (200, True)
    tier = {"above-0-input_tokens": "200000", "above-0-input_usd_per_mtok": "0.60"}
    made = finance.post("/prices/-/propose", form(**tier))
    assert "Input above 200,000 tokens" in text(finance.get(made.url))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"input_usd_per_mtok": "cheap"}, "is no amount"),
        ({"input_usd_per_mtok": None}, "required"),
        ({"day": "tomorrow"}, "Enter a valid date"),
        ({"cached_input_usd_per_mtok": "9"}, "no more than input"),
        ({"until": day(0)}, "end after the day"),
        ({"deployment": PRO, "until": day(3)}, "no price yet that could come back"),
        ({"above-0-input_tokens": "9"}, "states no price"),
    ],
)
def test_a_wrong_price_is_told_and_what_was_typed_is_kept(finance, fields, said):
    answer = finance.post("/prices/-/propose", form(**{"output_usd_per_mtok": "2.57", **fields}))
    assert answer.status_code == 422
    assert said in text(answer)
    assert 'value="2.57"' in text(answer)
    assert prices.proposals() == []


def test_the_bundled_feed_is_imported_as_a_proposal(finance):
    made = finance.post("/prices/-/import", {"feed": "genai-prices"})
    assert made.status_code == 303
    page = text(finance.get(made.url))
    for shown in (MINI, PRO, "its provider runs on your own ground", "As it is already"):
        assert shown in page
    assert "1" in text(finance.get("/prices?tab=proposals"))


def test_a_file_is_imported_and_what_looks_like_a_slip_is_not_ticked(finance):
    file = SimpleUploadedFile("prices.json", flash_feed("300").text.encode())
    made = finance.post("/prices/-/import", {"feed": "litellm", "file": file})
    page = text(finance.get(made.url))
    assert "a unit mistaken?" in page
    assert "Held back" in page
    assert " checked" not in page


def test_what_differs_in_nothing_is_said(finance):
    file = SimpleUploadedFile("prices.json", flash_feed().text.encode())
    answer = finance.post("/prices/-/import", {"feed": "litellm", "file": file}, follow=True)
    assert "Nothing differs from litellm" in text(answer)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"feed": "litellm"}, "Choose a file"),
        ({"feed": "litellm", "content": b"{}"}, "not in LiteLLM"),
        ({"feed": "litellm", "content": b"\xff"}, "no UTF-8"),
        ({"feed": "newest"}, "not one of the available"),
    ],
)
def test_a_feed_that_cannot_be_read_is_told(finance, fields, said):
    data = {"feed": fields["feed"]}
    if "content" in fields:
        data["file"] = SimpleUploadedFile("prices.json", fields["content"])
    answer = finance.post("/prices/-/import", data)
    assert (answer.status_code, said in text(answer)) == (422, True)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"items": "0", "decision": "approve"}, "Give a reason"),
        ({"decision": "approve", "reason": "x"}, "Choose at least one"),
        ({"items": "7", "decision": "approve", "reason": "x"}, "7 is not one of"),
    ],
)
def test_a_decision_that_is_none_is_told(finance, data, said):
    made = proposed(flash_feed("0.31"))
    answer = finance.post(f"/prices/-/proposals/{made.id}/decide", data)
    assert (answer.status_code, said in text(answer)) == (422, True)
    assert stated(FLASH) == [FLASH_PRICE]


def test_a_rejected_proposal_changes_nothing_and_stays(finance):
    made = proposed(flash_feed("0.31"))
    answer = finance.post(
        f"/prices/-/proposals/{made.id}/decide", {"decision": "reject", "reason": "not published"}
    )
    assert answer.status_code == 303
    page = text(finance.get(f"/prices/-/proposals/{made.id}"))
    assert ("Rejected" in page, "not published" in page) == (True, True)
    assert stated(FLASH) == [FLASH_PRICE]


def test_a_proposal_that_was_overtaken_is_a_conflict(finance):
    made = proposed(flash_feed("0.31"))
    editing.amend("deployments", FLASH, {"prices": [price(usd="9")]}, reason="x", **BY)
    answer = finance.post(
        f"/prices/-/proposals/{made.id}/decide",
        {"items": "0", "decision": "approve", "reason": "x"},
    )
    assert (answer.status_code, "was changed meanwhile" in text(answer)) == (409, True)


def test_a_price_that_cannot_stand_cannot_be_ticked(finance):
    made = proposed(flash_feed(cache_read_input_token_cost="0.31"))
    page = text(finance.get(f"/prices/-/proposals/{made.id}"))
    assert "Cannot be approved" in page
    assert 'type="checkbox"' not in page


def test_who_proposed_an_odd_price_is_told_that_somebody_else_approves_it(finance, person):
    file = SimpleUploadedFile("prices.json", flash_feed("300").text.encode())
    made = finance.post("/prices/-/import", {"feed": "litellm", "file": file}).url
    page = text(finance.get(made))
    assert "Takes a second person" in page
    assert "You proposed it, and it is odd: somebody else approves it." in page
    assert 'type="checkbox"' not in page
    said = {"items": "0", "decision": "approve", "reason": "I am sure"}
    refused = finance.post(f"{made}/decide", said)
    assert (refused.status_code, "its price is odd" in text(refused)) == (422, True)
    assert stated(FLASH) == [FLASH_PRICE]
    finance.force_login(person("admin"))
    assert 'type="checkbox"' in text(finance.get(made))
    assert finance.post(f"{made}/decide", said).status_code == 303
    assert len(stated(FLASH)) == 2
