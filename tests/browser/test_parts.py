"""What app.js adds to pages: dialogs, and regions that are asked for anew."""


def test_a_link_opens_its_page_as_a_dialog_and_corrections_stay_in_it(page, live_server, signed_in):
    page.goto(f"{live_server.url}/system/design")
    page.get_by_role("link", name="Open the dialog").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("   ")
    dialog.get_by_role("button", name="Switch off").click()
    dialog.get_by_role("alert").wait_for()
    assert "Give a reason" in dialog.inner_text()
    dialog.get_by_label("Reason").fill("It answers nonsense.")
    dialog.get_by_role("button", name="Switch off").click()
    page.get_by_text("Nothing was switched off").wait_for()
    assert not dialog.is_visible()


def test_a_dialog_is_left_with_its_cancel_button_and_with_escape(page, live_server, signed_in):
    page.goto(f"{live_server.url}/system/design")
    dialog = page.get_by_role("dialog")
    page.get_by_role("link", name="Open the dialog").click()
    dialog.get_by_role("link", name="Cancel").click()
    dialog.wait_for(state="hidden")
    page.get_by_role("link", name="Open the dialog").click()
    dialog.wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert page.url.endswith("/system/design")


def test_without_script_a_dialog_is_a_page(browser, live_server, signed_in, context):
    plain = browser.new_context(java_script_enabled=False)
    plain.add_cookies(context.cookies())
    page = plain.new_page()
    page.goto(f"{live_server.url}/system/design")
    page.get_by_role("link", name="Open the dialog").click()
    page.get_by_label("Reason").fill("It answers nonsense.")
    page.get_by_role("button", name="Switch off").click()
    assert page.get_by_text("Nothing was switched off").is_visible()
    plain.close()
