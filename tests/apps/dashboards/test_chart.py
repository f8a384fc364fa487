from datetime import UTC, datetime

from apps.dashboards.chart import Series, chart
from apps.dashboards.timeline import timeline

NOON = int(datetime(2026, 11, 18, 12, tzinfo=UTC).timestamp() * 1000)
AXIS = timeline(NOON, NOON + 2 * 60_000)


def drawn(*series):
    return chart(AXIS, series, lambda start, end: f"?from={start}&to={end}")


def test_layers_stand_on_each_other_and_end_below_the_top():
    one = drawn(Series("Good", "fill1", (6, 0)), Series("Bad", "fill3", (2, 1)))
    good, bad = one.bars[0].layers
    assert (good.y, good.height) == ("25%", "75%")
    assert (bad.y, bad.height) == ("0%", "25%")
    assert [line.label for line in one.grid] == ["8", "4", "0"]
    assert one.bars[1].layers[0].y == "87.5%"


def test_a_series_without_anything_is_left_out():
    one = drawn(Series("Good", "fill1", (6, 0)), Series("Bad", "fill3", (0, 0)))
    assert [series.word for series in one.series] == ["Good"]
    assert one.bars[0].counts == (6,)


def test_a_chart_of_nothing_has_an_axis_and_no_peak():
    one = drawn(Series("Good", "fill1", (0, 0)))
    assert one.peak is None
    assert [bar.layers for bar in one.bars] == [(), ()]
    assert one.grid[0].label == "2"


def test_a_bar_leads_to_its_own_part_of_the_range():
    one = drawn(Series("Good", "fill1", (6, 1)))
    assert one.bars[1].href == f"?from={NOON + 60_000}&to={NOON + 120_000}"
    assert one.peak == one.bars[0]


def test_the_highest_line_is_round_and_not_below_the_highest_bar():
    for most, label in ((1, "2"), (3, "4"), (7, "8"), (9, "10"), (11, "20"), (378, "400")):
        one = drawn(Series("Good", "fill1", (most, 0)))
        assert one.grid[0].label == label
