"""An administrator lets a colleague in, in a real browser: who they are, and what stays closed."""

import re

import pytest
from playwright.sync_api import expect

from apps.accounts import people
from tests.browser.conftest import PASSWORD
from tests.browser.screenshots import SIZES
from tests.browser.watch import Watch


@pytest.fixture
def admin(transactional_db):
    return people.create(
        email="adaeze@example.com",
        name="Adaeze Obi",
        role="admin",
        tenants=["*"],
        password=PASSWORD,
        reason="for a test",
    )


@pytest.fixture
def as_admin(sign_in, admin):
    return sign_in("admin", admin)


@pytest.fixture
def team(admin):
    facts = (
        ("sofia", "Sofia Lindqvist", "support", ["pelican-travel", "brightloom"]),
        ("farid", "Farid Amani", "finance", ["*"]),
        ("emil", "Emil Novak", "engineer", ["*"]),
        ("vic", "Vic Moreau", "auditor", []),
    )
    made = [
        people.create(
            email=f"{short}@example.com",
            name=name,
            role=role,
            tenants=tenants,
            password=None,
            person=admin,
            source="page",
            reason="the first team",
        )
        for short, name, role, tenants in facts
    ]
    people.change(
        made[0], role="product", tenants=["pelican-travel"], is_active=True, by=admin,
        seen=people.version_of(made[0]), reason="Moves over to the product team.",
    )  # fmt: skip
    people.change(
        made[3], role="auditor", tenants=[], is_active=False, by=admin,
        seen=people.version_of(made[3]), reason="The audit is over.",
    )  # fmt: skip
    return made


def test_the_pages_about_people_are_fit_to_be_seen(look, page, as_admin, team):
    sofia = team[0]
    look("people-invite", "/people/invite")
    page.get_by_label("E-mail").fill("fay@example.com")
    page.get_by_label("Finance").check()
    page.get_by_label("Reason").fill("Joins the finance team.")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("This link is shown once")).to_be_visible()
    look("people-invited")
    link = page.get_by_text(re.compile("/join/")).first.inner_text()
    look("people", "/people")
    look("people-nobody-matches", "/people?q=nobody")
    look("person", f"/people/{sofia.pk}")
    look("person-oneself", f"/people/{as_admin.pk}")
    look("person-edit", f"/people/{sofia.pk}/edit")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Nothing was saved")).to_be_visible()
    look("person-edit-invalid")
    look("person-sign-out", f"/people/{sofia.pk}/sign-out")
    page.context.clear_cookies()
    page.goto(link)
    look("join")
    look("join-no-invitation", "/join/unknown")


def test_an_admin_invites_a_finance_colleague_who_cannot_open_what_they_may_not(
    page, browser, live_server, as_admin, gallery, as_seen, size, scheme
):
    page.goto(f"{live_server.url}/people")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("E-mail").fill("fay@example.com")
    page.get_by_label("Finance").check()
    page.get_by_label("Tenants").fill("pelican-travel")
    page.get_by_label("Reason").fill("Joins the finance team.")
    page.get_by_role("button", name="Invite").click()
    link = page.get_by_text(re.compile("/join/")).first.inner_text()

    hers = browser.new_context(viewport=SIZES[size], color_scheme=scheme)
    watch = Watch(hers, live_server.url)
    fay = hers.new_page()
    fay.goto(link)
    expect(fay.get_by_text("Adaeze Obi invites you as Finance")).to_be_visible()
    fay.get_by_label("Name").fill("Fay Wong")
    fay.get_by_label("Password").fill(PASSWORD)
    fay.get_by_role("button", name="Join").click()
    fay.get_by_label("your menu").click()
    fay.get_by_role("button", name="Sign out").click()
    fay.get_by_label("E-mail").fill("fay@example.com")
    fay.get_by_label("Password").fill(PASSWORD)
    fay.get_by_role("button", name="Sign in").click()

    for closed in ("/people", "/people/invite", f"/people/{as_admin.pk}/edit"):
        fay.goto(live_server.url + closed)
        expect(fay.get_by_role("heading", name="Not for your role")).to_be_visible()
    expect(fay.get_by_role("link", name="People")).to_have_count(0)
    fay.goto(f"{live_server.url}/t/{gallery['exhausted']}")
    expect(fay.get_by_text("Settled").first).to_be_visible()
    expect(fay.get_by_text("Text for the customer")).to_have_count(0)
    fay.goto(f"{live_server.url}/t/{gallery['degraded']}")  # of brightloom
    expect(fay.get_by_text("There is no trace")).to_be_visible()
    watch.expect_nothing()
    hers.close()

    page.goto(f"{live_server.url}/people")
    page.get_by_role("link", name="Fay Wong").click()
    expect(page.get_by_text("accepted an invitation")).to_be_visible()
