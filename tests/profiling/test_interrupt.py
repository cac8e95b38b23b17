"""Ctrl-C at every stage: it ends soon, keeps what was measured, and leaves no process and no file."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from onnx_files import perceptron
from process_watch import gone, wait_until

SCRIPT = Path(__file__).with_name("profile_to_be_interrupted.py")
SOON_S = 3.5


class Run:
    """A profile in a process of its own, with a folder of its own for temporary files."""

    def __init__(self, folder, what, **options):
        perceptron(folder / "model.onnx")
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), what, str(folder), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(self.temporary), "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        self.workers = set()

    def until(self, pattern):
        """Read on until it says where it is and that matches."""
        for line in self.process.stdout:
            said = json.loads(line)
            if re.search(pattern, str(said.get("at"))):
                return said
        raise AssertionError(f"it never came to {pattern}")

    def children(self):
        return {child.pid for child in psutil.Process(self.process.pid).children(recursive=True)}

    def interrupt(self):
        self.workers |= self.children()
        self.sent = time.time()
        self.process.send_signal(signal.SIGINT)

    def end(self):
        """What it said in the end; by then nobody may be left."""
        for line in self.process.stdout:
            said = json.loads(line)
            if "how" in said:
                break
        else:
            raise AssertionError(f"it died with {self.process.wait()}")
        self.left = self.children()
        self.files = [path.name for path in self.temporary.iterdir()]
        return said

    def close(self):
        self.process.stdin.close()
        if self.process.wait(20) != 0:
            raise AssertionError(f"it ended with {self.process.returncode}")


@pytest.fixture
def start(tmp_path):
    runs = []

    def begin(what, **options):
        runs.append(Run(tmp_path, what, **options))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.wait()
        run.process.stdin.close()
        run.process.stdout.close()


def check_end(run, said, *, begun=True):
    if begun or said["how"] != "KeyboardInterrupt":  # before the model is understood there is nothing to report
        assert said["how"] == "ProfileInterrupted", said
        assert said["same"]
        assert said["interrupted"]
        assert "partial results kept" in said["message"]
        assert "interrupted" in said["text"].lower()
    print(f"ended after {said['at'] - run.sent:.2f} s")
    assert said["at"] - run.sent < SOON_S
    assert run.left == set()
    assert wait_until(lambda: all(gone(pid) for pid in run.workers), 1)
    assert run.files == []
    run.close()


@pytest.mark.parametrize(
    ("moment", "later_s", "workers"),
    [
        ("the start", 0.6, 0),  # a worker may be reading the signature
        ("opening model/onnxruntime", 0.05, 1),
        ("opening model/openvino", 0.3, 1),
        ("measuring", 0.3, 4),
    ],
)
def test_with_a_file(start, moment, later_s, workers):
    run = start("onnx", runtimes=["onnxruntime", "openvino"], duration_s=5)
    run.until(f"^{moment}")
    assert wait_until(lambda: len(run.children()) >= workers, 20)  # on a busy machine a start takes its time
    time.sleep(later_s)
    run.interrupt()
    said = run.end()
    check_end(run, said, begun=moment != "the start")


@pytest.mark.parametrize(
    ("moment", "later_s"),
    [
        ("opening dense/keras", 0.1),  # TensorFlow is being imported in two workers
        ("opening dense/keras", 2.0),
        ("opening dense/litert", 0.5),
        ("measuring", 0.5),
    ],
)
def test_with_a_keras_model(start, moment, later_s):
    run = start("keras", runtimes=["keras.call", "litert"], duration_s=5)
    run.until(f"^{moment}")
    time.sleep(later_s)
    run.interrupt()
    said = run.end()
    assert run.workers
    check_end(run, said)


def test_while_serving(start):
    run = start("onnx", runtimes=["onnxruntime"], scenario="server", target_qps=100, duration_s=30)
    run.until("^serving")
    time.sleep(1)
    run.interrupt()
    check_end(run, run.end())


def test_what_was_measured_is_kept_and_what_was_not_says_so(start):
    run = start("onnx", runtimes=["onnxruntime", "litert", "openvino"], duration_s=3)
    for _ in range(10):
        run.until("^measuring")
    run.interrupt()
    said = run.end()
    check_end(run, said)
    assert [status for _, status, _ in said["results"]] == ["measured", "unsupported", "measured"]
    assert said["samples"][0] > 0
    assert "partial results kept in inferspeed_magic.last_report()" in said["message"]


def test_what_was_not_reached_says_so(start):
    run = start("onnx", runtimes=["onnxruntime", "openvino"], duration_s=3)
    run.until("^opening model/openvino")
    run.interrupt()
    said = run.end()
    check_end(run, said)
    assert {reason for _, _, reason in said["results"]} == {"interrupted before it was measured"}


def test_an_impatient_user_changes_nothing(start):
    run = start("onnx", runtimes=["onnxruntime", "openvino"], duration_s=5)
    run.until("^measuring")
    run.interrupt()
    for _ in range(3):
        time.sleep(0.02)
        run.process.send_signal(signal.SIGINT)
    said = run.end()
    assert said["how"] in {"ProfileInterrupted", "KeyboardInterrupt"}
    assert (run.left, run.files) == (set(), [])
    assert wait_until(lambda: all(gone(pid) for pid in run.workers), 1)


def test_a_killed_kernel_leaves_no_process(start):
    run = start("onnx", runtimes=["onnxruntime", "openvino"], duration_s=10)
    run.until("^measuring")
    time.sleep(0.3)
    workers = {child.pid for child in psutil.Process(run.process.pid).children(recursive=True)}
    assert len(workers) == 4
    run.process.kill()
    assert wait_until(lambda: all(gone(pid) for pid in workers), 5)


def test_two_runs_at_once_do_not_disturb_each_other(tmp_path):
    runs = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        runs.append(Run(tmp_path / name, "onnx", runtimes=["onnxruntime", "openvino"], duration_s=1.0))
    # In the same folder for temporary files, as two kernels are.
    for run in runs:
        assert run.until("^measuring")
    for run in runs:
        said = run.end()
        assert said["how"] == "returned"
        assert not said["interrupted"]
        assert [status for _, status, _ in said["results"]] == ["measured"] * 2
        assert (run.left, run.files) == (set(), [])
        run.close()
        run.process.stdout.close()
