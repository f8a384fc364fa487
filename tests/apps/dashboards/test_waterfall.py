import pytest

from apps.dashboards.waterfall import Bar, Tick, waterfall
from tests.apps.traces.stored import attempt


def lane(made, latency_ms=1000, stall_ms=20_000):
    return waterfall([made], latency_ms, stall_ms).lanes[0]


def test_a_stream_waits_for_its_first_token_and_then_receives():
    assert lane(attempt(started_ms=0, duration_ms=1000, first_token_ms=250)) == (
        Bar("waiting", "0.000%", "25.000%"),
        Bar("receiving", "25.000%", "75.000%"),
    )


def test_a_whole_answer_is_waited_for_to_its_end():
    assert lane(attempt(started_ms=200, duration_ms=800)) == (Bar("waiting", "20.000%", "80.000%"),)


def test_the_last_of_a_stalled_stream_was_silence():
    made = attempt(duration_ms=10_000, first_token_ms=1000, error_class="stalled")
    kinds = [(bar.kind, bar.x) for bar in lane(made, latency_ms=10_000, stall_ms=6000)]
    assert kinds == [("waiting", "0.000%"), ("receiving", "10.000%"), ("silent", "40.000%")]


def test_silence_never_begins_before_the_first_token():
    made = attempt(duration_ms=5000, first_token_ms=4000, error_class="stalled")
    assert [bar.kind for bar in lane(made, latency_ms=5000, stall_ms=20_000)] == [
        "waiting",
        "silent",
    ]


def test_an_attempt_that_took_no_time_can_still_be_seen():
    (only,) = lane(attempt(started_ms=500, duration_ms=0))
    assert (only.x, only.width) == ("50.000%", "0.400%")


def test_the_axis_reaches_beyond_the_answer_to_what_was_cancelled_after_it():
    drawn = waterfall([attempt(started_ms=0, duration_ms=4200)], 900, 20_000)
    assert drawn.ticks[-1].label == "5 s"


@pytest.mark.parametrize(
    ("latency_ms", "labels"),
    [
        (0, ["0 ms", "1 ms"]),
        (4, ["0 ms", "1", "2", "3", "4 ms"]),
        (316, ["0 ms", "100", "200", "300", "400 ms"]),
        (1320, ["0 s", "0.5", "1", "1.5 s"]),
        (10_640, ["0 s", "2", "4", "6", "8", "10", "12 s"]),
        (600_000, ["0 s", "100", "200", "300", "400", "500", "600 s"]),
    ],
)
def test_the_axis_has_round_numbers_and_its_unit_at_both_ends(latency_ms, labels):
    assert [tick.label for tick in waterfall([], latency_ms, 20_000).ticks] == labels


def test_ticks_stand_where_their_numbers_are():
    assert waterfall([], 4, 20_000).ticks[1] == Tick("25.000%", "1")


def test_the_legend_names_what_is_drawn_in_the_order_of_time():
    stalled = attempt(duration_ms=9000, first_token_ms=100, error_class="stalled")
    assert waterfall([stalled], 9000, 6000).kinds == ("waiting", "receiving", "silent")
    assert waterfall([attempt()], 9000, 6000).kinds == ("waiting",)
