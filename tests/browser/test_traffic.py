"""From the overview to one request and back: what support does when nobody pasted an ID."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def plain(browser, context, signed_in):
    """A browser without scripts, signed in."""
    made = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    yield made.new_page()
    made.close()


def drill_down(page, live_server, gallery):
    """From the failing feature to the trace that failed, and back to the filtered list."""
    page.goto(f"{live_server.url}/?from=now-1h")
    features = page.get_by_role("region", name="By feature, table")
    row = features.get_by_role("row").filter(has_text="support-chat")
    row.get_by_role("link").filter(has_text="%").click()
    filtered = f"{live_server.url}/traces?from=now-1h&feature=support-chat&status=failed"
    expect(page).to_have_url(filtered)
    table = page.get_by_role("region", name="Traces, table")
    expect(table.get_by_role("row")).to_have_count(3)  # its head, exhausted and abandoned
    page.locator(f'a[href="/t/{gallery["exhausted"]}"]').click()
    expect(page).to_have_url(f"{live_server.url}/t/{gallery['exhausted']}")
    expect(page.get_by_role("region", name="What happened")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(filtered)
    expect(table.get_by_role("row")).to_have_count(3)


def test_a_failing_feature_leads_to_its_requests_and_back_restores_them(
    page, live_server, signed_in, gallery
):
    drill_down(page, live_server, gallery)


def test_the_way_from_the_overview_to_a_trace_needs_no_script(
    plain, live_server, signed_in, gallery
):
    drill_down(plain, live_server, gallery)


def test_a_part_of_the_chart_is_reached_by_keyboard_and_narrows_the_range(
    page, live_server, signed_in, gallery
):
    page.goto(f"{live_server.url}/traces?from=now-1h&status=failed")
    page.get_by_text("View as table").focus()
    page.keyboard.press("Enter")
    parts = page.get_by_role("region", name="Requests as a table").get_by_role("link")
    parts.last.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"from=20[^&]*Z&status=failed&to=20[^&]*Z"))
    expect(page.get_by_role("link", name=re.compile("Remove filter: range"))).to_be_visible()


def test_columns_are_chosen_and_a_shared_address_shows_them_again(
    page, live_server, signed_in, gallery
):
    page.goto(f"{live_server.url}/traces?from=now-1h")
    page.get_by_text("Columns", exact=True).first.click()
    for column in ("Feature", "Tenant", "Route"):
        page.get_by_role("checkbox", name=column, exact=True).uncheck()
    page.get_by_role("checkbox", name="App version").check()
    page.get_by_role("button", name="Show").click()
    head = page.get_by_role("region", name="Traces, table").get_by_role("columnheader")
    expect(head.filter(has_text="App version")).to_be_visible()
    expect(head.filter(has_text="Tenant")).to_have_count(0)
    page.goto(page.url)
    expect(head.filter(has_text="App version")).to_be_visible()


def test_live_swaps_the_rows_alone_and_leaves_an_open_menu_open(
    page, live_server, signed_in, gallery
):
    page.goto(f"{live_server.url}/traces?from=now-1h&live=1")
    page.get_by_text("Filter", exact=True).click()
    page.evaluate("document.getElementById('results').dataset.old = 'yes'")
    page.evaluate("htmx.trigger('#results', 'poll')")
    expect(page.locator("#results")).not_to_have_attribute("data-old", "yes")
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
