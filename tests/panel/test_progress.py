"""Progress in the cell, on the terminal, and nowhere."""

from __future__ import annotations

import io
import sys
import types

import pytest
from profile_records import SCRIPT

from inferspeed_magic.panel import CellProgress, NoProgress, Progress


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


class FrontEnd:
    """Stands for IPython in a kernel: one output, updated in place."""

    def __init__(self, monkeypatch):
        self.shown = []
        self.kernel = object()
        package = types.ModuleType("IPython")
        package.get_ipython = lambda: self
        package.display = types.ModuleType("IPython.display")
        package.display.display = self.display
        monkeypatch.setitem(sys.modules, "IPython", package)
        monkeypatch.setitem(sys.modules, "IPython.display", package.display)

    def display(self, bundle, *, raw, display_id):
        assert raw
        assert display_id
        self.shown.append(bundle)
        return self

    def update(self, bundle, *, raw):
        assert raw
        self.shown.append(bundle)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def front_end(monkeypatch):
    return FrontEnd(monkeypatch)


def work(progress: Progress, clock):
    progress.start(100)
    clock.now += 1
    progress.update(23, 100, "measuring deep/litert", seconds_left=71.0, first_numbers=[("deep/litert", 0.0931)])


def test_a_cell_shows_a_bar_and_first_numbers(front_end, clock):
    work(CellProgress(clock), clock)
    first, last = front_end.shown
    assert '<progress value="0" max="100" ' in first["text/html"]
    assert '<progress value="23" max="100" ' in last["text/html"]
    assert "23/100 measuring deep/litert, about 1 min 11 s left" in last["text/html"]
    assert "<li>deep/litert: 93.1 µs</li>" in last["text/html"]
    assert last["text/plain"] == "23/100 measuring deep/litert, about 1 min 11 s left"


def test_first_numbers_stay_on_show(front_end, clock):
    progress = CellProgress(clock)
    work(progress, clock)
    clock.now += 1
    progress.update(24, 100, "measuring deep/onnxruntime")
    assert "deep/litert: 93.1 µs" in front_end.shown[-1]["text/html"]


def test_finishing_leaves_the_output_empty(front_end, clock):
    progress = CellProgress(clock)
    work(progress, clock)
    progress.finish()
    assert front_end.shown[-1] == {"text/html": "", "text/plain": ""}


def test_finishing_may_leave_a_message(front_end, clock):
    progress = CellProgress(clock)
    work(progress, clock)
    progress.finish(f"saved {SCRIPT}")
    assert front_end.shown[-1]["text/html"] == "<div>saved &lt;script&gt;alert(1)&lt;/script&gt;</div>"


def test_interrupting_says_where(front_end, clock):
    progress = CellProgress(clock)
    work(progress, clock)
    progress.interrupt("partial results kept")
    assert front_end.shown[-1]["text/plain"] == "interrupted at 23/100 - partial results kept"
    progress.update(24, 100, "too late")
    assert len(front_end.shown) == 3


def test_names_are_escaped(front_end, clock):
    progress = CellProgress(clock)
    progress.start(2)
    clock.now += 1
    progress.update(1, 2, f"converting {SCRIPT}", first_numbers=[(SCRIPT, 1.0)])
    assert "<script" not in front_end.shown[-1]["text/html"]


def test_at_most_five_updates_a_second(front_end, clock):
    progress = CellProgress(clock)
    progress.start(1000)
    for step in range(1000):
        clock.now += 0.001
        progress.update(step, 1000, "measuring")
    assert 4 <= len(front_end.shown) <= 6


def test_an_interrupt_counts_updates_that_were_not_shown(front_end, clock):
    progress = CellProgress(clock)
    progress.start(10)
    progress.update(7, 10, "measuring")
    progress.interrupt()
    assert front_end.shown[-1]["text/plain"] == "interrupted at 7/10 - partial results kept"


def test_a_terminal_shows_one_line_and_clears_it(clock):
    terminal = Terminal()
    progress = CellProgress(clock, terminal)
    work(progress, clock)
    line = terminal.getvalue().rpartition("\r")[2]
    assert line == "23/100 measuring deep/litert, about 1 min 11 s left; deep/litert 93.1 µs"[: len(line)]
    progress.finish()
    assert terminal.getvalue().endswith(f"\r{' ' * len(line)}\r")
    assert "\n" not in terminal.getvalue()


def test_a_terminal_keeps_the_message_of_an_interrupt(clock):
    terminal = Terminal()
    progress = CellProgress(clock, terminal)
    work(progress, clock)
    progress.interrupt()
    last = terminal.getvalue().rpartition("\r")[2]
    assert last.endswith("\n")
    assert last.strip() == "interrupted at 23/100 - partial results kept"


def test_a_pipe_shows_nothing(clock):
    pipe = io.StringIO()
    progress = CellProgress(clock, pipe)
    work(progress, clock)
    progress.interrupt()
    assert pipe.getvalue() == ""


def test_it_never_raises(front_end, clock):
    def refuse(*_, **__):
        raise OSError("the front end is gone")

    front_end.display = front_end.update = refuse
    sys.modules["IPython.display"].display = refuse
    progress = CellProgress(clock)
    work(progress, clock)
    progress.update(None, "x", 7, seconds_left="soon", first_numbers=[3])
    progress.interrupt()
    progress.finish()


def test_it_never_raises_out_of_order(clock):
    progress = CellProgress(clock, Terminal())
    progress.update(1, 2, "before the start")
    progress.finish()
    progress.interrupt()


def test_no_progress_has_the_same_methods(clock, capsys):
    progress = NoProgress()
    work(progress, clock)
    progress.finish("done")
    progress.interrupt("stopped")
    assert capsys.readouterr() == ("", "")
