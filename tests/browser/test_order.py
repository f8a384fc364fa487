"""The order of routes, changed by dragging and by keys; the server asks for the reason."""

from playwright.sync_api import expect

from apps.policies import editing


def order():
    return [held.slug for held in editing.entries("routes")]


def routes(page):
    return page.locator("tr[data-move]")


def move(page, reason):
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    with page.expect_navigation():
        dialog.get_by_role("button", name="Move").click()
    expect(page.get_by_role("status").first).to_contain_text("has its new place")


def test_a_route_is_moved_by_dragging_its_row(page, live_server, sign_in, configured):
    sign_in("engineer")
    page.goto(f"{live_server.url}/routes")
    first, *between, last = order()
    routes(page).last.drag_to(routes(page).first)
    expect(page.get_by_label("Its place")).to_have_value(first)
    move(page, "The special case comes first.")
    assert order() == [last, first, *between]
    routes(page).first.drag_to(routes(page).last)
    expect(page.get_by_label("Its place")).to_have_value("-")
    move(page, "Back to where it was.")
    assert order() == [first, *between, last]


def test_a_route_is_moved_with_the_keyboard_alone(page, live_server, sign_in, configured):
    sign_in("engineer")
    page.goto(f"{live_server.url}/routes")
    first, second, *rest = order()
    page.get_by_role("link", name=second, exact=True).focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_label("Its place")).to_have_value(first)
    move(page, "It is asked for more often.")
    assert order() == [second, first, *rest]


def test_who_may_not_change_routes_cannot_drag_them(page, live_server, sign_in, configured):
    sign_in("support")
    page.goto(f"{live_server.url}/routes")
    expect(page.get_by_role("table")).to_be_visible()
    assert routes(page).count() == 0
