"""A window's end is foretold by what is taken of it and by the windows before it."""

from datetime import UTC, datetime, timedelta

from apps.ledger.forecast import Forecast, TooEarly, before, forecast
from apps.ledger.models import CapWindow
from apps.ledger.spending import Spending
from apps.ledger.windows import key_hash
from routerctl.engine.specs import CapSpec

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
MIDNIGHT = NOON - timedelta(hours=12)
DAY = timedelta(days=1)


def day(taken: int, *, ago: int = 0) -> Spending:
    starts_at = MIDNIGHT - ago * DAY
    return Spending({}, starts_at, starts_at + DAY, taken, 0)


def told(now: Spending, *earlier: Spending, limit: int = 1000) -> Forecast | TooEarly | None:
    return forecast(now, earlier, "day", limit, NOON)


def test_the_rest_of_a_day_takes_what_such_a_part_of_a_day_took_before() -> None:
    assert told(day(300), day(100, ago=1), day(200, ago=2), day(600, ago=3)) == Forecast(
        expected=300 + 150, least=300 + 50, most=300 + 300, periods=3, runs_out_at=None
    )


def test_it_runs_out_when_the_expected_rest_does_not_fit() -> None:
    found = told(day(300), *(day(400, ago=ago) for ago in (1, 2, 3)), limit=400)
    assert isinstance(found, Forecast)
    assert found.runs_out_at == NOON + timedelta(hours=6)


def test_a_window_that_is_full_has_run_out() -> None:
    found = told(day(400), *(day(400, ago=ago) for ago in (1, 2, 3)), limit=400)
    assert isinstance(found, Forecast)
    assert found.runs_out_at == NOON


def test_a_day_without_any_request_counts_as_nothing() -> None:
    found = told(day(0), day(600, ago=1), day(600, ago=4))
    assert isinstance(found, Forecast)
    assert (found.expected, found.least, found.periods) == (150, 0, 4)


def test_with_less_than_three_days_there_is_none() -> None:
    assert told(day(300)) == TooEarly(0)
    assert told(day(300), day(100, ago=1), day(100, ago=2)) == TooEarly(2)


def test_a_total_has_none() -> None:
    total = Spending({}, MIDNIGHT, None, 5, 0)
    assert forecast(total, (), "total", 10, NOON) is None


def test_what_went_before_is_found_by_key(db: None) -> None:

    for tenant, ago in (("acme", 1), ("acme", 3), ("globex", 2), ("acme", 9)):
        starts_at = MIDNIGHT - ago * DAY
        CapWindow.objects.create(
            cap="daily", unit="nano_usd", period="day", key_hash=key_hash((tenant,)),
            key={"tenant": tenant}, starts_at=starts_at, ends_at=starts_at + DAY,
            settled=ago, held=0,
        )  # fmt: skip
    now = Spending({"tenant": "acme"}, MIDNIGHT, MIDNIGHT + DAY, 0, 0)
    found = before(CapSpec("daily", per=("tenant",)), "nano_usd", [now])
    assert [one.settled for one in found[key_hash(("acme",))]] == [1, 3]
