"""The view: the table, its marks, and the sentences below it."""

from __future__ import annotations

import dataclasses
import math

from profile_records import DOUBTFUL, MACHINE, baseline, failed, interval, record, result, trial, usual

from inferspeed_magic.panel import profile_view
from inferspeed_magic.records import Interval


def keys(view):
    return [column.key for column in view.columns]


def cell(view, name, key):
    row = next(row for row in view.rows if row.name == name)
    return row.cells[keys(view).index(key)]


def marks(view):
    return {(row.name, row.batch_size): [mark.text for mark in row.marks] for row in view.rows}


def test_columns_of_the_usual_table():
    assert [column.header for column in profile_view(usual()).columns] == [
        *("model", "runtime", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "speed-up", "samples/s"),
        *("load ms", "compile ms", "first ms", "memory MB", "file MB", "error"),
    ]


def test_cells_hold_numbers_as_well_as_text():
    p50 = cell(profile_view(usual()), "deep/litert", "p50_ms")
    assert (p50.text, p50.detail, p50.best) == ("0.0931", "(0.0912-0.0950)", True)
    assert (p50.number, p50.low, p50.high) == (0.0931, 0.0931 * 0.98, 0.0931 * 1.02)


def test_columns_appear_only_where_they_say_something():
    without_tails = {"p95_ms": None, "p99_ms": None, "speedup": None}
    assert keys(profile_view(record(result(summary=without_tails), baseline=None)))[2:5] == [
        "p50_ms",
        "p90_ms",
        "throughput_samples_per_s",
    ]
    many = profile_view(
        record(
            result(device="gpu:0", threads=1),
            result("deep/litert", batch_size=8, precision="int8", technique="post_training_dynamic"),
        )
    )
    assert keys(many)[:7] == ["model", "runtime", "batch_size", "device", "threads", "precision", "technique"]


def test_the_batch_in_the_file_has_a_column_where_it_is_not_the_usual_one():
    static, dynamic = (result(f"deep/{name}", batch_in_file=name) for name in ("static", "dynamic"))
    assert "batch_in_file" not in keys(profile_view(record(baseline(), static)))
    assert keys(profile_view(record(baseline(), static, dynamic)))[:3] == ["model", "runtime", "batch_in_file"]


def test_all_latencies_share_a_unit_and_keep_their_numbers_in_milliseconds():
    view = profile_view(record(result(p50_ms=0.0042), result("deep/onnxruntime", 0.08), baseline=None))
    fast = cell(view, "deep/litert", "p50_ms")
    assert [column.header for column in view.columns if column.key == "p50_ms"] == ["p50 µs"]
    assert (fast.text, fast.number) == ("4.20", 0.0042)
    assert "0.0042" not in view.headline[0]
    assert "4.20 µs" in view.headline[0]


def test_marks():
    assert marks(profile_view(usual())) == {
        ("deep/keras.predict", 1): ["baseline"],
        ("deep/keras.call", 1): [],
        ("deep/keras.compiled", 1): ["not trustworthy"],
        ("deep/litert", 1): ["fastest"],
        ("deep/onnxruntime", 1): [],
    }


def test_the_fastest_of_each_batch_size_and_of_each_model():
    view = profile_view(
        record(
            result("deep/litert", 0.1),
            result("deep/onnxruntime", 0.2),
            result("deep/litert", 0.9, batch_size=8),
            result("deep/onnxruntime", 0.8, batch_size=8),
            result("wide/litert", 0.4),
            result("wide/onnxruntime", 0.3),
            baseline=None,
        )
    )
    assert {name: words for name, words in marks(view).items() if words} == {
        ("deep/litert", 1): ["fastest"],
        ("deep/onnxruntime", 8): ["fastest"],
        ("wide/onnxruntime", 1): ["fastest on wide"],
    }


def test_a_lead_that_cannot_be_seen_is_shared():
    view = profile_view(record(result("deep/litert", 0.1), result("deep/onnxruntime", 0.101), baseline=None))
    assert list(marks(view).values()) == [["joint fastest"], ["joint fastest"]]
    assert not any(row.cells[2].best for row in view.rows)


def test_a_single_candidate_is_not_marked():
    assert list(marks(profile_view(record(result(), baseline=None))).values()) == [[]]


def test_a_speed_up_that_may_be_none_says_so():
    view = profile_view(
        record(
            baseline(),
            result("deep/keras.call", 105.0, 1.02),
            result("deep/keras.xla", 90.0, summary={"speedup": Interval(1.2, math.nan, math.nan)}),
        )
    )
    assert cell(view, "deep/keras.predict", "speedup").text == "1.00x"
    assert cell(view, "deep/keras.predict", "speedup").detail == ""
    assert cell(view, "deep/keras.call", "speedup").remark == "no difference seen"
    assert cell(view, "deep/keras.xla", "speedup").remark == "too few samples"


def test_server_shows_rates_and_who_does_not_keep_up():
    made = record(
        result(trials=(trial(100.0, 99.2),)), result("deep/keras.predict", 900.0, trials=(trial(100.0, 9.1),))
    )
    view = profile_view(
        dataclasses.replace(made, request=dataclasses.replace(made.request, scenario="server", target_qps=100.0))
    )
    assert "target_qps" not in keys(view)
    assert cell(view, "deep/litert", "achieved_qps").text == "99.2"
    assert marks(view)["deep/keras.predict", 1] == ["baseline", "does not keep up"]
    assert "100 arrivals per second" in view.title
    assert any("waiting included" in line for line in view.footnotes)


def test_a_rate_search_shows_the_rate_of_each():
    made = record(result(trials=(trial(400.0, 398.0, sustained=True), trial(800.0, 500.0, sustained=False))))
    view = profile_view(
        dataclasses.replace(made, request=dataclasses.replace(made.request, scenario="server", latency_slo_ms=10.0))
    )
    assert (cell(view, "deep/litert", "target_qps").text, cell(view, "deep/litert", "achieved_qps").text) == (
        "400",
        "398",
    )
    assert view.title.endswith("p99 under 10 ms")
    assert view.rows[0].marks == ()


def test_failures_share_a_line_for_the_same_reason():
    view = profile_view(
        record(
            result(),
            failed(),
            failed("wide/openvino"),
            failed("deep/keras.xla", "timed_out", "no answer\nwithin 60 s"),
            failed("wide/keras.xla", "timed_out", "no answer within 60 s"),
            failed("deep/litert", "disagrees", "0.2 is too much", batch_size=8),
            failed("deep/keras.call", "failed", None),
        )
    )
    assert [(one.names, one.status, one.reason) for one in view.failures] == [
        (("openvino",), "unavailable", "openvino is not installed: pip install openvino"),
        (("deep/keras.xla", "wide/keras.xla"), "timed out", "no answer within 60 s"),
        (("deep/litert at batch 8",), "outputs disagree", "0.2 is too much"),
        (("deep/keras.call",), "failed", "no reason was given"),
    ]


def test_a_measurement_without_numbers_is_listed_too():
    view = profile_view(record(result(summary={"p50_ms": interval(math.nan)})))
    assert view.rows == ()
    assert view.failures[0].status == "no numbers"


def test_warnings_and_notes_name_whom_they_concern():
    busy = {"stable": False, "warnings": ("the machine was busy",)}
    view = profile_view(
        record(
            result("deep/litert", 0.1, summary=busy, notes=("read through tf_keras",)),
            result("deep/onnxruntime", 0.2, summary=busy, notes=("read through tf_keras",)),
            result("deep/keras.call", 8.2, summary=busy | {"warnings": (*DOUBTFUL["warnings"], *busy["warnings"])}),
            machine=dataclasses.replace(MACHINE, disturbances=("The governor is powersave.",)),
            notes=("Inputs were made up.",),
        )
    )
    assert view.warnings == (
        "all: not trustworthy, the machine was busy",
        "deep/keras.call: not trustworthy, latency has two modes: 60% of inferences take 0.7 ms, 40% 1.1 ms",
        "The governor is powersave.",
    )
    assert view.notes == ("Inputs were made up.", "deep/litert and deep/onnxruntime: read through tf_keras")


def test_a_stable_result_with_a_warning_is_not_called_untrustworthy():
    view = profile_view(record(result(summary={"warnings": ("it was warm",)}), baseline=None))
    assert view.warnings == ("deep/litert: it was warm",)
    assert view.rows[0].marks == ()


def test_empty():
    view = profile_view(record())
    assert (view.rows, view.failures, view.footnotes) == ((), (), ())
    assert view.title == "Inference latency, back to back"


def test_control_characters_and_line_breaks_are_defused():
    view = profile_view(
        record(result("a\x1b[31m\nb/litert"), failed("c\ud800/openvino", "failed", "x\x00\r\ny"), baseline=None)
    )
    assert view.rows[0].cells[0].text == "a\\x1b[31m b"
    assert view.failures[0].names == ("c\\ud800/openvino",)
    assert view.failures[0].reason == "x\\x00 y"


def test_baseline_may_be_a_model_or_nothing():
    results = (baseline(), result(), baseline("wide/keras.predict"))
    assert [
        row.name
        for row in profile_view(record(*results, baseline="deep")).rows
        if row.marks[:1] and row.marks[0].kind == "baseline"
    ] == [
        "deep/keras.predict",
        "deep/litert",
    ]
    none = profile_view(record(*results, baseline=None))
    assert not any(mark.kind == "baseline" for row in none.rows for mark in row.marks)
