"""What charts draw, beside the view."""

from __future__ import annotations

import pytest
from panel_records import realistic, twenty
from profile_records import baseline, failed, interval, measurement, record, result, usual

from inferspeed_magic.panel import profile_charts, profile_view
from inferspeed_magic.panel.charts import StartUp
from inferspeed_magic.records import Interval

NAN = float("nan")


def every_pair(made):
    """Speed-ups that say who was divided by whom."""
    places = {(one.name, one.batch_size): place for place, one in enumerate(made.results)}
    return {
        (name, other, size): interval(100.0 * place + places[other, at])
        for (name, size), place in places.items()
        for other, at in places
        if at == size
    }


def charts(*results, **changes):
    return profile_charts(record(*results, **changes), {})


@pytest.mark.parametrize("made", [usual(), twenty(), record(failed()), record()])
def test_one_for_each_row_of_the_view_in_its_order(made):
    drawn, rows = profile_charts(made, {}).drawn, profile_view(made).rows
    assert len(drawn) == len(rows)
    results = {(one.name, one.batch_size): one for one in made.results}
    for one, row in zip(drawn, rows, strict=True):
        shown = results[row.name, row.batch_size]
        assert one.p50_ms == shown.summary.p50_ms
        assert one.throughput == shown.summary.throughput
        assert one.trace.samples == sum(len(block.latencies_ns) for block in shown.measurement.blocks)
        assert one.baseline == any(mark.kind == "baseline" for mark in row.marks)
        timed = shown.measurement
        assert one.start_up == StartUp(timed.load_ms, timed.compile_ms, timed.first_inference_ms)
        assert (one.peak_memory_mb, one.artifact_mb) == (timed.peak_memory_mb, shown.artifact_mb)


def test_speedups_are_of_rows_over_columns():
    made = realistic(models=("small",), runtimes=("keras.call", "litert", "onnxruntime"))
    table = profile_charts(made, every_pair(made)).speedups
    assert [[one.value for one in line] for line in table] == [[0, 1, 2], [100, 101, 102], [200, 201, 202]]


def test_there_are_none_across_batch_sizes():
    made = twenty()
    found = profile_charts(made, every_pair(made)).speedups
    sizes = [row.batch_size for row in profile_view(made).rows]
    assert len(found) == len(sizes) == 20
    assert {len(line) for line in found} == {20}
    for size, line in zip(sizes, found, strict=True):
        assert [one is not None for one in line] == [other == size for other in sizes]


def test_there_are_none_where_nothing_can_be_said():
    found = charts(baseline(), result()).speedups
    assert found == ((None, None), (None, None))


def test_failures_are_not_drawn():
    assert len(charts(failed("deep/keras.call"), baseline(), failed(), result()).drawn) == 2


def test_what_was_not_recorded_is_missing():
    (drawn,) = charts(result(measurement=None, artifact_mb=None)).drawn
    assert drawn.start_up is None
    assert drawn.peak_memory_mb is None
    assert drawn.artifact_mb is None
    assert drawn.throughput is None
    assert drawn.trace.samples == 0
    (drawn,) = charts(result(measurement=measurement(peak_memory_mb=None))).drawn
    assert drawn.peak_memory_mb is None
    assert drawn.start_up == StartUp(12.3, 456.0, 7.89)


@pytest.mark.parametrize(
    ("p50s_ms", "name", "per_ms"),
    [((0.05, 0.02), "µs", 1000), ((0.05, 0.2), "ms", 1), ((1500.0, 1200.0), "s", 0.001), ((1500.0, 2.0), "ms", 1)],
)
def test_the_unit_is_that_of_the_table(p50s_ms, name, per_ms):
    made = record(*(result(f"deep/{place}", p50) for place, p50 in enumerate(p50s_ms)))
    unit = profile_charts(made, {}).unit
    assert (unit.name, unit.per_ms) == (name, per_ms)
    assert f"p50 {name}" in [column.header for column in profile_view(made).columns]


def test_a_p50_without_an_interval_is_drawn():
    (drawn,) = charts(result(summary={"p50_ms": Interval(2.0, NAN, NAN)})).drawn
    assert drawn.p50_ms.value == 2.0


def test_a_baseline_for_each_model_is_marked():
    made = realistic(models=("small", "big"), runtimes=("keras.predict", "litert"), baseline="keras.predict")
    assert [one.baseline for one in profile_charts(made, {}).drawn] == [True, False, True, False]
