"""Widgets below the panel: what they ask of a report, and what they say of it."""

from __future__ import annotations

import sys
import types

import ipywidgets as widgets
import pytest
from profile_records import SCRIPT, failed, record, result, usual

import inferspeed_magic.panel.controls as module
from inferspeed_magic.errors import ModelError, OptionError, WorkerError
from inferspeed_magic.panel.controls import Controls, show
from inferspeed_magic.report import Report

VIEW = "application/vnd.jupyter.widget-view+json"
ACTIONS = ["Add: runtime", "Add: batch size", "Add: model", "Measure again: measured row", "Save: save as"]


class Growing:
    """Stands for a report: it notes what is asked of it, and raises what it is told to."""

    def __init__(self, *, extensible=True, left=("openvino", "tvm"), error=None):
        self.extensible = extensible
        self.results = usual().results
        self.asked = []
        self.error = error
        self.meanwhile = lambda progress: None
        self._left = left

    def left(self):
        return self._left

    def measure(self, *, progress=None, **what):
        self.asked.append(what)
        self.meanwhile(progress)
        if self.error:
            raise self.error

    def save(self, path):
        self.asked.append({"save": path})
        if self.error:
            raise self.error

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": f"asked {len(self.asked)} times", "text/html": "<div>panel</div>"}


class Hands:
    """Finds widgets as a user does, by their words."""

    def __init__(self, report, redraw=None):
        self.drawn = []
        self.take(Controls(report, redraw or (lambda: self.drawn.append(len(report.asked)))).box)

    def take(self, box):
        self.all = list(every(box))
        # As a user does: whether one is chosen from the start depends on the version of ipywidgets.
        self.field("Runtime").value = next(iter(self.offered("Runtime")), None)
        return self

    def buttons(self):
        return {one.tooltip: one for one in self.all if isinstance(one, widgets.Button)}

    def field(self, description):
        return next(one for one in self.all if getattr(one, "description", "") == description)

    def click(self, tooltip):
        self.buttons()[tooltip].click()
        return self.said()

    def said(self):
        (status,) = [one for one in self.all if isinstance(one, widgets.HTML)]
        return status.value

    def offered(self, description):
        return list(self.field(description).options)

    def able(self):
        return [not button.disabled for button in self.buttons().values()]


class FrontEnd:
    """Stands for IPython in a kernel."""

    def __init__(self, monkeypatch):
        self.shown, self.updated = [], []
        self.kernel = object()
        monkeypatch.setattr("IPython.display.display", self.display)

    def display(self, bundle, *, raw, **options):
        assert raw
        self.shown.append(bundle)
        return self if options.get("display_id") else None

    def update(self, bundle, *, raw):
        assert raw
        self.updated.append(bundle)


def every(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from every(child)


@pytest.fixture
def report():
    return Growing()


@pytest.fixture
def hands(report):
    return Hands(report)


@pytest.fixture
def front_end(monkeypatch):
    return FrontEnd(monkeypatch)


class TestButtons:
    def test_there_is_one_for_each_thing_that_can_be_done(self, hands):
        assert list(hands.buttons()) == ACTIONS
        assert hands.able() == [True] * 5
        assert hands.said() == ""

    def test_a_runtime(self, report, hands):
        hands.field("Runtime").value = "tvm"
        hands.click("Add: runtime")
        assert report.asked == [{"runtime": "tvm"}]

    def test_a_batch_size(self, report, hands):
        hands.field("Batch size").value = 64
        hands.click("Add: batch size")
        assert report.asked == [{"batch_size": 64}]

    def test_a_model(self, report, hands):
        hands.field("Model").value = "models/deep.onnx"
        hands.click("Add: model")
        assert report.asked == [{"model": "models/deep.onnx"}]

    def test_a_row_again(self, report, hands):
        hands.field("Measured row").value = ("deep/litert", 1)
        hands.click("Measure again: measured row")
        assert report.asked == [{"row": ("deep/litert", 1)}]

    def test_save(self, report, hands):
        hands.field("Save as").value = "runs/one.json"
        assert "saved to runs/one.json" in hands.click("Save: save as")
        assert report.asked == [{"save": "runs/one.json"}]
        assert hands.drawn == []

    @pytest.mark.parametrize("action", ACTIONS[:4])
    def test_what_was_measured_is_drawn(self, hands, action):
        assert "measured" in hands.click(action)
        assert hands.drawn == [1]

    def test_a_batch_size_that_is_there_is_refused(self, report, hands):
        hands.field("Batch size").value = 1
        assert "batch size 1 is there already" in hands.click("Add: batch size")
        assert report.asked == []
        assert hands.drawn == []

    def test_nothing_is_left_to_add(self):
        report = Growing(left=())
        hands = Hands(report)
        assert hands.offered("Runtime") == []
        assert "nothing is left to add" in hands.click("Add: runtime")
        assert report.asked == []


class TestWhatIsSaid:
    @pytest.mark.parametrize(
        ("error", "line"),
        [
            (OptionError("unknown runtime `tvn`: did you mean tvm?"), "unknown runtime `tvn`: did you mean tvm?"),
            (ModelError("say which model"), "say which model"),
            (WorkerError("crashed", "it died of SIGSEGV"), "crashed: it died of SIGSEGV"),
            (ValueError("no good"), "ValueError: no good"),
            (ZeroDivisionError(), "ZeroDivisionError:"),
            (KeyboardInterrupt(), "interrupted: nothing was added"),
        ],
    )
    @pytest.mark.parametrize("action", ACTIONS)
    def test_a_mistake_is_one_line(self, error, line, action):
        hands = Hands(Growing(error=error))
        assert hands.click(action) == f"<div>{line}</div>"
        assert hands.able() == [True] * 5
        assert hands.drawn == []

    def test_nobody_writes_our_html(self):
        hands = Hands(Growing(error=OptionError(SCRIPT)))
        assert hands.click("Add: runtime") == "<div>&lt;script&gt;alert(1)&lt;/script&gt;</div>"

    def test_a_mistake_is_forgotten_when_it_is_mended(self, report, hands):
        report.error = OptionError("no")
        hands.click("Add: runtime")
        report.error = None
        assert hands.click("Add: runtime") == "<div>measured; the panel above shows it</div>"

    def test_a_panel_that_cannot_be_drawn(self, report):
        def fail():
            raise RuntimeError("no front end")

        hands = Hands(report, fail)
        assert hands.click("Add: runtime") == "<div>RuntimeError: no front end</div>"
        assert hands.able() == [True] * 5


class TestMeanwhile:
    def test_buttons_are_off(self, report, hands):
        able = []
        report.meanwhile = lambda progress: able.append(hands.able())
        hands.click("Add: runtime")
        assert able == [[False] * 5]
        assert hands.able() == [True] * 5

    def test_progress_is_shown_in_their_place(self, report, hands):
        shown = []

        def work(progress):
            progress.start(7)
            shown.append(hands.said())
            progress.finish()

        report.meanwhile = work
        hands.click("Add: runtime")
        assert '<progress value="0" max="7"' in shown[0]
        assert "measured" in hands.said()


class TestRows:
    def test_all_that_could_be_measured_are_offered(self, hands):
        assert hands.offered("Runtime") == ["openvino", "tvm"]
        rows = dict(hands.offered("Measured row"))
        # openvino is not installed; what crashed may be tried again.
        assert list(rows.values()) == [
            (f"deep/{runtime}", 1)
            for runtime in ("keras.predict", "keras.call", "keras.compiled", "litert", "onnxruntime", "keras.xla")
        ]
        assert list(rows)[3] == "deep/litert, batch 1"

    def test_what_was_added_is_offered_too_and_the_choice_stays(self, report, hands):
        def grow(progress):
            report.results = (*usual().results, result("deep/tvm"), result("deep/litert", batch_size=8))
            report._left = ("openvino",)

        report.meanwhile = grow
        hands.field("Measured row").value = ("deep/litert", 1)
        hands.click("Add: runtime")
        assert dict(hands.offered("Measured row"))["deep/tvm, batch 1"] == ("deep/tvm", 1)
        assert dict(hands.offered("Measured row"))["deep/litert, batch 8"] == ("deep/litert", 8)
        assert hands.field("Measured row").value == ("deep/litert", 1)
        assert hands.offered("Runtime") == ["openvino"]
        hands.field("Batch size").value = 8
        assert "there already" in hands.click("Add: batch size")

    def test_without_rows_there_is_nothing_to_measure_again(self, report):
        report.results = (failed(),)
        hands = Hands(report)
        assert "nothing is left to add" in hands.click("Measure again: measured row")
        assert report.asked == []


class TestShow:
    def test_first_the_panel_then_the_controls(self, report, front_end):
        show(report)
        panel, below = front_end.shown
        assert panel == report._repr_mimebundle_()
        assert set(below) == {VIEW, "text/html", "text/plain"}
        assert below["text/html"] == below["text/plain"] == ""
        assert (below[VIEW]["version_major"], below[VIEW]["version_minor"]) == (2, 0)
        assert set(below[VIEW]) == {"version_major", "version_minor", "model_id"}

    def test_it_is_drawn_again_in_its_place(self, report, front_end, monkeypatch):
        made = []

        class Noted(Controls):
            def __init__(self, *given):
                super().__init__(*given)
                made.append(self)

        monkeypatch.setattr(module, "Controls", Noted)
        show(report)
        Hands.__new__(Hands).take(made[0].box).click("Add: runtime")
        assert front_end.updated == [{"text/plain": "asked 1 times", "text/html": "<div>panel</div>"}]
        assert len(front_end.shown) == 2

    def test_nothing_is_below_where_no_more_can_be_measured(self, front_end):
        still = Growing(extensible=False)
        show(still)
        assert front_end.shown == [still._repr_mimebundle_()]

    @pytest.mark.parametrize("broken", ["missing", "changed"])
    def test_without_widgets_the_panel_stays(self, report, front_end, monkeypatch, broken):
        # A module that is None cannot be imported.
        monkeypatch.setitem(sys.modules, "ipywidgets", None if broken == "missing" else types.ModuleType("ipywidgets"))
        show(report)
        assert front_end.shown == [report._repr_mimebundle_()]

    def test_the_panel_itself_may_not_fail_silently(self, report, front_end, monkeypatch):
        monkeypatch.setattr(report, "_repr_mimebundle_", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            show(report)


class TestReport:
    def test_outside_of_a_kernel_ipython_takes_the_bundle(self):
        with pytest.raises(NotImplementedError):
            Report(usual())._ipython_display_()

    def test_in_a_kernel_it_shows_itself(self, front_end, monkeypatch):
        monkeypatch.setattr("IPython.get_ipython", lambda: front_end)
        made = Report(usual())
        made._ipython_display_()
        assert front_end.shown == [made._repr_mimebundle_()]

    def test_one_that_can_grow_has_controls(self, front_end, monkeypatch):
        monkeypatch.setattr("IPython.get_ipython", lambda: front_end)
        Report(record(result()), more=object())._ipython_display_()
        assert [VIEW in bundle for bundle in front_end.shown] == [False, True]

    def test_what_is_left_to_add_is_what_was_not_asked_for(self):
        from inferspeed_magic.discovery import runtime_names

        assert set(Report(usual()).left()) == set(runtime_names()) - {one.runtime for one in usual().results}
