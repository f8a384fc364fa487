"""Counting what clients say of themselves, without letting them fill the memory."""

from apps.gateway.metrics import MOST_OLD_CLIENTS, OTHER, Metrics


def test_old_clients_beyond_the_bound_count_as_one() -> None:
    metrics = Metrics()
    for number in range(MOST_OLD_CLIENTS + 7):
        metrics.count_legacy("ios", f"1.{number}")
    metrics.count_legacy("ios", "1.0")
    assert len(metrics.legacy) == MOST_OLD_CLIENTS + 1
    assert metrics.legacy[OTHER] == 7
    assert metrics.legacy["ios", "1.0"] == 2
