"""Every page in every state, in both themes and sizes: nothing for axe, no sideways scrolling.

With `--screenshots` it looks at each theme in each size, and writes a picture of every page; that
is what `make screenshots` does.
"""

from apps.accounts import keys
from tests.browser.axe import violations
from tests.browser.money import price_addresses
from tests.browser.screenshots import addresses, key_addresses, object_addresses


def test_every_page_is_fit_to_be_seen(look, signed_in, policy, beating, gallery):
    for name, path in addresses(gallery).items():
        look(name, path)


def test_every_page_of_an_object_is_fit_to_be_seen(look, sign_in, configured, spending):
    admin = sign_in("admin")
    made, _ = keys.create(name="Backend", tenant="acme", person=admin, reason="The new backend")
    for name, path in {**object_addresses(), **key_addresses(made.prefix)}.items():
        look(name, path)


def test_every_page_of_prices_is_fit_to_be_seen(look, sign_in):
    sign_in("finance")
    look("prices-nothing-yet", "/prices")
    look("prices-no-proposals", "/prices?tab=proposals")
    look("invoices-nothing-yet", "/invoices")
    for name, path in price_addresses().items():
        look(name, path)


def test_the_first_pages_of_a_new_installation_are_fit_to_be_seen(look, context, signed_in):
    look("traces-nothing-yet", "/traces")
    look("simulate-nothing-yet", "/simulate")
    look("system-no-process", "/system")
    context.clear_cookies()
    look("sign-in", "/sign-in/")


def test_axe_looks(page, live_server):
    page.goto(f"{live_server.url}/sign-in/")
    page.evaluate("document.querySelector('label').remove()")
    assert any(found.startswith("label:") for found in violations(page))


def test_the_watch_sees_broken_policy_and_what_comes_from_elsewhere(page, live_server, watch):
    page.goto(f"{live_server.url}/sign-in/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x')")
    page.evaluate("document.body.append(document.createElement('script'))")
    page.evaluate("document.body.lastChild.text = 'window.ran = true'")
    page.evaluate("new Image().src = 'http://elsewhere.invalid/x.png'")
    page.wait_for_timeout(200)
    wrong = "\n".join(watch.taken())
    assert "inline style" in wrong
    assert "inline script" in wrong
    assert "elsewhere.invalid" in wrong
    assert not page.evaluate("window.ran")
