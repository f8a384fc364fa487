"""One's own account in a real browser: an authenticator app, passkeys, how the pages look."""

import pytest
from playwright.sync_api import expect

from tests.apps.dashboards.signing import code
from tests.browser.conftest import PASSWORD


@pytest.fixture
def by_password(page, live_server):
    """Signs in with e-mail and password, as people do."""

    def by_password(person, path="/account"):
        page.goto(live_server.url + path)
        page.get_by_label("E-mail").fill(person.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()

    return by_password


@pytest.fixture
def confirm(page):
    def confirm():
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()

    return confirm


@pytest.fixture
def authenticator(page, context):
    """A virtual authenticator that is always willing: what a phone or a security key would do."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def sign_out(page):
    page.get_by_label("your menu").click()
    page.get_by_role("button", name="Sign out").click()


def test_the_pages_of_ones_own_account_are_fit_to_be_seen(
    look, page, support, by_password, confirm
):
    by_password(support)
    look("account", "/account")
    look("account-again", "/account/app")
    confirm()
    look("account-app", "/account/app")
    look("account-passkey", "/account/passkeys/add")
    look("account-password", "/account/password")
    page.goto(page.url.replace("password", "app"))
    secret = page.get_by_text("Secret").locator("code").inner_text().replace(" ", "")
    page.get_by_label("Code from the app").fill(code(secret))
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_text("Shown this once")).to_be_visible()
    look("account-recovery-codes")
    look("account-recovery-codes-again", "/account/recovery-codes")
    look("account-new-recovery-codes", "/account/recovery-codes/new")
    look("account-with-app", "/account")
    sign_out(page)
    by_password(support)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    look("second-step", "/sign-in/code")


def test_a_passkey_is_added_and_then_signs_in_alone(
    page, live_server, support, by_password, confirm, authenticator
):
    by_password(support)
    page.get_by_role("link", name="Add a passkey").click()
    confirm()
    page.get_by_label("Name").fill("My phone")
    page.get_by_label("Sign in with it alone").check()
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_text("Shown this once")).to_be_visible()
    page.goto(f"{live_server.url}/account")
    expect(page.get_by_role("link", name="Remove My phone")).to_be_visible()
    expect(page.get_by_text("Signs in alone")).to_be_visible()
    sign_out(page)

    page.goto(f"{live_server.url}/traces")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{live_server.url}/traces")
    expect(page.get_by_role("heading", name="Traces", exact=True)).to_be_visible()


def test_a_passkey_is_the_second_step_after_the_password(
    page, live_server, support, by_password, confirm, authenticator
):
    by_password(support)
    page.get_by_role("link", name="Add a passkey").click()
    confirm()
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_text("Shown this once")).to_be_visible()
    sign_out(page)
    by_password(support, "/traces?status=failed")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{live_server.url}/traces?status=failed")


def test_a_passkey_that_is_refused_says_so_and_the_password_still_works(
    page, live_server, support, by_password, authenticator
):
    page.goto(f"{live_server.url}/sign-in/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("No passkey was used")).to_be_visible()
    by_password(support, "/traces")
    expect(page.get_by_role("heading", name="Traces", exact=True)).to_be_visible()
