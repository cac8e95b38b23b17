"""A long profile that is stopped: by Kernel > Interrupt, and by the death of its kernel."""

from __future__ import annotations

import os
import re
import signal

import pytest
from lab import wait_until_gone, workers

SET_UP = """\
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
%load_ext inferspeed_magic
model = keras.Sequential([keras.Input((64, 64, 8)), keras.layers.Conv2D(64, 3), keras.layers.Flatten()])
"""
LONG = "%profile_model model --runtime litert,onnxruntime --duration 60 --into report"


@pytest.fixture
def profiling(fresh_lab, request):
    """A profile that would go on for two minutes, at the moment when its first numbers are on show."""
    lab = fresh_lab
    name = f"{request.node.name}.ipynb"
    lab.write(name, SET_UP, LONG, "print(6 * 7, report.interrupted)")
    lab.open(name)
    lab.run_cell(0)
    lab.wait_until_done()
    lab.run_cell(1)
    lab.cell(1).locator("progress").wait_for()
    lab.cell(1).locator("li", has_text="model/litert").wait_for()
    # Of 400 steps, 200 are openings and 200 are turns of 0.6 seconds: by now each candidate has had one.
    lab.cell(1).get_by_text(re.compile(r"2(0[3-9]|[1-9]\d)/400 measuring")).wait_for()
    kernel = lab.kernel_pid()
    assert len(workers(kernel)) >= 2
    yield lab
    for process in workers(kernel):  # of a test that failed
        process.kill()


def test_interrupt_keeps_partial_results(profiling, pictures):
    lab, kernel = profiling, profiling.kernel_pid()
    lab.outputs(1).first.screenshot(path=pictures / "progress.png")
    lab.command("notebook:interrupt-kernel")
    lab.wait_until_done(timeout_s=15)
    shown = lab.cell(1).inner_text()
    assert "partial results kept" in shown
    assert "interrupted at" in shown
    assert "Interrupted: partial results kept (2 of 2 candidates measured)." in shown
    assert lab.cell(1).locator("progress").count() == 0
    rows = lab.cell(1).locator("table").first.locator("tbody tr").all_inner_texts()
    assert len(rows) == 2
    assert wait_until_gone(kernel, seconds=5) == []
    lab.cell(1).screenshot(path=pictures / "interrupted.png")

    lab.run_cell(2)
    lab.wait_until_done(timeout_s=15)
    assert lab.notebook().cells[2].outputs[0].text == "42 True\n"
    assert lab.kernel_pid() == kernel


def test_no_worker_outlives_a_killed_kernel(profiling):
    kernel = profiling.kernel_pid()
    os.kill(kernel, signal.SIGKILL)
    assert wait_until_gone(kernel, seconds=5) == []
