"""Which buckets a request takes from, and how far it may go."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from routerctl.engine.rate_limits import PERIODS_US, buckets_of, compile_rate_limits
from routerctl.engine.specs import RateLimitSpec, ReservedShare
from tests.engine.builders import request

RESERVED = ReservedShare(("pro",), 25)


def limit(slug="limit", limit_requests=60, period="minute", **facts):
    return RateLimitSpec(slug, limit_requests, period, **facts)


def buckets(*limits, **facts):
    return buckets_of(compile_rate_limits(limits), request(**facts))


def test_a_request_takes_of_every_limit_that_counts_it_in_their_order():
    limits = (
        limit("all"),
        limit("free-only", scope={"plan": "free"}),
        limit("both", scope={"plan": ("free", "pro"), "tenant": "acme"}),
    )
    assert [b.limit.slug for b in buckets(*limits, plan="pro", tenant="acme")] == ["all", "both"]
    assert [b.limit.slug for b in buckets(*limits, plan="free")] == ["all", "free-only"]


def test_a_limit_for_each_has_a_bucket_for_each_value_and_one_for_those_without():
    split = limit(per=("tenant", "metadata.ticket"))
    [one] = buckets(split, tenant="acme", metadata={"ticket": "T-1"})
    [none] = buckets(split, tenant=None, metadata={})
    assert one.key == ("limit", "acme", "T-1")
    assert none.key == ("limit", "", "")


def test_a_minute_of_sixty_has_room_for_as_many_or_for_its_burst():
    [whole] = buckets(limit())
    [burst] = buckets(limit(burst=10))
    assert (whole.limit.interval_us, whole.room_us) == (1_000_000, 60_000_000)
    assert (burst.limit.interval_us, burst.room_us) == (1_000_000, 10_000_000)


def test_what_is_reserved_is_there_for_its_plans_alone():
    kept = limit(burst=8, reserved=RESERVED)
    [pro], [free], [nobody] = (buckets(kept, plan=plan) for plan in ("pro", "free", None))
    assert pro.room_us == 8_000_000
    assert free.room_us == nobody.room_us == 6_000_000


@given(
    st.integers(1, 100_000),
    st.sampled_from(sorted(PERIODS_US)),
    st.one_of(st.just(UNSET), st.integers(1, 10**9)),
)
def test_a_limit_is_never_rounded_in_favour_of_the_callers(requests, period, burst):
    [bucket] = buckets(limit(limit_requests=requests, period=period, burst=burst))
    assert bucket.limit.interval_us * requests >= PERIODS_US[period]
    assert bucket.room_us // bucket.limit.interval_us == (requests if burst is UNSET else burst)
