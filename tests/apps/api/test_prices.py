"""Prices and proposals through the control door."""

import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts import people
from tests.apps.api.door import Answer, get, make_key, send
from tests.apps.policies.files import price
from tests.apps.policies.prices.made import (
    FLASH,
    FLASH_PRICE,
    MINI,
    PRO,
    apply_catalog,
    flash_feed,
    stated,
)

pytestmark = pytest.mark.django_db

PATH = "/api/v1/prices"
BY_HAND = {"deployment": FLASH, "price": price("2026-01-01", "0.35")}


@pytest.fixture
def token(db: None) -> str:
    apply_catalog()
    return make_key("read", "write")


def post(client: Client, token: str, path: str, **body: Any) -> Answer:
    return send(client, "POST", PATH + path, token, body)


def test_prices_say_who_stated_them_and_what_has_none(client: Client, token: str) -> None:
    found = {row["deployment"]: row for row in get(client, PATH, token).json()["results"]}
    assert found[FLASH]["in_force"]["price"] == FLASH_PRICE
    assert found[FLASH]["in_force"]["source"] == "code"
    assert found[PRO]["in_force"] is None


def test_a_feed_is_proposed_and_what_is_chosen_of_it_approved(client: Client, token: str) -> None:
    made = post(client, token, "/proposals", feed="genai-prices")
    assert made.status_code == 201
    proposal = made.json()
    assert [item["deployment"] for item in proposal["items"]] == [PRO, MINI]
    here = f"/proposals/{proposal['id']}"
    decided = post(client, token, f"{here}/approve", items=[1], reason="as published")
    assert decided.status_code == 200
    assert (decided.json()["state"], decided.json()["applied"]) == ("approved", [1])
    assert "(API key " in decided.json()["reason"]
    assert (stated(PRO), len(stated(MINI))) == ([], 2)
    assert get(client, PATH + here, token).json() == decided.json()
    assert get(client, f"{PATH}/proposals", token).json()["results"] == [decided.json()]


def test_a_file_is_given_as_it_is(client: Client, token: str) -> None:
    file = json.loads(flash_feed("0.31").text)
    made = post(client, token, "/proposals", feed="litellm", file=file)
    assert made.json()["items"][0]["after"]["input_usd_per_mtok"] == "0.31"


def test_a_price_by_hand_is_proposed_and_rejected(client: Client, token: str) -> None:
    made = post(client, token, "/proposals", **BY_HAND, until="2026-02-01").json()
    assert made["items"][0]["until"] == "2026-02-01"
    here = f"/proposals/{made['id']}"
    assert post(client, token, f"{here}/reject", reason="no").json()["state"] == "rejected"
    again = post(client, token, f"{here}/approve", items=[0], reason="yes")
    assert (again.status_code, again.json()["error"]["message"]) == (
        409,
        f"Proposal {made['id']} was rejected already.",
    )
    assert stated(FLASH) == [FLASH_PRICE]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"feed": "acme"},
        {"feed": "litellm"},
        {"feed": "litellm", "file": {}},
        {"feed": "genai-prices", "newest": True},
        {"deployment": FLASH},
        {"deployment": FLASH, "price": {}},
        {"deployment": FLASH, "price": price(usd="cheap")},
        BY_HAND | {"until": "2025-01-01"},
        BY_HAND | {"more": 1},
    ],
)
def test_what_cannot_be_proposed_is_told(client: Client, token: str, body: dict[str, Any]) -> None:
    answer = post(client, token, "/proposals", **body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


def test_what_is_not_there_is_not_found(client: Client, token: str) -> None:
    nobody = {"deployment": "no/such", "price": price()}
    assert post(client, token, "/proposals", **nobody).status_code == 404
    assert get(client, f"{PATH}/proposals/9", token).status_code == 404


def test_a_decision_needs_a_reason(client: Client, token: str) -> None:
    made = post(client, token, "/proposals", **BY_HAND).json()
    for path, body in (("approve", {"items": [0]}), ("reject", {})):
        assert post(client, token, f"/proposals/{made['id']}/{path}", **body).status_code == 400


def test_an_odd_price_is_not_approved_by_a_key_of_who_proposed_it(
    client: Client, token: str
) -> None:
    def of(name: str) -> str:
        email = f"{name}@example.com"
        owner = people.create(
            email=email, role="finance", tenants=["*"], password="Lantern-Harbour-42", reason="x"
        )
        return make_key("read", "write", person=owner)

    mine, anothers = of("ann"), of("bob")
    file = json.loads(flash_feed("300").text)
    made = post(client, mine, "/proposals", feed="litellm", file=file).json()
    assert made["person"] == "ann@example.com"
    path, body = f"/proposals/{made['id']}/approve", {"items": [0], "reason": "as published"}
    refused = post(client, mine, path, **body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert "somebody other than whoever proposed it" in refused.json()["error"]["message"]
    assert stated(FLASH) == [FLASH_PRICE]
    assert post(client, anothers, path, **body).status_code == 200
