"""Latencies as histograms that can be merged: buckets with fixed bounds, the same for everybody.

Short times have a bucket for each millisecond. From there on a bucket is 8 percent wide, so that
the value which stands for it (`told_ms`) is within 5 percent of all that it may hold.
"""

LONGEST_MS = 3_600_000
"""What took longer is in the last bucket."""


def _bounds() -> tuple[int, ...]:
    bounds = [0]
    while bounds[-1] <= LONGEST_MS:
        bounds.append(bounds[-1] + max(1, bounds[-1] * 2 // 25))
    return tuple(bounds)


BOUNDS_MS = _bounds()
"""Where each bucket begins, from bucket 1 on: PostgreSQL's `width_bucket` counts from 1."""


def told_ms(bucket: int) -> int:
    """The value that stands for `bucket`: as far, in proportion, from its lowest as from its
    highest."""
    lowest = BOUNDS_MS[bucket - 1]
    highest = BOUNDS_MS[bucket] - 1 if bucket < len(BOUNDS_MS) else lowest
    if not highest:
        return 0
    return round(2 * lowest * highest / (lowest + highest))


def percentile_ms(share: float, counts: dict[int, int]) -> int | None:
    """The least value that at least `share` of all do not exceed, as near as buckets tell it; None
    of nothing. `counts` says how many are in each bucket."""
    left = share * sum(counts.values())
    for bucket in sorted(counts):
        left -= counts[bucket]
        if left <= 1e-9 and counts[bucket]:
            return told_ms(bucket)
    return None
