"""The sentences on top of the panel."""

from __future__ import annotations

import dataclasses
import math

from profile_records import DOUBTFUL, baseline, failed, record, result, trial, usual

from inferspeed_magic.panel import profile_view
from inferspeed_magic.records import Interval, Request

NO_INTERVAL = {"p50_ms": Interval(107.0, math.nan, math.nan)}


def headline(*results, **changes):
    return profile_view(record(*results, **changes)).headline


def server(*results, **request):
    made = record(*results)
    return dataclasses.replace(made, request=dataclasses.replace(made.request, scenario="server", **request))


def test_the_fastest_with_its_lead_over_the_baseline():
    assert profile_view(usual()).headline == (
        (
            "litert is the fastest on deep at batch 1: 0.0931 ms (0.0912-0.0950), "
            "1,150x (1,100-1,200) faster than keras.predict."
        ),
    )


def test_the_lead_over_the_next_one():
    found = profile_view(usual(), {("deep/litert", "deep/onnxruntime", 1): Interval(1.31, 1.28, 1.34)}).headline[0]
    assert "(0.0912-0.0950), 1.31x (1.28-1.34) faster than onnxruntime, 1,150x (1,100-1,200) faster than" in found


def test_a_lead_that_is_none_is_not_told():
    found = profile_view(usual(), {("deep/litert", "deep/onnxruntime", 1): Interval(1.01, 0.98, 1.04)}).headline[0]
    assert "faster than onnxruntime" not in found


def test_what_was_done_to_the_model_is_part_of_the_name():
    found = headline(baseline(), result("deep/litert", 0.093, 1150.0, technique="post_training_static"))
    assert found[0].startswith("litert+post_training_static is the fastest on deep at batch 1: ")


def test_two_that_cannot_be_told_apart():
    found = headline(baseline(), result("deep/litert", 0.093, 1150.0), result("deep/onnxruntime", 0.0945, 1130.0))
    assert found == (
        (
            "litert and onnxruntime are the fastest on deep at batch 1, no difference can be seen: "
            "0.0930 ms (0.0911-0.0949) and 0.0945 ms (0.0926-0.0964), both at least 1,080x faster than keras.predict."
        ),
    )


def test_a_sentence_for_each_model_names_a_baseline_of_another_model_in_full():
    found = headline(
        baseline(), result(speedup=1150.0), baseline("wide/keras.predict", 90.0), result("wide/litert", 0.139, 680.0)
    )
    assert len(found) == 2
    assert found[1].startswith("litert is the fastest on wide at batch 1")
    assert found[1].endswith("faster than deep/keras.predict.")


def test_other_batch_sizes_are_told_in_short():
    def at(size, litert, onnxruntime):
        return result("deep/litert", litert, batch_size=size), result("deep/onnxruntime", onnxruntime, batch_size=size)

    (found,) = headline(*at(1, 0.1, 0.2), *at(8, 0.5, 0.6), *at(32, 2.0, 1.0), *at(64, 4.0, 4.01), baseline=None)
    assert found == (
        "litert is the fastest on deep at batch 1: 0.100 ms (0.098-0.102). At batch 8 too. "
        "At batch 32: onnxruntime. At batch 64: litert and onnxruntime, no difference can be seen."
    )


def test_one_candidate_is_not_called_the_fastest():
    assert headline(result(), failed(), baseline=None) == ("litert takes 93.1 µs (91.2-95.0) on deep at batch 1.",)


def test_the_baseline_itself_leads():
    (found,) = headline(baseline("deep/litert", 0.09), result("deep/keras.call", 8.0, 0.011), baseline="deep/litert")
    assert found == "litert is the fastest on deep at batch 1: 0.0900 ms (0.0882-0.0918)."


def test_slower_than_a_baseline_of_another_model():
    (_, found) = headline(baseline("deep/litert", 0.1), result("wide/litert", 0.19, 0.526), baseline="deep/litert")
    assert found.endswith(", 1.90x (1.83-1.98) slower than deep/litert.")


def test_no_difference_from_the_baseline():
    (_, found) = headline(baseline("deep/litert", 0.1), result("wide/litert", 0.1, 1.01), baseline="deep/litert")
    assert found.endswith(", no difference from deep/litert can be seen.")


def test_a_runtime_can_be_the_baseline():
    (found,) = headline(baseline(), result(speedup=1150.0), baseline="keras.predict")
    assert found.endswith("faster than keras.predict.")


def test_a_doubtful_winner_is_called_so():
    (found,) = headline(baseline(), result(speedup=1150.0, summary=DOUBTFUL))
    assert found.endswith("faster than keras.predict. Not trustworthy: see the warnings.")


def test_nothing_is_claimed_without_intervals():
    (found,) = headline(result(), result("deep/keras.predict", 107.0, summary=NO_INTERVAL), baseline=None)
    assert found.endswith("(0.0912-0.0950). Too few samples to rank keras.predict.")
    (found,) = headline(result(p50_ms=200.0), result("deep/keras.predict", 107.0, summary=NO_INTERVAL), baseline=None)
    assert found == "keras.predict has the lowest p50 on deep at batch 1: 107 ms, from too few samples for a ranking."
    unknown = {"speedup": Interval(2.0, math.nan, math.nan)}
    (found,) = headline(baseline(), result(summary=unknown))
    assert found.endswith(", too few samples to compare with keras.predict.")


def test_nothing_measured():
    assert headline() == ("Nothing was measured.",)
    assert headline(failed(), failed("deep/litert")) == ("Nothing was measured: the reasons are below.",)


def test_interrupted_counts_what_was_never_begun():
    partial = record(
        baseline(),
        interrupted=True,
        request=Request(runtimes=("keras.predict", "litert", "onnxruntime"), batch_sizes=(1, 8)),
    )
    assert profile_view(partial).interrupted == "Interrupted: partial results kept (1 of 6 candidates measured)."
    assert profile_view(usual()).interrupted is None


def test_server_with_a_given_rate():
    view = profile_view(server(baseline(), result(speedup=1150.0), target_qps=100.0))
    assert view.headline[0].startswith(
        "litert is the fastest on deep at batch 1, 100 inferences arriving per second: 0.0931 ms"
    )


def test_no_ratio_to_a_baseline_that_is_overloaded():
    late = baseline(p50_ms=4000.0, trials=(trial(100.0, 9.1),))
    view = profile_view(server(late, result(speedup=1150.0, trials=(trial(100.0, 99.0),)), target_qps=100.0))
    assert view.headline[0].endswith("0.0931 ms (0.0912-0.0950), while keras.predict does not keep up.")


def test_server_that_searches_the_highest_rate_does_not_compare_latencies():
    tried = (trial(1000.0, sustained=True), trial(4000.0, sustained=True), trial(8000.0, sustained=False))
    less = (trial(2000.0, sustained=True), trial(3000.0, sustained=False))
    view = profile_view(
        server(
            result("deep/onnxruntime", 0.3, trials=less),
            result("deep/litert", 0.5, trials=tried),
            result("wide/litert", 50.0, trials=(trial(10.0, sustained=False),)),
            latency_slo_ms=10.0,
        )
    )
    assert view.headline == (
        (
            "Highest rate tried on deep at batch 1 that kept p99 under 10 ms: litert 4,000 per second, "
            "onnxruntime 2,000 per second."
        ),
        "No rate tried on wide at batch 1 kept p99 under 10 ms.",
    )
    assert not any(mark.kind == "fastest" for row in view.rows for mark in row.marks)
