"""The JavaScript examples of /api/docs/ run in a real browser as the page shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.flow.documents import deployment, document, provider, route
from tests.processes import Server

ONE = document(
    [provider("first")], [deployment("first/one")], [route("otherwise", "first/one", when={})]
)
RUN = "async (key) => { window.process = { env: { ROUTERCTL_API_KEY: key } }; %s }"
ID = r"[0-9a-f]{8}-[0-9a-f]{4}-7\S+"


@pytest.fixture
def documented(browser: Browser, server: Server) -> Iterator[Page]:
    """The page of a real server that answers, in a browser that nobody has signed in."""
    server.apply(ONE)
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/api/docs/?with=javascript")
    yield page
    context.close()


def test_every_javascript_example_runs_as_it_is_shown(documented: Page, server: Server):
    key = server.create_key("--scopes", "generate,read")
    printed: list[str] = []
    documented.on("console", lambda message: printed.append(message.text))
    told = {}
    for code in documented.query_selector_all("code[data-example]"):
        printed.clear()
        text = code.inner_text()
        assert server.url in text
        documented.evaluate(RUN.replace("%s", f"\n{text}\n"), key)
        told[code.get_attribute("data-example")] = "".join(printed)
    assert list(told) == [f"javascript/{t}" for t in ("request", "streaming", "trace", "errors")]
    assert "set a new password" in told["javascript/request"]
    assert "pick a password you use nowhere else" in told["javascript/streaming"]
    assert told["javascript/trace"].startswith("succeeded ")
    assert "model_not_selectable" in told["javascript/errors"]
    assert re.search(f"Trace: {ID} Ask again: false", told["javascript/errors"])
