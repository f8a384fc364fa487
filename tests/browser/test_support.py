"""Support looks up why a request failed: the main job of the pages, in a real browser."""

import re

from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import PASSWORD


def test_support_signs_in_pastes_a_trace_id_and_reads_the_reason(
    page, live_server, support, gallery, as_seen
):
    page.goto(live_server.url)
    page.get_by_label("E-mail").fill(support.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
    page.wait_for_load_state()  # the key is the script's

    page.keyboard.press("/")
    page.keyboard.type(f"  {gallery['gated'].replace('-', '')} ")
    page.keyboard.press("Enter")

    expect(page).to_have_url(f"{live_server.url}/t/{gallery['gated']}")
    verdict = page.get_by_role("region", name=re.compile("personal-data-needs-a-dpa"))
    for said in ("Blocked", "policy_blocked", "Product", "The same request would end the same way"):
        expect(verdict).to_contain_text(said)
    expect(page.get_by_role("region", name="What happened")).to_contain_text(
        "Its provider has not signed a DPA."
    )


def test_a_wrong_password_is_told_without_saying_whether_the_address_exists(
    page, live_server, support
):
    told = []
    for email in (support.email, "nobody@example.com"):
        page.goto(f"{live_server.url}/sign-in/")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill("not this one")
        page.get_by_role("button", name="Sign in").click()
        told.append(page.get_by_role("alert").inner_text())
        expect(page.get_by_label("E-mail")).to_have_value(email)
    assert told[0] == told[1]
    assert violations(page) == []


def test_a_filter_swaps_the_list_and_stays_in_the_address(page, live_server, signed_in, gallery):
    page.goto(f"{live_server.url}/traces")
    page.evaluate("window.sameDocument = true")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Status").select_option("degraded")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("row")).to_have_count(2)  # its head and the degraded one
    expect(page).to_have_url(f"{live_server.url}/traces?from=now-7d&status=degraded")
    assert page.evaluate("window.sameDocument")

    page.get_by_role("link", name="Remove filter: status is degraded").click()
    expect(page.get_by_role("row")).to_have_count(len(gallery) + 1)
    page.go_back()
    expect(page.get_by_role("row")).to_have_count(2)


def test_the_list_works_without_scripts(browser, live_server, signed_in, gallery, context):
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = plain.new_page()
    page.goto(f"{live_server.url}/traces?status=failed")
    page.get_by_role("row").nth(1).get_by_role("link").click()
    expect(page).to_have_url(f"{live_server.url}/t/{gallery['exhausted']}")
    expect(page.get_by_role("button", name="Copy ID")).to_be_hidden()
    plain.close()


def test_a_trace_is_copied_as_id_link_and_ticket(page, live_server, context, signed_in, gallery):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    trace_id = gallery["exhausted"]
    page.goto(f"{live_server.url}/t/{trace_id}")
    copied = {}
    for button in ("Copy ID", "Copy link", "Ticket summary"):
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("Copied")
        copied[button] = page.evaluate("navigator.clipboard.readText()")
    assert copied["Copy ID"] == trace_id
    assert copied["Copy link"] == f"{live_server.url}/t/{trace_id}"
    assert trace_id in copied["Ticket summary"]
    assert "fallback_exhausted" in copied["Ticket summary"]


def test_the_theme_is_kept_and_rendered_by_the_server(page, live_server, signed_in):
    page.goto(f"{live_server.url}/traces")
    page.get_by_label("your menu").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    signed_in.refresh_from_db()
    assert signed_in.theme == "dark"


def test_signing_out_ends_the_session(page, live_server, signed_in):
    page.goto(f"{live_server.url}/traces")
    page.get_by_label("your menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(f"{live_server.url}/traces")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
