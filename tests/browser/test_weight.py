"""What a page weighs on a first visit: everything it loads, compressed as it travels."""

import gzip

from tests.browser.screenshots import addresses

MOST_BYTES = 150 * 1024
CHARTS = "plotly"
"""What the bound leaves out: only pages with large charts load it."""


def test_no_page_weighs_more_than_150_kb(page, live_server, signed_in, gallery):
    weights = {}

    def weigh(answer):
        if not 300 <= answer.status < 400 and CHARTS not in answer.url:
            weights[answer.url] = len(gzip.compress(answer.body()))

    page.route("**", lambda route: route.continue_())  # nothing comes from the browser's cache
    page.on("response", weigh)
    for name, path in addresses(gallery).items():
        weights.clear()
        page.goto(live_server.url + path, wait_until="networkidle")
        assert any(url.endswith("app.css") for url in weights), name
        assert sum(weights.values()) <= MOST_BYTES, (name, weights)
