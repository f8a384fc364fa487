"""The change log in a real browser."""

import csv
import io
from pathlib import Path

from playwright.sync_api import expect

from apps.policies import editing


def test_an_auditor_finds_a_change_and_exports_the_log(
    page, live_server, sign_in, configured, as_seen, size
):
    product = sign_in("product")
    flag = editing.entries("flags")[0]
    by = {"person": product, "source": "page", "reason": "No complaints at 10"}
    editing.amend("flags", flag.slug, {"percent": 25}, **by)
    sign_in("auditor")
    page.goto(live_server.url)
    if size == "phone":
        page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Log", exact=True).click()
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Kind").select_option("flag")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(f"{live_server.url}/log?kind=flag")
    expect(page.locator(".log > li").first).to_contain_text("No complaints at 10")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    text = Path(download.value.path()).read_text()
    head, newest, *_ = csv.reader(io.StringIO(text))
    assert (head[0], head[3], head[8:]) == ("at (UTC)", "reason", ["field", "before", "after"])
    assert newest[3] == "No complaints at 10"
    assert newest[10] == "25"


def test_without_scripts_the_log_is_filtered(browser, live_server, sign_in, configured, context):
    sign_in("engineer")
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = plain.new_page()
    page.goto(f"{live_server.url}/log")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Kind").select_option("gate")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".log > li").first).to_contain_text("added gate")
    plain.close()
