"""Finance lowers a cap in a real browser, requests feel it, and every page tells of it."""

from playwright.sync_api import Browser, Page, expect

from tests.flow.client import Client
from tests.flow.documents import deployment, document, provider, route
from tests.processes import Mock, Server

EMAIL, PASSWORD = "fin@example.com", "Lantern-Harbour-42"
FREE = [{"from": "2026-01-01", "input_usd_per_mtok": "0", "output_usd_per_mtok": "0"}]
CAP = {"slug": "support-daily", "scope": {"feature": "support"}, "period": "day"}
POLICY = document(
    [provider("acme"), provider("basement", local=True)],
    [deployment("acme/dear"), deployment("basement/mini", prices=FREE)],
    [route("support", "acme/dear", "basement/mini")],
    caps=[{**CAP, "limit_usd": "25.00"}],
)


def signed_in(browser: Browser, server: Server) -> Page:
    page = browser.new_context().new_page()
    page.goto(f"{server.url}/sign-in/")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{server.url}/")
    return page


def test_finance_lowers_a_cap_after_a_look_back_and_requests_degrade(
    browser: Browser, server: Server, mock: Mock
) -> None:
    server.apply(POLICY)
    create = ("create_user", "--email", EMAIL, "--role", "finance", "--password-stdin")
    server.manage(*create, stdin=PASSWORD)
    key = server.create_key("--scopes", "generate,read", "--disclose", "deployment")
    with Client(server, key) as client:
        for _ in range(3):
            assert client.generate("support").json()["model"] == "acme/dear"

        page = signed_in(browser, server)
        page.get_by_role("link", name="Caps", exact=True).click()
        page.get_by_role("link", name="support-daily").click()
        page.get_by_role("link", name="Edit", exact=True).click()
        page.wait_for_load_state()  # what is typed before the scripts run is not looked at
        money = page.get_by_role("textbox", name="Money (optional)", exact=True)
        money.fill("0")
        money.blur()
        expect(page.locator("#difference ins").first).to_contain_text("0")
        expect(page.locator("#difference")).to_contain_text("It would have tripped 1 time")
        expect(page.locator("#difference")).to_contain_text(
            "3 requests would have gone to basement/mini"
        )
        page.get_by_label("Reason").fill("November is over budget")
        page.get_by_role("button", name="Save").click()
        expect(page).to_have_url(f"{server.url}/caps/support-daily")

        felt = client.generate("support").json()
        for _ in range(400):  # in force everywhere within two seconds
            if not felt["degraded"]:
                felt = client.generate("support").json()
        assert felt["model"] == "basement/mini"
        assert felt["degraded"]["reason"] == "cap_reached"

        page.reload()
        expect(page.locator("main")).to_contain_text("At the limit")
        turned = page.get_by_role("region", name="At the limit of late")
        expect(turned).to_contain_text("1 answered by a cheaper model")
    page.goto(f"{server.url}/log?kind=cap")
    newest = page.locator(".log > li").first
    expect(newest).to_contain_text("November is over budget")
    expect(newest.locator("del")).to_contain_text("25.00")
    expect(newest.locator("ins")).to_contain_text("0")
    page.context.close()
