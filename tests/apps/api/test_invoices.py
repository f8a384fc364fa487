"""Invoices through the control door."""

from typing import Any

import pytest
from django.test import Client

from tests.apps.api.door import Answer, get, make_key, send
from tests.apps.policies.invoices.made import MODEL, called, content, line
from tests.apps.policies.prices.made import apply_catalog

pytestmark = pytest.mark.django_db

PATH = "/api/v1/invoices"


@pytest.fixture
def token(db: None) -> str:
    apply_catalog()
    return make_key("read", "write")


def post(client: Client, token: str, *lines: str, **body: Any) -> Answer:
    said = {"file_name": "march.csv", "file": content(*lines).decode(), "reason": "it came"}
    return send(client, "POST", PATH, token, said | body)


def test_an_invoice_is_imported_and_compared(client: Client, token: str) -> None:
    called(input_tokens=1000)
    made = post(client, token, line("input", "1000", "0.00033"))
    assert made.status_code == 201
    number = made.json()["id"]
    assert get(client, PATH, token).json()["results"] == [made.json()]
    told = get(client, f"{PATH}/{number}", token).json()
    assert told["rows"] == [
        {
            "model": MODEL,
            "token_class": "input",
            "state": "over",
            "billed_quantity": 1000,
            "recorded_quantity": 1000,
            "difference_quantity": 0,
            "billed_nano_usd": 330_000,
            "settled_nano_usd": 300_000,
            "difference_nano_usd": 30_000,
            "difference_percent": "+10.00",
        }
    ]
    assert (told["invoice"], told["flagged"]) == (made.json(), 1)


def test_a_wrong_file_is_told_line_by_line(client: Client, token: str) -> None:
    answer = post(client, token, line(), line(usd="free"))
    assert answer.status_code == 400
    [problem] = answer.json()["error"]["details"]["problems"]
    assert problem["line"] == 3
    assert "amount_usd" in problem["message"]


def test_the_same_file_and_the_same_days_are_conflicts(client: Client, token: str) -> None:
    post(client, token, line())
    again, other = post(client, token, line()), post(client, token, line(usd="7.00"))
    assert (again.status_code, other.status_code) == (409, 409)
    codes = [answer.json()["error"]["details"]["code"] for answer in (again, other)]
    assert codes == ["duplicate_file", "period_overlaps"]


def test_without_a_reason_nothing_is_imported(client: Client, token: str) -> None:
    assert post(client, token, line(), reason="").status_code == 400
    assert get(client, PATH, token).json()["results"] == []


def test_a_tenants_key_sees_no_invoice(client: Client, token: str) -> None:
    number = post(client, token, line()).json()["id"]
    own = make_key("read", "write", tenant="acme")
    assert get(client, f"{PATH}/{number}", own).status_code == 403
    assert get(client, PATH, own).status_code == 403
