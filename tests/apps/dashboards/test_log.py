"""The change log over HTTP: who sees what, filters, paging, the file."""

import csv
import io
import re
from html import unescape

import pytest
from django.utils.html import strip_tags

from apps.accounts import keys
from apps.accounts.chain import AuditEntry
from apps.dashboards.log import views
from apps.policies import editing
from apps.policies.apply import apply
from tests.apps.policies.files import small

HTMX = {"HX-Request": "true"}


def shown(answer):
    text = unescape(strip_tags(answer.content.decode().replace("<", " <")))
    return re.sub(r"\s+([:,.)])", r"\1", " ".join(text.split()))


@pytest.fixture
def changed(person):
    """The first configuration, and what an engineer, Ada, did to it."""
    apply(small(), reason="the first configuration")
    ada = person("engineer", name="Ada Byron")
    by = {"person": ada, "source": "page"}
    editing.amend("flags", "new", {"percent": 80}, reason="No complaints at 50", **by)
    keys.create(name="ci", tenant="acme", reason="For the pipeline")
    return ada


def log(client, query=""):
    return client.get(f"/log?{query}")


def test_a_change_is_told_with_who_what_why_before_and_after(client, changed):
    client.force_login(changed)
    words = shown(log(client))
    assert "Ada Byron changed flag new percent was 50 became 80 No complaints at 50" in words
    assert "A configuration file added" in words
    assert "Today, " in words


def test_each_role_sees_its_own_area(client, person, changed):
    for role, sees in {
        "support": False,
        "finance": False,
        "engineer": True,
        "auditor": True,
    }.items():
        client.force_login(changed if role == "engineer" else person(role))
        words = shown(log(client))
        assert ("added key" in words) is sees, role
        assert ('value="person"' in log(client).content.decode()) is (role == "auditor"), role


@pytest.mark.parametrize(
    ("query", "only"),
    [
        ("kind=flag", "flag"),
        ("object=new", "flag"),
        ("source=page", "flag"),
        ("kind=key", "key"),
    ],
)
def test_filters_live_in_the_address(client, changed, query, only):
    client.force_login(changed)
    answer = log(client, query)
    told = set(re.findall(r"(?:changed|added|deleted) (\w+) ", shown(answer)))
    assert told == {only}
    assert 'aria-label="Remove filter:' in answer.content.decode()


def test_a_person_is_chosen_by_name_and_a_range_by_words(client, changed):
    client.force_login(changed)
    assert "person is Ada Byron" in shown(log(client, f"person={changed.pk}"))
    assert "added" not in shown(log(client, f"person={changed.pk}")).split("Clear all")[1]
    assert "Nothing matches" in shown(log(client, "to=2020-01-01"))
    assert "Ada Byron" in shown(log(client, "from=today&kind=flag"))


@pytest.mark.parametrize("query", ["from=tuesday", "kind=nonsense", "cursor=x", "person=0"])
def test_what_is_wrong_in_the_address_is_said(client, changed, query):
    client.force_login(changed)
    for headers in ({}, HTMX):
        answer = client.get(f"/log?{query}", headers=headers)
        assert answer.status_code == 422
        assert "Nothing was searched." in shown(answer)


def test_older_changes_are_a_page_further(client, changed, monkeypatch):
    client.force_login(changed)
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    seen, query = [], ""
    while query is not None:
        page = log(client, query).content.decode()
        seen += re.findall(r'<time datetime="[^"]+"', page)
        older = re.search(r'href="\?(cursor=[^"]+)">Older', page)
        query = unescape(older[1]) if older else None
    hidden = AuditEntry.objects.filter(kind="accounts.user").count()
    assert len(seen) == AuditEntry.objects.count() - hidden


def test_the_file_has_what_the_filters_find_and_no_formula(client, person, changed):
    by = {"person": changed, "source": "page"}
    editing.amend("flags", "new", {"percent": 90}, reason='=cmd|"/c calc"!A1', **by)
    client.force_login(person("auditor"))
    answer = client.get("/log.csv?kind=flag&source=page")
    assert answer["Content-Type"].startswith("text/csv")
    assert re.search(r'filename="log-[-0-9]+\.csv"', answer["Content-Disposition"])
    head, newest, older = csv.reader(io.StringIO(answer.getvalue().decode()))
    assert head[0] == "at (UTC)"
    assert newest[1:4] == ["engineer@example.com", "page", '\'=cmd|"/c calc"!A1']
    assert older[8:] == ["percent", "50", "80"]


def test_the_file_is_for_those_who_may_export_and_its_button_too(client, person, changed):
    for role in ("support", "finance", "product", "engineer"):
        client.force_login(changed if role == "engineer" else person(role))
        assert client.get("/log.csv").status_code == 403
        assert "log.csv" not in log(client).content.decode()
    client.force_login(person("admin"))
    page = log(client, "kind=flag").content.decode()
    assert 'href="/log.csv?kind=flag"' in page


def test_the_trails_head_is_shown_to_be_noted(client, person, changed):
    client.force_login(person("auditor"))
    newest = AuditEntry.objects.first()
    page = log(client).content.decode()
    assert f'data-copy="{newest.pk}:{newest.digest}"' in page
    assert "manage.py verify_audit" in page
    client.force_login(changed)
    assert newest.digest not in log(client).content.decode()


def test_what_somebody_wrote_as_a_reason_is_text(client, changed):
    by = {"person": changed, "source": "page"}
    editing.amend("flags", "new", {"percent": 10}, reason="<script>alert(1)</script>", **by)
    client.force_login(changed)
    assert "<script>alert(1)" not in log(client).content.decode()


def test_a_log_of_many_changes_takes_a_bounded_number_of_queries(
    client, changed, django_assert_max_num_queries
):
    for percent in range(40):
        by = {"person": changed, "source": "page"}
        editing.amend("flags", "new", {"percent": percent + 1}, reason="on and on", **by)
    client.force_login(changed)
    with django_assert_max_num_queries(8):
        log(client)
