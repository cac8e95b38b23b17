"""One run with every fault there is: each becomes a result with a reason, and all others are measured."""

from __future__ import annotations

import faulty_runtimes
import pytest
from faulty_runtimes import FAULTS, LastInLine, SmallLimits, with_runtimes
from onnx_files import perceptron
from process_watch import gone

import inferspeed_magic as im
from inferspeed_magic import workflow
from inferspeed_magic.profiling.rounds import ROUNDS
from inferspeed_magic.workers.crew import Crew

HEALTHY = ("onnxruntime", "openvino", LastInLine.name, "prints garbage")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Profile one file on all of them; return the report, the crew's folder, and everybody who worked."""
    folder = tmp_path_factory.mktemp("faults")
    seen = {"pids": set()}
    start = Crew.start

    def watched(crew, name, **options):
        worker = start(crew, name, **options)
        seen["folder"] = crew.folder
        seen["pids"].add(worker.pid)
        return worker

    with pytest.MonkeyPatch.context() as patch, with_runtimes(*FAULTS, LastInLine):
        patch.setattr(workflow, "LIMITS", SmallLimits(import_s=60, open_s=6, turn_s=3))
        patch.setattr(Crew, "start", watched)
        names = ["onnxruntime", "openvino", *(fault.name for fault in FAULTS), LastInLine.name]
        seen["report"] = im.profile(
            perceptron(folder / "model.onnx"), runtimes=names, duration_s=0.3, threads=1, progress=False
        )
    return seen


@pytest.fixture(scope="module")
def results(run):
    return {result.runtime: result for result in run["report"].results}


@pytest.mark.parametrize("name", HEALTHY)
def test_the_healthy_are_measured(results, name):
    result = results[name]
    assert (result.status, result.reason) == ("measured", None)
    assert len(result.measurement.blocks) == ROUNDS
    assert {block.process for block in result.measurement.blocks} == {0, 1}


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("crashes at load", "crashed", "SIGSEGV (segmentation fault)"),
        ("crashes at the first run", "crashed", "SIGABRT"),
        ("exits at the first run", "crashed", "exit code 3"),
        ("crashes while measured", "crashed", "SIGSEGV"),
        ("hangs at load", "timed_out", "no answer within 6 s"),
        ("hangs while measured", "timed_out", "no answer within 3 s"),
        ("eats memory at load", "failed", "out of memory: it used"),
        ("eats memory while measured", "failed", "out of memory: it used"),
        ("fails while measured", "failed", "ValueError: no more of this"),
        ("exits politely", "failed", "SystemExit: 1"),
        ("answers NaN", "disagrees", "NaN or infinite"),
        ("answers another shape", "disagrees", "another shape"),
        ("answers twice", "disagrees", "another shape"),
        ("answers a little wrong", "disagrees", "(relative), more than 1e-03"),
        ("ignores its input", "disagrees", "its outputs differ"),
        ("answers nothing", "failed", "TypeError"),
        ("says strange things", "failed", "its answer cannot be written"),
        ("runs on another device", "unsupported", "it runs on the gpu, not on the cpu"),
        ("refuses", "unsupported", "this model is too beautiful"),
        ("is not installed", "unavailable", "pip install no_such_library"),
    ],
)
def test_a_fault_is_a_result_with_a_reason(results, name, status, words):
    result = results[name]
    assert result.status == status, result.reason
    assert words in result.reason
    assert result.measurement is None
    assert result.summary is None


def test_every_fault_is_tested(results):
    assert {fault.name for fault in FAULTS} | set(HEALTHY) == set(results)
    assert [result.name for result in results.values() if result.measurement is not None] == [
        f"model/{name}" for name in results if name in HEALTHY
    ]


def test_reasons_are_one_line(results):
    for result in results.values():
        if result.reason:
            assert "\n" not in result.reason
            assert len(result.reason) < 1000


def test_what_disagrees_says_by_how_much(results):
    assert results["answers a little wrong"].relative_error == pytest.approx(0.02, rel=0.1)
    assert results["onnxruntime"].relative_error == 0.0
    assert results["openvino"].relative_error < 1e-3


def test_the_report_shows_all_of_it(run, results):
    table = run["report"].to_pandas()
    assert list(table.runtime) == list(results)
    assert table.set_index("runtime").loc["crashes at load", "reason"] == results["crashes at load"].reason
    assert "segmentation fault" in repr(run["report"])


def test_no_process_and_no_file_is_left(run):
    assert len(run["pids"]) > len(FAULTS)
    assert [pid for pid in run["pids"] if not gone(pid)] == []
    assert not run["folder"].exists()


def test_a_runtime_whose_module_no_worker_can_import_fails_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(faulty_runtimes.Refuses, "__module__", "no_such_module")
    with with_runtimes(faulty_runtimes.Refuses):
        report = im.profile(
            perceptron(tmp_path / "model.onnx"), runtimes=["onnxruntime", "refuses"], duration_s=0.1, progress=False
        )
    assert [result.status for result in report.results] == ["measured", "failed"]
    assert "No module named 'no_such_module'" in report.results[1].reason


def test_a_baseline_that_breaks_leaves_no_speedups_and_says_so(tmp_path):
    broken = FAULTS[0].name
    with with_runtimes(*FAULTS):
        report = im.profile(
            perceptron(tmp_path / "model.onnx"),
            runtimes=["onnxruntime", broken],
            baseline=broken,
            duration_s=0.05,
            progress=False,
        )
    assert report.to_pandas()["speedup"].isna().all()
    (note,) = report.record.notes
    assert note == f"the baseline {broken} was not measured, so there are no speed-ups"
    assert note in repr(report)
