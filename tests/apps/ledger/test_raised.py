"""A cap that is raised for a while lets more pass until then, and not a moment longer."""

from datetime import UTC, datetime

import pytest

from apps.ledger.batcher import Ledger
from apps.ledger.reconciler import connect, reconcile
from apps.ledger.records import Claim, Hold
from routerctl.engine.caps import compile_caps, limit_at
from routerctl.engine.errors import RouterError
from routerctl.engine.specs import CapSpec, RaisedLimit
from tests.apps.ledger import made
from tests.apps.ledger.stored import Stored

DAILY = compile_caps([CapSpec("daily", limit_requests=1)]).named["daily"]


async def _asked(ledger: Ledger) -> str:
    """How a request for one more fares."""
    [id_] = await ledger.windows([DAILY], [()])
    usual = made.hold(made.head())
    hold = Hold(trace_id=usual.trace_id, n=1, claims=(Claim(10, (id_,), (1,)),), head=usual.head)
    try:
        await ledger.reserve(hold)
    except RouterError as error:
        return error.code
    return "admitted"


@pytest.fixture
def raised(stored: Stored) -> Stored:
    """A cap of one request a day, raised to three."""
    stored.do(
        "INSERT INTO policies_cap (slug, position, scope, per, missing, period, time_zone, mode,"
        " actions, limit_requests, raised_to, raised_until) VALUES ('daily', 1, '{}', '[]',"
        " 'share', 'day', 'UTC', 'closed', '[]', 1, 3, now() + interval '1 hour')"
    )
    return stored


async def test_as_much_more_passes_until_then(ledger: Ledger, raised: Stored) -> None:
    assert [await _asked(ledger) for _ in range(4)] == ["admitted"] * 3 + ["cap_reached"]


async def test_it_ends_by_itself(ledger: Ledger, raised: Stored) -> None:
    assert await _asked(ledger) == "admitted"
    raised.do("UPDATE policies_cap SET raised_until = now() - interval '1 ms'")
    assert await _asked(ledger) == "cap_reached"


async def test_what_passed_meanwhile_is_not_found_wrong_afterwards(
    dsn: str, ledger: Ledger, raised: Stored
) -> None:
    for _ in range(3):
        await _asked(ledger)
    raised.do("UPDATE policies_cap SET raised_until = now()")
    async with await connect(dsn) as connection:
        assert await reconcile(connection, datetime.now(UTC)) == []


def test_the_engine_reckons_with_the_limit_of_the_moment() -> None:
    spec = CapSpec("daily", limit_requests=1, raised=RaisedLimit(3, 1_000))
    assert [limit_at(spec, moment) for moment in (0, 999, 1_000, 1_001)] == [
        ("requests", limit) for limit in (3, 3, 1, 1)
    ]
