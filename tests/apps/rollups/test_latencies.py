"""Histograms tell percentiles within five percent."""

import itertools
import random

import pytest

from apps.rollups.latencies import BOUNDS_MS, LONGEST_MS, percentile_ms, told_ms


def test_what_stands_for_a_bucket_is_within_five_percent_of_all_that_it_holds() -> None:
    for bucket, (lowest, after) in enumerate(itertools.pairwise(BOUNDS_MS), start=1):
        for value in (lowest, after - 1):
            assert abs(told_ms(bucket) - value) <= 0.05 * value
    assert BOUNDS_MS[-1] > LONGEST_MS
    assert len(BOUNDS_MS) < 2**15


def _buckets(values: list[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for value in values:
        bucket = sum(bound <= value for bound in BOUNDS_MS)
        counts[bucket] = counts.get(bucket, 0) + 1
    return counts


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99, 1.0])
def test_a_percentile_is_within_five_percent_of_the_exact_one(share: float) -> None:
    rng = random.Random(7)
    for number in (1, 2, 19, 20, 21, 400):
        values = sorted(round(rng.lognormvariate(6, 1.5)) for _ in range(number))
        exact = next(v for n, v in enumerate(values, start=1) if n >= share * number - 1e-9)
        told = percentile_ms(share, _buckets(values))
        assert told is not None
        assert abs(told - exact) <= 0.05 * exact


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile_ms(0.95, {}) is None
