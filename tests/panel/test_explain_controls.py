"""Widgets below an explanation: choose a finding, verify it."""

from __future__ import annotations

from dataclasses import replace

import ipywidgets as widgets
import pytest
from explanation_records import two
from profile_records import interval
from test_controls import VIEW, FrontEnd, every

from inferspeed_magic.errors import OptionError, UserError
from inferspeed_magic.panel.explain_controls import ExplainControls, show_explained
from inferspeed_magic.report import ExplainReport


class Report:
    """Stands for a report."""

    def __init__(self, error=None):
        self.explanation = two()
        self.error, self.asked = error, []

    def verify(self, place, *, progress=True):
        progress.start(100)
        progress.update(1, 100, "measuring both")
        self.asked.append(place)
        if self.error:
            raise self.error
        findings = list(self.explanation.findings)
        findings[place] = replace(findings[place], expected_gain=interval(5.0), measured_gain=interval(4.5))
        self.explanation = replace(self.explanation, findings=tuple(findings))

    @property
    def artifacts(self):
        return ("deep/onnxruntime", "wide/onnxruntime")

    def netron(self, name, *, browse=True, progress=True):
        self.asked.append(name)
        if self.error:
            raise self.error
        return "http://localhost:8080"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": "<div>panel</div>"}


def hands(report, redraw=lambda: None):
    """Give the widgets by their words."""
    found = list(every(ExplainControls(report, redraw).box))
    named = {one.description: one for one in found if getattr(one, "description", "")}
    return named, [one for one in found if isinstance(one, widgets.HTML)][-1]


def checked(report):
    return [place for place, finding in enumerate(report.explanation.findings) if finding.check]


def test_findings_that_can_be_tried_are_offered():
    report = Report()
    named, _ = hands(report)
    offered = named["Try the advice of"].options
    assert checked(report)
    assert [value for _, value in offered] == checked(report)
    first = report.explanation.findings[checked(report)[0]]
    assert offered[0][0] == f"{checked(report)[0] + 1}. {first.model}: {first.advice}"


def test_verifying_says_what_was_expected_and_measured_and_draws_the_panel_again():
    report, drawn = Report(), []
    named, said = hands(report, lambda: drawn.append(1))
    named["Verify"].click()
    place = checked(report)[0]
    assert report.asked == [place]
    assert said.value.startswith(f"<div>finding {place + 1}: expected 5.00x (")
    assert ", measured 4.50x (" in said.value
    assert drawn == [1]


@pytest.mark.parametrize("error", [OptionError("`deep` is built for batches of 4"), KeyboardInterrupt()])
def test_what_goes_wrong_is_one_line(error):
    named, said = hands(Report(error))
    named["Verify"].click()
    assert said.value in (
        "<div>`deep` is built for batches of 4</div>",
        "<div>interrupted: nothing was measured</div>",
    )
    assert not named["Verify"].disabled


def test_a_file_is_opened_and_its_address_can_be_clicked():
    report = Report()
    controls = ExplainControls(report, lambda: None)
    named = {one.description: one for one in every(controls.box) if getattr(one, "description", "")}
    named["Graph of the file of"].value = "wide/onnxruntime"
    named["Open in Netron"].click()
    assert report.asked == ["wide/onnxruntime"]
    link, said = [one.value for one in every(controls.box) if isinstance(one, widgets.HTML)]
    assert '<a href="http://localhost:8080" target="_blank" rel="noopener">' in link
    assert "Netron shows wide/onnxruntime" in said


def test_without_netron_the_button_says_how_to_get_it():
    named, said = hands(Report(UserError("Netron is not installed: pip install x")))
    named["Open in Netron"].click()
    assert said.value == "<div>Netron is not installed: pip install x</div>"


def test_what_there_is_nothing_of_has_no_line():
    class Bare(Report):
        artifacts = ()

    named, _ = hands(Bare())
    assert "Open in Netron" not in named
    unchecked = Report()
    unchecked.explanation = replace(unchecked.explanation, findings=())
    named, _ = hands(unchecked)
    assert "Verify" not in named
    assert "Open in Netron" in named


def test_the_panel_is_shown_with_the_controls_below(monkeypatch):
    front_end = FrontEnd(monkeypatch)
    show_explained(Report(), able=True)
    assert [VIEW in bundle for bundle in front_end.shown] == [False, True]


def test_a_report_that_was_loaded_has_no_controls(monkeypatch):
    front_end = FrontEnd(monkeypatch)
    monkeypatch.setattr("inferspeed_magic.report.explanation.in_notebook", lambda: True)
    ExplainReport(two())._ipython_display_()
    assert [VIEW in bundle for bundle in front_end.shown] == [False]


def test_without_a_notebook_the_front_end_chooses():
    with pytest.raises(NotImplementedError):
        ExplainReport(two())._ipython_display_()
