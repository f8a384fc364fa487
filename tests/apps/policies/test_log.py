"""The change log: what was changed, for those who may know."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from pytest_django import DjangoAssertNumQueries

from apps.accounts import audit, invitations, keys, people
from apps.accounts.chain import AuditEntry, kind_of
from apps.accounts.models import ApiKey, Role, User
from apps.policies import editing
from apps.policies.apply import apply
from apps.policies.log import READS, WORDS, LogFilter, Sight, changes, log_csv, sight_of
from tests.apps.policies.files import price, small
from tests.apps.policies.invoices.made import kept, line

pytestmark = pytest.mark.django_db

BY: Any = {"person": None, "source": "page", "reason": "test"}
ALL = Sight(frozenset(READS))


def person(role: str, tenants: list[str] | None = None) -> User:
    return people.create(
        email=f"{role}{len(tenants or [])}@example.com",
        role=role,
        tenants=["*"] if tenants is None else tenants,
        password="correct horse",
        reason="test",
    )


@pytest.fixture(autouse=True)
def _applied(db: None) -> None:
    apply(small(), reason="test")


def listed(wanted: LogFilter | None = None, sight: Sight = ALL) -> list[tuple[str, str, str]]:
    page = changes(wanted or LogFilter(), sight, limit=1000)
    return [(READS[c.kind][0], c.object, c.what) for c in page.changes]


def test_a_change_is_told_with_who_why_and_what_differs() -> None:
    who = person("product")
    editing.amend("flags", "new", {"percent": 80}, person=who, source="page", reason="more")
    [change] = changes(LogFilter(), ALL, limit=1).changes
    assert (change.person, change.source, change.reason) == (who, "page", "more")
    assert (change.kind, change.object, change.what) == ("policies.flag", "new", "changed")
    assert [(f.field, f.before, f.after) for f in change.fields] == [("percent", "50", "80")]


def test_keys_and_people_are_told_by_their_fields_and_without_secrets() -> None:
    key, _ = keys.create(name="k", tenant="acme", reason="test")
    keys.revoke(key, person=None, reason="leaked")
    who = person("auditor")
    made, revoked, created = changes(LogFilter(), ALL, limit=3).changes
    assert {f.field: f.after for f in made.fields} == {
        "email": f'"{who.email}"',
        "name": '""',
        "role": '"auditor"',
        "tenants": '["*"]',
        "is_active": "true",
    }
    assert [f.field for f in revoked.fields] == ["revoked_at"]
    assert "digest" not in {f.field for f in created.fields}


def test_a_price_is_created_changed_and_withdrawn() -> None:
    for prices in ([price(usd="2.00")], []):
        editing.amend("deployments", "vendor/small", {"prices": prices}, **BY)
    told = changes(LogFilter(kind="price"), ALL).changes
    assert [(c.object, c.part, c.what) for c in told] == [
        ("vendor/small", "2025-01-01", "deleted"),
        ("vendor/small", "2025-01-01", "changed"),
        ("vendor/small", "2025-01-01", "created"),
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (LogFilter(kind="cap"), [("cap", "daily", "created")]),
        (LogFilter(object="dpa"), [("gate", "dpa", "created")]),
        (LogFilter(source="page"), [("flag", "new", "changed")]),
        (LogFilter(kind="spoon"), []),
        (LogFilter(kind="cap", object="dpa"), []),
    ],
)
def test_changes_are_found_by_kind_object_and_source(wanted: LogFilter, found: Any) -> None:
    editing.amend("flags", "new", {"percent": 80}, **BY)
    assert listed(wanted) == found


def test_changes_are_found_by_who_made_them() -> None:
    who = person("product")
    editing.amend("flags", "new", {"percent": 80}, person=who, source="page", reason="more")
    assert listed(LogFilter(person=who.pk)) == [("flag", "new", "changed")]


def test_changes_are_found_by_moment_the_first_one_included_the_last_one_not() -> None:
    days = [datetime(2026, 2, day, tzinfo=UTC) for day in (3, 1, 2)]
    for number, at in enumerate(days):
        with audit.dated(at):
            editing.amend("flags", "new", {"percent": number}, **BY)
    found = changes(LogFilter(from_at=days[1], to_at=days[0]), ALL).changes
    assert [change.at for change in found] == [days[2], days[1]]


def test_pages_follow_one_another_without_a_gap_even_within_one_moment() -> None:
    with audit.dated(datetime(2026, 2, 3, tzinfo=UTC)):
        for percent in range(7):
            editing.amend("flags", "new", {"percent": percent}, **BY)
    whole = [change.number for change in changes(LogFilter(), ALL, limit=1000).changes]
    walked: list[int] = []
    cursor = None
    while True:
        page = changes(LogFilter(), ALL, cursor=cursor, limit=3)
        walked += [change.number for change in page.changes]
        cursor = page.next
        if cursor is None:
            break
    assert walked == whole
    assert len(whole) == AuditEntry.objects.count()


@pytest.mark.parametrize(
    "cursor", ["", "x", "1", "1-", "-1", "1-x", "9" * 30 + "-1", "²-1", "9" * 18 + "-1"]
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        changes(LogFilter(), ALL, cursor=cursor)


def test_a_page_takes_one_query_however_long_it_is(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        assert len(changes(LogFilter(), ALL, limit=10).changes) == 10


# --------------------------------------------------------------------------- who may know


def test_everything_that_has_a_history_has_a_line() -> None:
    audited = [m for m in apps.get_models() if hasattr(m._meta, "simple_history_manager_attribute")]
    assert {kind_of(model) for model in audited} == set(READS)
    assert len(WORDS) == len(READS)


@pytest.mark.parametrize(
    ("role", "unseen"),
    [
        ("support", {"price", "invoice", "key", "person", "invitation"}),
        ("finance", {"key", "person", "invitation"}),
        ("product", {"invoice", "key", "person", "invitation"}),
        ("engineer", {"invoice", "person", "invitation"}),
        ("auditor", set()),
        ("admin", set()),
    ],
)
def test_a_role_reads_of_its_own_area(role: Role, unseen: set[str]) -> None:
    keys.create(name="k", tenant="acme", reason="test")
    kept(line())
    sight = sight_of(person(role))
    invite("i@example.com", [])
    assert set(WORDS) - {kind for kind, *_ in listed(sight=sight)} == unseen


def test_who_is_no_longer_active_reads_nothing() -> None:
    who = person("admin")
    who.is_active = False
    assert sight_of(who) == Sight(frozenset())


def invite(email: str, tenants: list[str]) -> None:
    by = User.objects.filter(role="admin", tenants=["*"]).first() or person("admin")
    invitations.invite(email=email, role="support", tenants=tenants, by=by, reason="test")


def test_keys_and_people_of_other_tenants_are_not_told_of() -> None:
    for tenant in ("acme", "globex", "*"):
        keys.create(name=tenant, tenant=tenant, reason="test")
        invite(f"{tenant.replace('*', 'all')}@example.com", [tenant])
    ours, theirs = person("auditor", ["acme"]), person("auditor", ["acme", "globex"])
    told = listed(sight=sight_of(ours))
    seen = {name for kind, name, _ in told if kind in ("key", "person", "invitation")}
    assert seen == {ApiKey.objects.get(name="acme").prefix, ours.email, "acme@example.com"}
    assert ("route", "all", "created") in told
    assert theirs.email in {name for _, name, _ in listed(sight=sight_of(theirs))}


# --------------------------------------------------------------------------- CSV


def test_the_csv_has_a_line_for_each_field_and_names_its_zone() -> None:
    editing.amend("flags", "new", {"percent": 80, "sticky_by": "user"}, **BY)
    editing.put("routes", None, small_route(), before="all", **BY)
    editing.move("routes", "b", before=None, **BY)
    rows = list(csv.reader(io.StringIO("".join(log_csv(LogFilter(source="page"), ALL)))))
    assert rows[0][0] == "at (UTC)"
    assert rows[1][4:] == ["route", "b", "", "changed", "position", "", ""]
    assert [row[4:] for row in rows[-2:]] == [
        ["flag", "new", "", "changed", "percent", "50", "80"],
        ["flag", "new", "", "changed", "sticky_by", '"tenant"', '"user"'],
    ]
    assert datetime.fromisoformat(rows[1][0]).utcoffset() == timedelta(0)


def small_route() -> dict[str, Any]:
    return {"slug": "b", "strategy": "priority", "candidates": ["vendor/small"]}


@pytest.mark.parametrize("reason", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "|x", "%x"])
def test_no_cell_is_a_formula(reason: str) -> None:
    editing.amend("flags", "new", {"percent": 8}, person=None, source="page", reason=reason)
    text = "".join(log_csv(LogFilter(source="page"), ALL))
    [_, row] = csv.reader(io.StringIO(text))
    assert row[3] == f"'{reason}"


def test_the_csv_goes_beyond_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.policies.log._AT_ONCE", 2)
    lines = "".join(log_csv(LogFilter(), ALL)).splitlines()
    assert len(lines) > AuditEntry.objects.count()
