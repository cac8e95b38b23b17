"""The report that users hold in their hands."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest
from profile_records import DOUBTFUL, SCRIPT, baseline, failed, interval, record, result, usual

from inferspeed_magic.errors import OptionError, UserError
from inferspeed_magic.report import Report, load_report

COLUMNS = [
    *("model", "runtime", "technique", "variant", "batch_size", "device", "threads", "precision", "status", "reason"),
    *("p50_ms", "p50_low_ms", "p50_high_ms", "p90_ms", "p95_ms", "p99_ms", "samples", "throughput_samples_per_s"),
    *("speedup", "speedup_low", "speedup_high", "load_ms", "compile_ms", "first_inference_ms", "peak_memory_mb"),
    *(
        "artifact_mb",
        "relative_error",
        "accuracy",
        "accuracy_drop",
        "accuracy_drop_low",
        "accuracy_drop_high",
        "held_out_accuracy",
        "held_out_drop",
        "rejected",
        "stable",
        "route",
        "batch_in_file",
        "verdict",
        "warnings",
        "notes",
    ),
]
INTEGERS = {"batch_size", "threads", "samples"}
WORDS = {
    *("model", "runtime", "technique", "variant", "device", "precision", "status", "reason", "rejected"),
    *("route", "batch_in_file", "verdict", "warnings", "notes"),
}


def kinds(frame):
    return {column: frame[column].dtype.kind for column in frame}


@pytest.fixture
def report():
    return Report(usual())


class TestTable:
    @pytest.mark.parametrize("made", [usual(), record(), record(failed()), record(result())])
    def test_columns_and_types_never_change(self, made):
        frame = Report(made).to_pandas()
        assert list(frame) == COLUMNS
        assert len(frame) == len(made.results)
        for column, kind in kinds(frame).items():
            expected = "i" if column in INTEGERS else "O" if column in WORDS else "b" if column == "stable" else "f"
            assert (column, kind) == (column, expected)

    def test_a_measured_row(self):
        speedup = interval(1150.0, 0.04)
        changes = {"verdict": "faster", "p99_ms": None} | DOUBTFUL
        made = result(speedup=1150.0, summary=changes, notes=("read through tf_keras", "twice"))
        row = Report(record(made)).to_pandas().iloc[0]
        assert (row["model"], row["runtime"], row["status"], row["reason"]) == ("deep", "litert", "measured", None)
        assert (row["p50_ms"], row["p50_low_ms"], row["p50_high_ms"]) == (0.0931, 0.0931 * 0.98, 0.0931 * 1.02)
        assert (row["speedup"], row["speedup_low"], row["speedup_high"]) == dataclasses.astuple(speedup)
        assert math.isnan(row["p99_ms"])
        assert math.isnan(row["accuracy"])
        assert (row["load_ms"], row["peak_memory_mb"], row["samples"]) == (12.3, 312.5, 1000)
        assert not row["stable"]
        assert (row["verdict"], row["warnings"]) == ("faster", DOUBTFUL["warnings"][0])
        assert row["notes"] == "read through tf_keras; twice"

    def test_a_row_that_was_not_measured(self):
        row = Report(record(failed())).to_pandas().iloc[0]
        assert (row["status"], row["samples"], row["warnings"]) == ("unavailable", 0, "")
        assert row["reason"] == "openvino is not installed: pip install openvino"
        assert np.isnan([row[column] for column in COLUMNS if column.endswith("_ms")]).all()
        assert row["stable"] is np.False_


class TestCompare:
    def test_finds_the_difference(self, report):
        found = report.compare("deep/litert", "deep/onnxruntime")
        assert found.ratio == pytest.approx(0.0931 / 0.122, rel=0.05)
        assert found.low < found.ratio < found.high
        assert found.significant
        assert "deep/litert" in found.verdict

    def test_several_batch_sizes_must_be_told_apart(self):
        report = Report(record(baseline(), result(), baseline(batch_size=8), result(p50_ms=0.5, batch_size=8)))
        with pytest.raises(OptionError, match=r"batch_size=1 or 8"):
            report.compare("deep/litert", "deep/keras.predict")
        assert report.compare("deep/litert", "deep/keras.predict", 8).ratio == pytest.approx(0.5 / 107, rel=0.05)

    def test_the_only_batch_size_that_both_have_is_meant(self):
        report = Report(record(baseline(), result(), failed("deep/litert", "failed", "too big", batch_size=8)))
        assert report.compare("deep/litert", "deep/keras.predict").significant

    def test_a_name_that_is_not_there(self, report):
        with pytest.raises(OptionError, match=r"no 'deep/lite'; it has deep/keras.predict, .*deep/openvino"):
            report.compare("deep/lite", "deep/litert")
        with pytest.raises(OptionError, match="no results at all"):
            Report(record()).compare("a/b", "c/d")

    def test_a_candidate_that_was_not_measured_says_why(self, report):
        with pytest.raises(
            OptionError, match=r"deep/openvino was not measured at batch size 1: unavailable \(openvino"
        ):
            report.compare("deep/litert", "deep/openvino")

    def test_a_batch_size_that_is_not_there(self, report):
        with pytest.raises(OptionError, match="deep/litert was not tried at batch size 8; there is 1"):
            report.compare("deep/litert", "deep/onnxruntime", 8)


class TestFiles:
    def test_saved_and_loaded(self, report, tmp_path):
        report.save(tmp_path / "run.json")
        again = load_report(str(tmp_path / "run.json"))
        assert again.record == report.record
        assert repr(again) == repr(report)
        assert [path.name for path in tmp_path.iterdir()] == ["run.json"]

    def test_a_failure_to_write_leaves_the_old_file_whole(self, report, tmp_path, monkeypatch):
        path = tmp_path / "run.json"
        report.save(path)
        before = path.read_bytes()

        def no_space(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("pathlib.Path.replace", no_space)
        with pytest.raises(OptionError, match=r"cannot write .*No space left"):
            Report(record()).save(path)
        assert path.read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["run.json"]

    def test_a_folder_that_is_not_there(self, report, tmp_path):
        with pytest.raises(OptionError, match=r"cannot write .*No such file or directory"):
            report.save(tmp_path / "nowhere" / "run.json")

    def test_what_cannot_be_read(self, tmp_path):
        with pytest.raises(UserError, match=r"cannot read .*none.json.*No such file"):
            load_report(tmp_path / "none.json")
        (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
        with pytest.raises(UserError, match="no text file"):
            load_report(tmp_path / "picture.png")
        (tmp_path / "cut.json").write_text('{"schema_version": 1, "res')
        with pytest.raises(UserError, match=r"cannot read .*cut.json'?: not a saved report"):
            load_report(tmp_path / "cut.json")

    def test_html_document(self, tmp_path):
        hostile = Report(record(result(f"{SCRIPT}/litert"), created=SCRIPT, version=SCRIPT, baseline=None))
        document = hostile.to_html()
        assert document.startswith("<!DOCTYPE html>")
        assert document.count("<script") == 1  # ours
        assert SCRIPT not in document
        assert '<meta name="color-scheme" content="light dark">' in document
        assert hostile.to_html(tmp_path / "report.html") is None
        assert (tmp_path / "report.html").read_text(encoding="utf-8") == document

    def test_names_that_utf8_cannot_hold_can_be_saved(self, tmp_path):
        odd = Report(record(result("a\ud800/litert"), baseline=None))
        odd.save(tmp_path / "run.json")
        odd.to_html(tmp_path / "run.html")
        assert load_report(tmp_path / "run.json").record == odd.record


class TestNotebook:
    def test_bundle(self, report):
        bundle = report._repr_mimebundle_()
        assert bundle["text/plain"] == repr(report)
        assert bundle["text/html"].startswith("<div")

    def test_include_and_exclude(self, report):
        assert set(report._repr_mimebundle_(include={"text/html"})) == {"text/html"}
        assert set(report._repr_mimebundle_(exclude={"text/html"})) == {"text/plain", "image/png"}
        assert set(report._repr_mimebundle_(include=None, exclude=None)) == {"text/plain", "text/html", "image/png"}

    def test_ipython_shows_it(self, report):
        from IPython.core.formatters import DisplayFormatter

        formatter = DisplayFormatter()
        formatter.active_types = ["text/plain", "text/html"]
        data, _ = formatter.format(report)
        assert data["text/plain"].startswith("litert is the fastest")
        assert data["text/html"].startswith("<div")


def test_shortcuts(report):
    assert report.results is report.record.results
    assert report.machine is report.record.machine
    assert not report.interrupted


def test_importing_reports_imports_nothing_heavy():
    code = (
        "import sys, inferspeed_magic.report, inferspeed_magic.panel\n"
        "heavy = {'IPython', 'bokeh', 'pandas', 'scipy', 'tensorflow', 'numpy', 'cattrs', 'ipywidgets'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
