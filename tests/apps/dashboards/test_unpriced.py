"""Where a model has no price, the pages say in plain words that no money cap lets it be called; one
that is free passes."""

import re
from html import unescape

import pytest
from django.utils.html import strip_tags

from apps.policies.apply import apply
from routerctl.engine.specs import CapSpec
from tests.apps.policies.files import deployment, price, route, small
from tests.apps.traces.stored import TRACE_ID, attempt, keep, stored
from tests.engine import builders as engine

pytestmark = pytest.mark.django_db

WHY = "It has no price, so cap daily could not be kept."


@pytest.fixture
def capped():
    """An unpriced model, then a free one, under a cap of money that counts everything."""
    free = price(usd="0", output_usd_per_mtok="0")
    apply(
        small(
            deployments=[
                deployment(slug="vendor/new", prices=[]),
                deployment(slug="vendor/local", prices=[free]),
            ],
            gates=[],
            routes=[route(candidates=["vendor/new", "vendor/local"])],
        ),
        reason="for a test",
    )


def shown(answer):
    return " ".join(unescape(strip_tags(answer.content.decode().replace("<", " <"))).split())


def rows(answer):
    """The candidates' table, a row a candidate."""
    found = re.findall(r'<tr class="tall">(.*?)</tr>', answer.content.decode(), re.DOTALL)
    return [" ".join(unescape(strip_tags(row.replace("<", " <"))).split()) for row in found]


def test_the_simulator_says_why_an_unpriced_model_is_left_out_and_chooses_the_free_one(
    support, capped
):
    unpriced, free = rows(support.post("/simulate", {"text": "Hello", "plan": "free"}))
    assert unpriced.startswith("vendor/new")
    assert WHY in unpriced
    assert free.startswith("vendor/local Chosen")


def test_the_page_of_a_trace_says_it_of_the_request_it_was_left_out_of(support):
    local = engine.price(0, 0)
    decided = engine.ask(
        engine.revision(
            engine.route("new", "local"),
            deployments=(
                engine.deployment("new", prices=()),
                engine.deployment("local", prices=(local,)),
            ),
            caps=(CapSpec("daily", limit_nano_usd=10**9),),
        )
    )
    keep(stored(attempt(deployment="local"), decided=decided))
    page = shown(support.get(f"/t/{TRACE_ID}"))
    assert "new Left out " in page
    assert WHY in page


def test_the_page_of_the_model_says_what_having_no_price_means(client, person, capped):
    client.force_login(person("finance"))
    assert "not routable under a money cap" in shown(client.get("/deployments/vendor/new"))
    assert "not routable under a money cap" not in shown(client.get("/deployments/vendor/local"))


def test_the_page_of_its_prices_says_what_having_none_means(client, person, capped):
    client.force_login(person("finance"))
    assert "not routable under a money cap" in shown(client.get("/prices/vendor/new"))
    assert "not routable under a money cap" not in shown(client.get("/prices/vendor/local"))
