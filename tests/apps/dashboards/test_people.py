"""The pages about people: who sees whom, what may be changed, and never one's own."""

import re
import threading

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from apps.accounts import people
from apps.accounts.models import Role, User
from tests.apps.dashboards.signing import give_app, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client, person):
    made = person("admin", name="Adaeze Obi")
    client.force_login(made)
    return made


@pytest.fixture
def sam(person):
    return person("support", name="Sam Porter", tenants=["acme"])


def posted(person, **changes):
    """The edit form as the page has it, with `changes`."""
    facts = {
        "role": person.role,
        "tenants": ", ".join(person.tenants),
        "is_active": "on",
        "seen": people.version_of(person),
        "reason": "moved to another team",
    }
    return {name: value for name, value in (facts | changes).items() if value is not None}


def edit(client, person, **changes):
    return client.post(f"/people/{person.pk}/edit", posted(person, **changes))


def listed(answer):
    return re.findall(r'<a href="/people/\d+">([^<]+)</a>', answer.content.decode())


# ------------------------------------------------------------------------- the list


def test_the_list_tells_role_tenants_factor_and_status(client, admin, sam):
    give_app(sam)
    User.objects.filter(pk=admin.pk).update(last_login=None)
    shown = client.get("/people").content.decode()
    for told in ("Sam Porter", "support@example.com", "Support", "acme", "Authenticator app"):
        assert told in shown
    for told in ("every tenant", "They have none", "They have never signed in"):
        assert told in shown


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=PORTER", ["Sam Porter"]),
        ("q=support%40", ["Sam Porter"]),
        ("role=admin", ["Adaeze Obi"]),
        ("status=left", ["auditor@example.com"]),
        ("status=active", ["Adaeze Obi", "Sam Porter"]),
        ("factor=yes", ["Sam Porter"]),
        ("factor=no&status=active", ["Adaeze Obi"]),
        ("q=nobody", []),
    ],
)
def test_people_are_found_by_filters_in_the_address(client, admin, sam, person, query, found):
    User.objects.filter(pk=person("auditor").pk).update(is_active=False)
    give_app(sam)
    assert listed(client.get(f"/people?{query}")) == found


@pytest.mark.parametrize("query", ["role=root", "status=great", "q=%00"])
def test_a_filter_that_makes_no_sense_is_422(client, admin, query):
    assert client.get(f"/people?{query}").status_code == 422


def test_the_list_goes_on_on_the_next_page(client, admin, sam, monkeypatch):
    monkeypatch.setattr("apps.dashboards.people.PAGE_SIZE", 1)
    first = client.get("/people?status=active")
    assert listed(first) == ["Adaeze Obi"]
    (following,) = re.findall(r'href="(\?[^"]*after=[^"]*)"', first.content.decode())
    assert listed(client.get("/people" + following.replace("&amp;", "&"))) == ["Sam Porter"]


def test_the_list_costs_as_many_queries_for_fifty_people_as_for_one(
    client, admin, person, django_assert_max_num_queries
):
    for number in range(20):
        give_app(person("support", email=f"p{number}@example.com", password=None))
    with django_assert_max_num_queries(9):
        assert len(listed(client.get("/people"))) == 21


def test_who_is_limited_to_tenants_sees_people_within_them_alone(client, person):
    client.force_login(person("auditor", tenants=["acme", "globex"], email="me@example.com"))
    within = person("support", tenants=["acme"], email="within@example.com")
    for number, tenants in enumerate((["*"], ["initech"], ["acme", "initech"], [])):
        other = person("finance", tenants=tenants, email=f"p{number}@example.com", password=None)
        assert client.get(f"/people/{other.pk}").status_code == 404
    assert listed(client.get("/people")) == ["me@example.com", within.email]


# ------------------------------------------------------------------------- one person


def test_a_persons_page_tells_who_changed_what_and_why(client, admin, sam):
    edit(client, sam, role="finance", tenants="acme, globex")
    shown = client.get(f"/people/{sam.pk}").content.decode()
    for told in (
        "Adaeze Obi",
        "moved to another team",
        "<del>Support</del>",
        "<ins>acme, globex</ins>",
    ):
        assert told in shown


def test_what_changes_is_role_tenants_and_status_with_a_reason(client, admin, sam):
    answer = edit(client, sam, role="engineer", tenants="globex,acme , acme")
    assert (answer.status_code, answer["Location"]) == (303, f"/people/{sam.pk}")
    sam.refresh_from_db()
    assert (sam.role, sam.tenants, sam.is_active) == ("engineer", ["acme", "globex"], True)
    row = sam.history.first()
    assert (row.history_user, row.history_change_reason) == (admin, "moved to another team")


@pytest.mark.parametrize(
    "wrong", [{"reason": " "}, {"role": "root"}, {"role": ""}, {"tenants": "a\x00b"}, {"seen": "x"}]
)
def test_a_change_that_makes_no_sense_is_422_and_changes_nothing(client, admin, sam, wrong):
    assert edit(client, sam, **wrong).status_code == 422
    assert sam.history.count() == 1


@pytest.mark.parametrize("role", Role.values)
def test_whatever_is_posted_no_other_field_of_a_person_is_set(client, person, sam, role):
    client.force_login(person(role, email="other@example.com"))
    before = User.objects.values().get(pk=sam.pk)
    everything = dict.fromkeys(set(before) - {"role", "tenants", "is_active"}, "1")
    answer = edit(client, sam, role="product", **everything)
    after = User.objects.values().get(pk=sam.pk)
    if role == "admin":
        assert answer.status_code == 303
        assert after == before | {"role": "product"}
    else:
        assert answer.status_code == 403
        assert after == before


def test_nobody_changes_their_own_role_tenants_or_status(client, admin, person):
    assert client.get(f"/people/{admin.pk}/edit").status_code == 403
    for page in ("edit", "sign-out", "remove-factors"):
        answer = client.post(f"/people/{admin.pk}/{page}", posted(admin, role="support"))
        assert answer.status_code == 403
    with pytest.raises(ValidationError, match="their own"):
        people.change(
            admin, role="support", tenants=["*"], is_active=True, by=admin,
            seen=people.version_of(admin), reason="x",
        )  # fmt: skip
    admin.refresh_from_db()
    assert admin.role == "admin"


def test_an_administrator_gives_only_tenants_that_they_have(client, person):
    client.force_login(person("admin", tenants=["acme", "globex"]))
    sam = person("support", tenants=["acme"])
    for beyond in ("*", "initech", "acme, initech"):
        answer = edit(client, sam, tenants=beyond)
        assert answer.status_code == 422
        assert "only tenants that you have" in answer.content.decode()
    assert edit(client, sam, tenants="globex").status_code == 303


def test_who_leaves_is_signed_out_at_once(client, admin, person):
    leaver, browser = person("finance"), Client()
    sign_in(browser, leaver)
    assert browser.get("/traces").status_code == 200
    assert edit(client, leaver, is_active=None).status_code == 303
    assert browser.get("/traces").status_code == 302
    assert sign_in(browser, leaver).status_code == 422
    leaver.refresh_from_db()
    assert edit(client, leaver).status_code == 303
    assert browser.get("/traces").status_code == 302
    assert sign_in(browser, leaver).status_code == 302


def test_two_who_change_the_same_person_are_told_of_each_other(client, admin, sam):
    mine = posted(sam, role="product")
    edit(client, sam, role="finance", reason="first")
    answer = client.post(f"/people/{sam.pk}/edit", mine)
    assert answer.status_code == 409
    shown = answer.content.decode()
    for told in ("Somebody else changed this", "first", "Role: Finance → Product"):
        assert told in shown
    sam.refresh_from_db()
    assert sam.role == "finance"
    (seen,) = re.findall(r'name="seen" value="(\d+)"', shown)
    assert client.post(f"/people/{sam.pk}/edit", mine | {"seen": seen}).status_code == 303


def test_lost_second_factors_are_removed_with_a_reason(client, admin, sam):
    give_app(sam)
    path = f"/people/{sam.pk}/remove-factors"
    assert client.post(path, {"reason": ""}).status_code == 422
    assert Authenticator.objects.exists()
    assert client.post(path, {"reason": "lost the phone, called back"}).status_code == 303
    assert not Authenticator.objects.exists()
    assert "called back" in sam.history.first().history_change_reason


def test_an_administrator_signs_somebody_out_with_a_reason(client, admin, sam):
    browser = Client()
    sign_in(browser, sam)
    assert client.post(f"/people/{sam.pk}/sign-out", {"reason": "laptop stolen"}).status_code == 303
    assert browser.get("/traces").status_code == 302
    assert "laptop stolen" in sam.history.first().history_change_reason


# ------------------------------------------------------------------------- the last administrator


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_remove_each_other_at_once(person):
    pair = [person("admin", email=f"{name}@example.com") for name in ("ada", "bob")]
    versions = {one.pk: people.version_of(one) for one in pair}
    together, refused = threading.Barrier(2), []

    def demote(by, other):
        try:
            together.wait(10)
            people.change(
                other, role="support", tenants=["*"], is_active=True, by=by,
                seen=versions[other.pk], reason="a quarrel",
            )  # fmt: skip
        except ValidationError as error:
            refused.extend(error.messages)
        finally:
            connection.close()

    threads = [threading.Thread(target=demote, args=(one, other)) for one, other in
               (pair, reversed(pair))]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert User.objects.filter(role="admin", is_active=True).count() == 1
    assert refused == ["You may no longer change people."]


def test_an_administrator_who_was_demoted_meanwhile_changes_nobody(person, sam):
    admin = person("admin")
    User.objects.filter(pk=admin.pk).update(role="support")
    with pytest.raises(ValidationError, match="no longer"):
        people.change(
            sam, role="admin", tenants=["*"], is_active=True, by=admin,
            seen=people.version_of(sam), reason="x",
        )  # fmt: skip
