"""Objects and keys in a real browser: the first journeys, and what no text may do."""

import pytest
from django.test import Client
from playwright.sync_api import expect

from apps.accounts import keys, people
from apps.policies import editing
from tests.apps.dashboards.objects.conftest import save

HOSTILE = (
    "<script>window.ran=1</script>\"><img src=x onerror=window.ran=1>'><svg/onload=window.ran=1>"
    "</textarea></pre></template></title><iframe srcdoc='<script>top.ran=1</script>'></iframe>"
    "{{7*7}}${7*7}javascript:window.ran=1"
)
SHORT = "\"><img src=x onerror='window.ran=1'><!--"


def test_product_turns_a_flag_on_with_a_reason_and_sees_it_in_the_log(
    page, live_server, sign_in, configured, as_seen
):
    sign_in("product")
    page.goto(f"{live_server.url}/flags")
    page.get_by_role("switch", name="cheaper-chat").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Share").fill("25")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Give a reason")
    dialog.get_by_label("Reason").fill("Free chat costs too much.")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Flag cheaper-chat is on.")
    expect(page.get_by_role("switch", name="cheaper-chat")).to_be_checked()
    expect(page.get_by_text("25 % of tenants")).to_be_visible()
    page.goto(f"{live_server.url}/log")
    expect(page.get_by_text("Free chat costs too much.").first).to_be_visible()
    page.goto(f"{live_server.url}/flags/cheaper-chat?tab=history")
    expect(page.get_by_text("Product Sato").nth(1)).to_be_visible()


def test_an_engineer_adds_a_local_provider_and_sees_a_test_call_answered(
    page, live_server, sign_in, configured, mock, as_seen
):
    sign_in("engineer")
    page.goto(f"{live_server.url}/providers")
    page.get_by_role("link", name="New provider").click()
    page.get_by_label("Name", exact=True).fill("basement")
    page.get_by_label("Base URL").fill(f"{mock.url}/basement/v1")
    page.get_by_label("Attributes, row 1: name").fill("dpa_signed")
    page.get_by_label("Attributes, row 1: value").fill("true")
    page.get_by_role("button", name="Add an attribute").click()
    page.get_by_label("Attributes, row new: name").fill("region")
    page.get_by_label("Attributes, row new: value").fill("eu")
    page.get_by_label("Reason").fill("A model of our own")
    expect(page.locator("#difference")).to_contain_text("attributes.region")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(f"{live_server.url}/providers/basement")

    page.get_by_role("link", name="Add a deployment").click()
    page.get_by_label("Name", exact=True).fill("basement/mini")
    page.get_by_label("Provider").select_option("basement")
    page.get_by_label("Model").fill("qwen3-8b")
    page.get_by_label("Region").fill("eu")
    page.get_by_label("Context window").fill("32000")
    page.get_by_label("Longest output").fill("4096")
    page.get_by_label("Reason").fill("To be tried")
    expect(page.locator("#difference")).to_contain_text("qwen3-8b")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(f"{live_server.url}/deployments/basement/mini")

    page.goto(f"{live_server.url}/providers/basement")
    page.get_by_role("link", name="Test call to basement/mini").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Call").click()
    expect(dialog.get_by_text("Answered")).to_be_visible()
    expect(dialog).to_contain_text("No price is in force")


def test_a_form_works_without_script_from_a_new_row_to_the_save(
    browser, live_server, sign_in, configured, context
):
    sign_in("engineer")
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = plain.new_page()
    page.goto(f"{live_server.url}/providers/-/edit/local")
    page.get_by_role("button", name="Add an attribute").click()
    page.get_by_label("Attributes, row 3: name").fill("region")
    page.get_by_label("Attributes, row 3: value").fill("eu")
    page.get_by_label("Reason").fill("It stands in the cellar")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved yet")
    expect(page.locator("#difference")).to_contain_text("attributes.region")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(f"{live_server.url}/providers/local")
    expect(page.get_by_text("Saved provider local")).to_be_visible()
    plain.close()


def test_two_people_at_one_object_see_each_others_change_and_lose_nothing(
    page, live_server, sign_in, configured
):
    sign_in("product")
    page.goto(f"{live_server.url}/features/-/edit/support-chat")
    editing.amend(
        *("features", "support-chat", {"owner": "them@example.com"}),
        person=None,
        source="command",
        reason="They were quicker",
    )
    page.get_by_label("Owner").fill("me@example.com")
    page.get_by_label("Reason").fill("It is mine")
    expect(page.locator("#difference")).to_contain_text("me@example.com")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("They were quicker")
    table = page.get_by_role("region", name="What differs")
    for said in ("support@example.com", "them@example.com", "me@example.com"):
        expect(table).to_contain_text(said)
    page.get_by_role("button", name="Look at mine again").click()
    expect(page.get_by_label("Owner")).to_have_value("me@example.com")
    expect(page.get_by_label("Reason")).to_have_value("It is mine")
    page.get_by_label("Owner").fill("us@example.com")
    page.get_by_label("Reason").click()
    expect(page.locator("#difference")).to_contain_text("us@example.com")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(f"{live_server.url}/features/support-chat")


def test_a_key_is_made_and_its_token_copied_once(page, live_server, context, sign_in, configured):
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    sign_in("engineer")
    page.goto(f"{live_server.url}/keys")
    page.get_by_role("link", name="New key").first.click()
    page.get_by_label("Name", exact=True).fill("Backend")
    page.get_by_label("Tenant").fill("acme")
    page.get_by_label("Reason").fill("The new backend")
    page.get_by_role("button", name="Make the key").click()
    page.get_by_role("button", name="Copy the token").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    token = page.evaluate("navigator.clipboard.readText()")
    assert keys.KeyRing.load().authenticate(token.encode()) is not None
    page.get_by_role("link", name="Done, go to the key").click()
    assert token not in page.content()


# --------------------------------------------------------------------------- hostile texts


@pytest.fixture
def hostile(configured):
    """Hostile text in every field that takes text, given by somebody with a hostile name."""
    person = people.create(
        email="mallory@example.com",
        name=SHORT,
        role="admin",
        tenants=["*"],
        password="Lantern-Harbour-42",
        reason=HOSTILE,
    )
    client = Client()
    client.force_login(person)
    for path, typed in (
        ("/features/-/edit/support-chat", {"owner": HOSTILE[:200]}),
        ("/prompts/-/edit/strict-support", {"system": HOSTILE}),
        (
            "/providers/-/edit/local",
            {
                "adapter": "openai",
                "base_url": "http://127.0.0.1:1/%22%3E<script>window.ran=1</script>",
                "attributes-0-name": "dpa_signed",
                "attributes-0-value": SHORT,
            },
        ),
        (
            "/deployments/-/edit/local/mini",
            {
                "provider": "local",
                "model": HOSTILE[:200],
                "region": SHORT,
                "context_window": "1000",
                "max_output_tokens": "100",
                "enabled": "on",
            },
        ),
        (
            "/flags/-/edit/cheaper-chat",
            {"percent": "10", "sticky_by": "tenant", "enabled": "on"},
        ),
    ):
        assert save(client, path, reason=HOSTILE, **typed).status_code == 303, path
    made, _ = keys.create(
        name=SHORT, tenant=SHORT, app=SHORT, person=person, source="page", reason=HOSTILE
    )
    return person, made


def test_no_text_that_somebody_typed_runs_on_any_page(page, live_server, sign_in, hostile):
    person, made = hostile
    sign_in("admin", person)
    seen = 0
    for path in (
        *("/features", "/features/support-chat", "/features/-/edit/support-chat"),
        *("/prompts", "/prompts/strict-support", "/prompts/-/edit/strict-support"),
        *("/providers", "/providers/local", "/providers/-/edit/local"),
        *("/providers/-/secret/local", "/providers/-/delete/local"),
        *("/deployments", "/deployments/local/mini", "/deployments/-/edit/local/mini"),
        *("/deployments/-/call/local/mini", "/deployments/-/price/local/mini"),
        *("/flags", "/flags/cheaper-chat", "/flags/-/switch/cheaper-chat"),
        *(
            f"/{kind}?tab={tab}"
            for tab in ("history", "yaml")
            for kind in (
                "features/support-chat",
                "prompts/strict-support",
                "providers/local",
                "deployments/local/mini",
                "flags/cheaper-chat",
            )
        ),
        *("/keys", f"/keys/{made.prefix}", f"/keys/{made.prefix}/rotate"),
        *(f"/keys/{made.prefix}/revoke", "/keys?q=%3Cscript%3Ewindow.ran%3D1%3C/script%3E"),
        "/features?q=%22%3E%3Cscript%3Ewindow.ran%3D1%3C/script%3E",
    ):
        page.goto(live_server.url + path)
        assert page.evaluate("window.ran") is None, path
        assert page.locator("img, iframe, main script").count() == 0, path
        seen += "window.ran=1" in page.locator("body").inner_text()
    assert seen > 20, "the hostile texts are shown, or this proves nothing"


def test_no_text_runs_while_it_is_typed_or_refused(page, live_server, sign_in, configured):
    sign_in("admin")
    page.goto(f"{live_server.url}/features/-/edit/support-chat")
    page.get_by_label("Owner").fill(HOSTILE[:200])
    page.get_by_label("Reason").fill(HOSTILE)
    expect(page.locator("#difference")).to_contain_text("window.ran=1")
    page.goto(f"{live_server.url}/features/-/new")
    page.get_by_label("Name").fill(SHORT)
    page.get_by_label("Quality floor").fill(SHORT)
    page.get_by_label("Reason").fill(SHORT)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("is no slug")
    page.goto(f"{live_server.url}/flags/-/switch/cheaper-chat")
    page.get_by_label("Share").fill("101")
    page.get_by_label("Reason").fill(SHORT)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.evaluate("window.ran") is None
    assert page.locator("img").count() == 0
