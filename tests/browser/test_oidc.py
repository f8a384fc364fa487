"""Signing in at an identity provider in a real browser: the content policy lets people go there."""

from playwright.sync_api import expect

from apps.accounts import people
from tests.apps.dashboards.identity_provider import identity_provider
from tests.apps.dashboards.test_oidc import FAY, configure
from tests.browser.axe import violations
from tests.browser.watch import Watch


def test_somebody_signs_in_at_the_identity_provider_and_comes_back_to_where_they_were(
    browser, live_server, transactional_db, settings
):
    people.create(
        email="fay@example.com",
        name="Fay Wong",
        role="finance",
        tenants=["*"],
        password=None,
        reason="for a test",
    )
    hers = browser.new_context()  # one that may go elsewhere
    with identity_provider() as provider:
        configure(settings, provider.url)
        provider.who = dict(FAY)
        page, watch = hers.new_page(), Watch(hers, live_server.url)
        page.goto(f"{live_server.url}/traces?status=failed")
        assert violations(page) == []
        page.get_by_role("button", name="Continue with Larkfield").click()
        expect(page).to_have_url(f"{live_server.url}/traces?status=failed")
        expect(page.get_by_label("Fay Wong: your menu")).to_be_visible()
        went = [wrong for wrong in watch.taken() if not wrong.startswith("elsewhere:")]
    assert went == []
    hers.close()


def test_who_is_not_invited_reads_why(browser, live_server, transactional_db, settings):
    hers = browser.new_context()
    with identity_provider() as provider:
        configure(settings, provider.url)
        provider.who = dict(FAY)
        page = hers.new_page()
        page.goto(f"{live_server.url}/sign-in/")
        page.get_by_role("button", name="Continue with Larkfield").click()
        expect(page.get_by_text("You are not invited.")).to_be_visible()
        assert violations(page) == []
    hers.close()
