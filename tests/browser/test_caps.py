"""Finance lowers a cap in a real browser, and the change log tells of it."""

from playwright.sync_api import expect


def test_finance_lowers_a_cap_with_a_reason_and_the_log_shows_both_limits(
    page, live_server, sign_in, configured
):
    sign_in("finance")
    page.goto(live_server.url)
    page.get_by_role("link", name="Caps", exact=True).click()
    page.get_by_role("link", name="support-chat-free-daily").click()
    page.get_by_role("link", name="Edit", exact=True).click()
    money = page.get_by_role("textbox", name="Money")
    money.fill("15.00")
    money.blur()
    expect(page.locator("#difference ins")).to_contain_text("15.00")
    page.get_by_label("Reason").fill("November is over budget")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(f"{live_server.url}/caps/support-chat-free-daily")
    expect(page.locator("main")).to_contain_text("of $15.00")
    page.goto(f"{live_server.url}/log?kind=cap")
    newest = page.locator(".log > li").first
    expect(newest).to_contain_text("November is over budget")
    expect(newest.locator("del")).to_contain_text("25.00")
    expect(newest.locator("ins")).to_contain_text("15.00")
