import pytest
from django.db import connection

from apps.accounts.tenants import EVERY_TENANT, Tenants
from apps.traces.aggregates import histogram
from apps.traces.bounded import if_quick
from apps.traces.filters import TraceFilter
from routerctl.engine.types import RoutingRequest
from tests.apps.traces.stored import keep, stored
from tests.browser.gallery import at

pytestmark = pytest.mark.django_db

NOON_MS = 1_760_000_000_000
EDGES = (NOON_MS, NOON_MS + 1000, NOON_MS + 2000)


def test_traces_are_counted_by_the_part_they_began_in_and_their_status() -> None:
    keep(
        at(stored(), NOON_MS),
        at(stored(), NOON_MS + 999),
        at(stored(error_code="provider_error"), NOON_MS + 1000),
        at(stored(), NOON_MS + 5000),
    )
    counts = histogram(TraceFilter(), EDGES, tenants=EVERY_TENANT)
    assert counts["succeeded"] == (2, 0, 1)
    assert counts["failed"] == (0, 1, 0)
    assert counts["blocked"] == counts["degraded"] == (0, 0, 0)


def test_only_what_is_wanted_and_visible_is_counted() -> None:
    keep(
        at(stored(request=RoutingRequest(tenant="acme")), NOON_MS),
        at(stored(request=RoutingRequest(tenant="globex")), NOON_MS + 1),
    )
    acme = histogram(TraceFilter(), EDGES, tenants=Tenants.of(["acme"]))
    assert acme["succeeded"] == (1, 0, 0)
    none = histogram(TraceFilter(tenant="globex"), EDGES, tenants=Tenants.of(["acme"]))
    assert sum(none["succeeded"]) == 0


def test_a_query_that_takes_too_long_is_given_up_and_the_next_one_has_its_time() -> None:
    def slow() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")
        return "done"

    def quick() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            (setting,) = cursor.fetchone()
        return str(setting)

    assert if_quick(slow, within_ms=20) is None
    assert if_quick(quick, within_ms=2000) == "2s"
    assert quick() == "0"
