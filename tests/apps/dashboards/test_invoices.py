"""The pages of invoices: imported in a form, compared in a table, taken along as a file."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.policies.models import Invoice
from tests.apps.policies.invoices.made import called, content, kept, line
from tests.apps.policies.prices.made import apply_catalog

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance(client, person):
    apply_catalog()
    client.force_login(person("finance"))
    return client


def text(response):
    return " ".join(response.content.decode().split())


def uploaded(*lines, name="march.csv"):
    return {
        "file": SimpleUploadedFile(name, content(*lines)),
        "time_zone": "UTC",
        "reason": "It came by mail",
    }


def test_what_is_imported_is_compared_at_once(finance):
    called(input_tokens=1000)
    answer = finance.post("/invoices/new", uploaded(line(usd="0.00033")), follow=True)
    made = Invoice.objects.get()
    assert answer.redirect_chain == [(f"/invoices/{made.pk}", 303)]
    said = text(answer)
    for part in ("Differs", "+10.00 %", "$0.00033", "+$0.00003", "march.csv", "It came by mail"):
        assert part in said
    assert f"{made.pk}: google" in text(finance.get("/invoices"))


def test_a_wrong_file_is_told_line_by_line_and_nothing_is_stored(finance):
    answer = finance.post("/invoices/new", uploaded(line(), line(usd="<b>")))
    assert answer.status_code == 422
    assert "Line 3: `amount_usd`: &#x27;&lt;b&gt;&#x27; is no amount" in text(answer)
    assert not Invoice.objects.exists()


def test_the_same_file_is_refused_in_the_form(finance):
    made = kept(line())
    answer = finance.post("/invoices/new", uploaded(line()))
    assert answer.status_code == 422
    assert f"The same file is invoice {made.pk} already." in text(answer)


def test_the_table_can_be_taken_along(finance):
    called(input_tokens=1000)
    answer = finance.get(f"/invoices/{kept(line()).pk}.csv")
    assert "attachment" in answer["Content-Disposition"]
    assert "input,within,1000,1000,0.0003,0.0003" in b"".join(answer.streaming_content).decode()


def test_an_auditor_reads_and_cannot_import(client, person):
    apply_catalog()
    client.force_login(person("auditor"))
    assert "Import an invoice" not in text(client.get("/invoices"))
    assert client.get("/invoices/new").status_code == 403


def test_spend_leads_there(finance):
    assert 'href="/invoices"' in text(finance.get("/spend"))
