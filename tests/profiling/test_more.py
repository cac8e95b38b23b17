"""Measuring more after a profile: what is asked of the run, and how the results come together."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
from panel_records import realistic
from profile_records import failed, interval, record, result, usual

from inferspeed_magic.diagnosis import compare, speedup
from inferspeed_magic.errors import InferspeedError, ModelError, OptionError, UserError
from inferspeed_magic.panel import NoProgress
from inferspeed_magic.profiling import more as module
from inferspeed_magic.profiling.more import More, alone, merged
from inferspeed_magic.records import Block, Measurement
from inferspeed_magic.report import Report

LATER = "2026-11-22T04:10:30"  # records begin at 04:00:00
NOTE = "measured later than other rows, at 04:10: what the machine did in between is in no interval"


def first_run(**changes):
    return realistic(models=("small",), runtimes=("keras.predict", "litert"), batch_sizes=(1, 8), **changes)


def later_run(*runtimes, models=("small",), batch_sizes=(1, 8), **changes):
    return realistic(models=models, runtimes=runtimes, batch_sizes=batch_sizes, **({"created": LATER} | changes))


def places(made):
    return [(one.model, one.batch_size, one.runtime) for one in made.results]


def of(made, name, batch_size=1):
    return next(one for one in made.results if (one.name, one.batch_size) == (name, batch_size))


def rounds(found):
    return {block.round for block in found.measurement.blocks}


class TestMerged:
    def test_in_the_order_of_model_batch_and_runtime(self):
        made = merged(first_run(), later_run("onnxruntime"))
        runtimes = ("keras.predict", "litert", "onnxruntime")
        assert places(made) == [("small", size, runtime) for size in (1, 8) for runtime in runtimes]
        made = merged(made, later_run(*runtimes, batch_sizes=(4,)))
        assert places(made) == [("small", size, runtime) for size in (1, 4, 8) for runtime in runtimes]
        made = merged(made, later_run(*runtimes, models=("another",), batch_sizes=(1, 4, 8)))
        assert places(made) == [
            (model, size, runtime) for model in ("small", "another") for size in (1, 4, 8) for runtime in runtimes
        ]

    def test_what_was_there_stays_as_it_was(self):
        old = first_run()
        made = merged(old, later_run("onnxruntime"))
        for one in old.results:
            kept = of(made, one.name, one.batch_size)
            assert kept.measurement is one.measurement
            assert kept.notes == one.notes

    def test_a_later_result_counts_where_both_have_one(self):
        again = later_run("litert", batch_sizes=(8,))
        made = merged(first_run(), again)
        assert len(made.results) == 4
        latencies = [block.latencies_ns for block in of(made, "small/litert", 8).measurement.blocks]
        assert latencies == [block.latencies_ns for block in again.results[0].measurement.blocks]

    def test_but_not_if_it_failed(self):
        old = first_run()
        broken = failed("small/litert", "crashed", "the worker died of SIGSEGV")
        made = merged(old, record(broken, created=LATER))
        assert of(made, "small/litert").status == "measured"
        assert of(made, "small/litert").measurement is of(old, "small/litert").measurement

    def test_a_failure_gives_way_and_a_new_one_is_told(self):
        old = record(*first_run().results, failed("small/openvino", "crashed", "the worker died"))
        made = merged(old, later_run("openvino", batch_sizes=(1,)))
        assert of(made, "small/openvino").status == "measured"
        made = merged(first_run(), record(failed("small/openvino"), created=LATER))
        assert of(made, "small/openvino").reason == failed().reason
        assert of(made, "small/openvino").notes == ()

    def test_rounds_are_those_of_no_other_run(self):
        made = merged(first_run(), later_run("onnxruntime"))
        thrice = merged(made, later_run("openvino", created="2026-11-22T05:00:00"))
        first, second, third = (
            rounds(of(thrice, f"small/{runtime}")) for runtime in ("litert", "onnxruntime", "openvino")
        )
        assert first == set(range(40))
        assert len(second) == len(third) == 40
        assert not first & second
        assert not (first | second) & third
        # Those of the same run stay together.
        assert rounds(of(thrice, "small/onnxruntime", 8)) == second

    def test_rows_of_two_runs_are_compared_unpaired(self):
        # Both double their latencies halfway. Paired that cancels, unpaired it must widen the interval.
        def doubling(factor, seed):
            noise = np.random.default_rng(seed).normal(0, 0.003, 40)
            blocks = tuple(
                Block(turn, 0, 0.1 * turn, 10**6, (round(factor * (1 + turn // 20) * (1 + noise[turn]) * 1e6),) * 5)
                for turn in range(40)
            )
            return Measurement(1.0, 1.0, 1.0, blocks=blocks)

        old = record(result("deep/litert", measurement=doubling(1.0, 1)), baseline="deep/litert")
        new = record(result("deep/openvino", measurement=doubling(1.1, 2)), created=LATER)

        def width(one, other):
            found = compare(one.measurement, other.measurement, candidate_name="A", reference_name="B")
            return np.log(found.high / found.low)

        made = merged(old, new)
        assert width(new.results[0], old.results[0]) < 0.1
        assert width(of(made, "deep/openvino"), of(made, "deep/litert")) > 0.3
        assert np.isfinite(width(of(made, "deep/openvino"), of(made, "deep/litert")))

    def test_the_blocks_began_later(self):
        new = later_run("onnxruntime")
        moved = of(merged(first_run(), new), "small/onnxruntime").measurement
        before = new.results[0].measurement
        shifts = [after.start_s - block.start_s for after, block in zip(moved.blocks, before.blocks, strict=True)]
        assert shifts == pytest.approx([630.0] * 40)
        assert [block.wall_ns for block in moved.blocks] == [block.wall_ns for block in before.blocks]
        assert moved.warm_up_ns == before.warm_up_ns

    def test_time_zones_are_no_matter(self):
        made = merged(
            first_run(created="2026-10-25T02:59:30+02:00"),
            later_run("onnxruntime", created="2026-10-25T02:00:00+01:00"),
        )
        start = of(made, "small/onnxruntime").measurement.blocks[0].start_s
        assert start - later_run("onnxruntime").results[0].measurement.blocks[0].start_s == pytest.approx(30)

    def test_speedups_refer_to_the_old_baseline(self):
        made = merged(first_run(), later_run("onnxruntime", baseline="small/onnxruntime"))
        assert made.baseline == "small/keras.predict"
        for size in (1, 8):
            reference = of(made, "small/keras.predict", size).measurement
            for name in ("small/litert", "small/onnxruntime"):
                found = of(made, name, size)
                assert found.summary.speedup == speedup(found.measurement, reference)
                assert "small/keras.predict" in found.summary.verdict
        assert of(made, "small/onnxruntime").summary.speedup.value > 100

    def test_speedups_refer_to_the_baseline_as_it_was_measured_last(self):
        old = first_run()
        made = merged(old, later_run("keras.predict", batch_sizes=(1,)))
        reference = of(made, "small/keras.predict").measurement
        assert min(rounds(of(made, "small/keras.predict"))) > 40
        assert of(made, "small/litert").summary.speedup == speedup(of(made, "small/litert").measurement, reference)
        assert of(made, "small/litert", 8).summary == of(old, "small/litert", 8).summary

    def test_a_runtime_as_baseline_means_each_models_own(self):
        old = first_run(baseline="keras.predict")
        made = merged(old, later_run("keras.predict", "litert", models=("another",)))
        found, reference = of(made, "another/litert"), of(made, "another/keras.predict")
        assert found.summary.speedup == speedup(found.measurement, reference.measurement)
        assert made.baseline == "keras.predict"

    def test_what_was_measured_later_says_so(self):
        made = merged(first_run(), later_run("onnxruntime"))
        assert of(made, "small/onnxruntime").notes == (NOTE,)
        assert of(made, "small/litert").notes == ()
        assert NOTE.partition(": ")[2] in " ".join(repr(Report(made)).split())

    def test_its_other_notes_stay(self):
        new = record(result("deep/openvino", notes=("read through tf_keras",)), created=LATER)
        assert of(merged(usual(), new), "deep/openvino").notes == ("read through tf_keras", NOTE)

    def test_the_request_is_that_of_both(self):
        old = first_run()
        new = later_run("onnxruntime", "litert", batch_sizes=(4, 8))
        asked = merged(old, dataclasses.replace(new, request=dataclasses.replace(new.request, seed=7))).request
        assert asked.runtimes == ("keras.predict", "litert", "onnxruntime")
        assert asked.batch_sizes == (1, 4, 8)
        assert dataclasses.replace(asked, runtimes=(), batch_sizes=()) == dataclasses.replace(
            old.request, runtimes=(), batch_sizes=()
        )

    @pytest.mark.parametrize("interrupted", [False, True])
    def test_once_interrupted_it_stays_so(self, interrupted):
        assert merged(first_run(interrupted=interrupted), later_run("onnxruntime")).interrupted == interrupted

    def test_the_baseline_of_the_later_run_counts_where_there_was_none(self):
        old = record(failed("small/openvino"), baseline=None)
        new = realistic(models=("small",), runtimes=("keras.predict", "litert"), created=LATER)
        made = merged(old, new)
        assert made.baseline == "small/keras.predict"
        assert of(made, "small/litert").summary.speedup.value > 100

    def test_of_the_whole_run(self):
        old = first_run(notes=("Inputs were made up.", "one"), elapsed_s=30.0)
        new = later_run("onnxruntime", notes=("Inputs were made up.", "two"), elapsed_s=12.0)
        made = merged(old, new)
        assert made.notes == ("Inputs were made up.", "one", "two")
        assert made.elapsed_s == 42
        assert (made.created, made.machine, made.version) == (old.created, old.machine, old.version)

    def test_nothing_came_of_it(self):
        old = first_run()
        assert merged(old, record(created=LATER)).results == old.results

    def test_a_merged_report_is_saved_and_drawn(self, tmp_path):
        from inferspeed_magic.report import load_report

        made = Report(merged(first_run(), later_run("onnxruntime")))
        made.save(tmp_path / "grown.json")
        assert load_report(tmp_path / "grown.json").record == made.record
        assert made._repr_mimebundle_()["text/html"].count("<tr>") == 2 * (1 + 6)


class Runs:
    """Stands for ``Run``: notes what is asked for, and hands back what it is told to."""

    def __init__(self):
        self.requests, self.handed_in = [], []
        self.outcome = later_run("onnxruntime")

    def __call__(self, asked, limits, progress):
        self.requests.append(asked)
        return self

    def run(self, models, inputs, shapes):
        self.handed_in.append((dict(models), inputs, shapes))
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    def record(self, *, interrupted):
        return later_run("onnxruntime", batch_sizes=(1,), interrupted=interrupted)


@pytest.fixture
def runs(monkeypatch):
    made = Runs()
    monkeypatch.setattr(module, "Run", made)
    return made


@pytest.fixture
def no_run(monkeypatch):
    def start(*_):
        raise AssertionError("a run was started")

    monkeypatch.setattr(module, "Run", start)


class TestAsked:
    def test_a_runtime_for_every_model_and_batch_size(self, runs):
        old = first_run()
        More({"small": "one", "big": "two"}, input_shapes=[(4,)]).runtime(old, "onnxruntime", NoProgress())
        assert runs.requests == [dataclasses.replace(old.request, runtimes=("onnxruntime",), baseline=None)]
        assert runs.handed_in == [({"small": "one", "big": "two"}, None, [(4,)])]

    def test_a_batch_size_on_every_runtime(self, runs):
        More({"small": "one"}).batch_size(first_run(), 32, NoProgress())
        assert runs.requests[0].runtimes == ("keras.predict", "litert")
        assert runs.requests[0].batch_sizes == (32,)

    def test_a_model_of_the_notebook(self, runs, monkeypatch):
        theirs = object()
        monkeypatch.setattr(sys.modules["__main__"], "newcomer", theirs, raising=False)
        more = More({"small": "one"})
        more.model(first_run(), " newcomer ", NoProgress())
        assert runs.handed_in[0][0] == {"newcomer": theirs}
        assert (runs.requests[0].runtimes, runs.requests[0].batch_sizes) == (("keras.predict", "litert"), (1, 8))
        assert more.models == {"small": "one", "newcomer": theirs}

    def test_anything_else_is_a_path(self, runs):
        More({"small": "one"}).model(first_run(), "models/deep.onnx", NoProgress())
        assert runs.handed_in[0][0] == {"deep": "models/deep.onnx"}

    def test_a_row_again(self, runs):
        More({"small": "one", "big": "two"}).again(first_run(), "small/litert", 8, NoProgress())
        assert runs.handed_in[0][0] == {"small": "one"}
        assert (runs.requests[0].runtimes, runs.requests[0].batch_sizes) == (("litert",), (8,))

    def test_a_model_that_could_not_be_measured_is_not_remembered(self, runs):
        runs.outcome = ModelError("there is no file or folder deep.onnx")
        more = More({"small": "one"})
        with pytest.raises(ModelError):
            more.model(first_run(), "deep.onnx", NoProgress())
        assert more.models == {"small": "one"}

    def test_an_interrupt_goes_through_and_nothing_is_added(self, runs):
        runs.outcome = KeyboardInterrupt()
        report = Report(first_run(), More({"small": "one"}))
        before = report.record
        with pytest.raises(KeyboardInterrupt):
            report.measure(runtime="onnxruntime")
        assert report.record is before

    def test_a_report_grows(self, runs):
        report = Report(first_run(), More({"small": "one"}))
        before = report._speedups
        report.measure(runtime="onnxruntime")
        assert places(report.record)[2] == ("small", 1, "onnxruntime")
        assert set(before) < set(report._speedups)
        assert "small/onnxruntime" in set(report.to_pandas()["model"] + "/" + report.to_pandas()["runtime"])


class TestInputs:
    def test_those_of_models_that_take_no_part_are_left_out(self, runs):
        more = More({"small": "one", "big": "two"}, inputs={"small": 1, "big": 2})
        more.again(first_run(), "small/litert", 1, NoProgress())
        more.runtime(first_run(), "onnxruntime", NoProgress())
        assert [inputs for _, inputs, _ in runs.handed_in] == [{"small": 1}, {"small": 1, "big": 2}]

    def test_a_new_model_makes_up_its_own(self, runs):
        more = More({"small": "one", "big": "two"}, inputs={"small": 1, "big": 2})
        more.model(first_run(), "deep.onnx", NoProgress())
        assert runs.handed_in[0][1] is None

    @pytest.mark.parametrize("inputs", [None, np.zeros(3), [1, 2], {"left": 1, "right": 2}])
    def test_those_for_all_models_stay(self, runs, inputs):
        More({"small": "one", "big": "two"}, inputs=inputs).again(first_run(), "small/litert", 1, NoProgress())
        assert runs.handed_in[0][1] is inputs


class TestMistakes:
    @pytest.mark.parametrize(
        ("what", "kind", "line"),
        [
            ({"runtime": "litter"}, OptionError, "unknown runtime `litter`: did you mean litert?"),
            ({"runtime": ""}, OptionError, "unknown runtime ``"),
            ({"batch_size": 0}, OptionError, "batch size 0 makes no sense"),
            ({"batch_size": -3}, OptionError, "batch size -3 makes no sense"),
            ({"batch_size": 1.5}, OptionError, "batch size 1.5 makes no sense"),
            ({"batch_size": True}, OptionError, "batch size True makes no sense"),
            ({"model": "small"}, ModelError, "small is there already"),
            ({"model": "folder/small.onnx"}, ModelError, "small is there already"),
            ({"model": "  "}, ModelError, "say which model"),
            ({"row": ("other/litert", 1)}, OptionError, "other/litert at batch 1 cannot be measured again"),
            ({"row": ("small/abacus", 1)}, OptionError, "small/abacus at batch 1 cannot be measured again"),
            ({}, OptionError, "say what to measure"),
        ],
    )
    def test_they_are_one_line_before_anything_runs(self, no_run, what, kind, line):
        made = first_run()
        report = Report(made, More({"small": "one"}))
        with pytest.raises(kind) as caught:
            report.measure(**what)
        assert issubclass(kind, UserError)
        assert issubclass(kind, InferspeedError)
        assert str(caught.value).startswith(line)
        assert "\n" not in str(caught.value)
        assert report.record is made

    def test_a_loaded_report_cannot_measure(self, no_run, tmp_path):
        from inferspeed_magic.report import load_report

        Report(first_run()).save(tmp_path / "run.json")
        loaded = load_report(tmp_path / "run.json")
        assert not loaded.extensible
        with pytest.raises(OptionError, match=r"a report that was loaded cannot measure more.*profile again"):
            loaded.measure(runtime="onnxruntime")

    def test_only_one_measures_at_a_time(self, runs):
        more = More({"small": "one"})
        with alone(), pytest.raises(UserError, match="another profile is running"):
            more.runtime(first_run(), "onnxruntime", NoProgress())
        assert runs.handed_in == []
        # And then the next one may.
        more.runtime(first_run(), "onnxruntime", NoProgress())
        assert len(runs.handed_in) == 1

    def test_a_failure_lets_the_next_one_in(self, runs):
        runs.outcome = OptionError("no")
        more = More({"small": "one"})
        for _ in range(2):
            with pytest.raises(OptionError, match="no"):
                more.runtime(first_run(), "onnxruntime", NoProgress())


def test_a_row_without_a_summary_is_left_alone():
    # What older versions saved, or a result that was made by hand.
    bare = dataclasses.replace(result("deep/onnxruntime"), summary=None)
    made = merged(record(result("deep/keras.predict", 5.0, interval(1.0).value), bare), later_run("openvino"))
    assert of(made, "deep/onnxruntime").summary is None
