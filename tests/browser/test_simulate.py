"""The simulator in a real browser: as one types, and without scripts."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.usefixtures("policy")


def test_the_decision_follows_as_one_types_and_the_message_stays_out_of_the_address(
    page, live_server, signed_in
):
    page.goto(f"{live_server.url}/simulate")
    verdict = page.locator("#decision .verdict-top")
    expect(verdict).to_contain_text("first choice of route everything")
    message = page.get_by_label("Message")
    message.press_sequentially("I want a refund")
    expect(verdict).to_contain_text("first choice of route refunds")
    expect(message).to_be_focused()
    page.get_by_label("Plan").select_option("pro")
    expect(page).to_have_url(f"{live_server.url}/simulate?plan=pro")
    message.fill("refund ada@example.com")
    expect(verdict).to_contain_text("policy_blocked")
    page.get_by_label("Cost ceiling").fill("a lot")
    expect(page.get_by_role("alert")).to_contain_text("Cost ceiling: Write an amount")
    page.get_by_label("Cost ceiling").fill("")
    expect(verdict).to_contain_text("policy_blocked")
    assert page.evaluate("history.length") == 2  # about:blank and this one


def test_without_scripts_it_is_a_form(browser, live_server, signed_in, context):
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = plain.new_page()
    page.goto(f"{live_server.url}/simulate")
    page.get_by_label("Message").fill("I want a refund")
    page.get_by_label("Tenant").fill("acme")
    page.get_by_role("button", name="Decide").click()
    expect(page.locator("#decision .verdict-top")).to_contain_text("first choice of route refunds")
    expect(page.get_by_label("Message")).to_have_value("I want a refund")
    page.get_by_role("link", name="Link to this form").click()
    expect(page).to_have_url(f"{live_server.url}/simulate?tenant=acme")
    expect(page.locator("#decision .verdict-top")).to_contain_text("acme-only")
    plain.close()
