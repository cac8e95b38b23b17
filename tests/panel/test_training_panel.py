"""How training is shown: curves, the latency of each result beside them, and words where nothing can be drawn."""

from __future__ import annotations

import dataclasses
import math
import re

import pytest
from panel_records import learned, optimized, trained
from profile_records import SCRIPT
from test_profile_html import ALLOWED, Page

from inferspeed_magic.panel import CellProgress, optimize_html, optimize_text, optimize_view
from inferspeed_magic.panel.training_curve import lowest, training_figure
from inferspeed_magic.records import Epoch

SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)
POINTS = re.compile(r'points="([^"]+)"')


def flat(loss, count=3):
    return tuple(Epoch(place + 1, loss, loss, 1.0 + place) for place in range(count))


class TestFigure:
    def test_a_line_for_each_curve(self):
        figure = training_figure(learned())
        lines = [[tuple(map(float, at.split(","))) for at in line.split()] for line in POINTS.findall(figure)]
        assert [len(line) for line in lines] == [8, 8, 8]
        loss, check, right = lines
        assert loss == sorted(loss)
        # Down the page is down, and up is up.
        assert loss[0][1] < loss[-1][1]
        assert check[0][1] < check[-1][1]
        assert right[0][1] > right[-1][1]
        assert all(0 <= across <= 280 and 0 <= down <= 84 for line in lines for across, down in line)

    def test_words_and_numbers_stand_outside_of_the_drawing(self):
        figure = training_figure(learned())
        outside = Page(SVG.sub("", figure)).text
        assert "loss 1.20 to 0.310" in outside
        assert "on other samples 1.26 to" in outside
        assert "right there 62.0% to 88.7%" in outside
        assert Page(SVG.search(figure)[0]).text == ""

    def test_the_lowest_loss_on_other_samples_is_marked(self):
        epochs = learned()
        assert lowest(epochs) is epochs[-2]
        figure = training_figure(epochs)
        (dot,) = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="3.6"', figure)
        check = POINTS.findall(figure)[1].split()
        assert ",".join(dot) == check[-2]

    def test_of_several_stages_the_last_counts(self):
        epochs = learned(6, stages=2)
        better = dataclasses.replace(epochs[0], check_loss=0.001)
        assert lowest((better, *epochs[1:])).stage == 2
        figure = training_figure(epochs)
        assert figure.count("<line ") == 1
        assert [len(line.split()) for line in POINTS.findall(figure)][:2] == [3, 3]

    def test_one_epoch_is_a_dot(self):
        figure = training_figure(learned(1))
        assert "<polyline" not in figure
        assert figure.count("<circle") == 4

    def test_without_other_samples_there_is_one_line(self):
        figure = training_figure(flat(0.5))
        assert len(POINTS.findall(figure)) == 1
        assert "other samples" not in figure

    def test_numbers_that_are_none_leave_gaps(self):
        epochs = [dataclasses.replace(each, loss=math.nan if each.epoch == 3 else each.loss) for each in learned()]
        lines = POINTS.findall(training_figure(epochs))
        assert [len(line.split()) for line in lines][:2] == [2, 5]
        assert "nan" not in " ".join(lines)
        diverged = tuple(Epoch(place, math.inf, math.nan, 1.0) for place in (1, 2))
        assert training_figure(diverged) == training_figure(()) == ""

    def test_very_many_epochs_stay_small(self):
        assert len(training_figure(learned(5000))) < 12_000

    def test_colours_are_those_for_light_and_dark(self):
        colours = set(re.findall(r'(?:stroke|fill)="([^"]+)"', training_figure(learned())))
        assert colours == {"none", "currentColor", "#cc5f1a", "#178a6b"}


class TestPanel:
    def test_each_training_has_one_figure_and_each_result_a_row(self):
        view = optimize_view(trained())
        assert [course.title for course in view.courses] == ["distillation[small]", "structured_pruning[50%]"]
        assert [row[0].text for row in view.training.rows] == [
            "keras.predict",
            "litert+distillation+static_int8[small]",
            "litert+distillation[small]",
            "litert+structured_pruning[50%]",
        ]
        columns = [column.key for column in view.training.columns]
        shown = dict(zip(columns, view.training.rows[2], strict=True))
        assert shown["p50_ms"].number == pytest.approx(0.031, rel=0.05)
        assert shown["candidate"].remark == "chosen"
        assert (shown["epochs"].text, shown["check_accuracy"].text, shown["elapsed_s"].text) == ("8", "88.7%", "12 s")
        assert view.training.rows[0][columns.index("epochs")].text == "-"

    def test_how_it_went_in_words(self):
        words = {course.title: course.words for course in optimize_view(trained()).courses}
        assert words["distillation[small]"].startswith("8 epochs, 12 s; loss 1.20 to 0.310, on other samples 1.26 to ")
        assert words["distillation[small]"].endswith("after epoch 7, 88.7% of them right")
        assert words["structured_pruning[50%]"].startswith("6 epochs in 2 stages, 9 s; ")

    def test_a_loss_that_is_no_number_does_not_make_another_training(self):
        def diverged():
            return (Epoch(1, float("nan"), float("nan"), 1.0),)

        record = trained()
        student = {each.name for each in record.profile.results if "distillation" in each.technique}
        results = tuple(
            dataclasses.replace(each, training=diverged()) if each.name in student else each
            for each in record.profile.results
        )
        assert len(student) == 2
        shown = optimize_view(dataclasses.replace(record, profile=dataclasses.replace(record.profile, results=results)))
        assert [course.title for course in shown.courses] == ["distillation[small]", "structured_pruning[50%]"]

    def test_without_the_drawings_all_words_stay(self):
        """Untrusted notebooks and GitHub drop them."""
        view = optimize_view(trained())
        html = optimize_html(view)
        assert len(SVG.findall(html)) == 2
        drawn = Page(SVG.sub("", html).replace("<wbr>", ""))
        assert {tag for tag, _ in drawn.tags} <= ALLOWED
        said = [view.training.title, *(words for each in view.courses for words in (each.title, each.words))]
        said += [cell.text for row in view.training.rows for cell in row]
        assert [words for words in said if words not in drawn.text] == []
        assert [words for words in said if words not in " ".join(optimize_text(view).split())] == []

    def test_what_was_not_trained_says_nothing_of_it(self):
        view = optimize_view(optimized())
        assert view.courses == view.training.rows == ()
        assert "Training" not in optimize_html(view) + optimize_text(view)
        assert "check loss" not in " ".join(view.footnotes)

    def test_nobody_writes_our_html(self):
        made = trained()
        results = tuple(
            dataclasses.replace(one, variant=SCRIPT, technique=SCRIPT) if one.training else one
            for one in made.profile.results
        )
        made = dataclasses.replace(made, profile=dataclasses.replace(made.profile, results=results))
        assert "<script" not in optimize_html(optimize_view(made))

    def test_a_training_without_a_measured_result_is_still_told(self):
        made = trained()
        results = tuple(
            dataclasses.replace(one, status="crashed", reason="out of memory", measurement=None, summary=None)
            if one.training
            else one
            for one in made.profile.results
        )
        view = optimize_view(dataclasses.replace(made, profile=dataclasses.replace(made.profile, results=results)))
        assert len(view.courses) == 2
        assert view.training.rows[-1][1].text == "-"


class Clock:
    now = 100.0

    def __call__(self):
        self.now += 1
        return self.now


class TestProgress:
    def test_curves_are_drawn_while_something_is_trained(self):
        shown = []
        progress = CellProgress(Clock(), put=shown.append)
        progress.start(100)
        progress.update(40, 100, "training distillation", epochs=learned(3))
        progress.update(41, 100, "trying net/litert")
        assert [html.count("<svg") for html in shown] == [0, 1, 0]
        assert Page(SVG.sub("", shown[1]).replace("<progress", "<div").replace("</progress", "</div")).text.startswith(
            "40/100 training distillation"
        )
        assert "mathjax_ignore" in shown[1]

    def test_a_terminal_has_words_only(self):
        import io

        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal = Terminal()
        progress = CellProgress(Clock(), terminal)
        progress.start(100)
        progress.update(40, 100, "training distillation", epochs=learned(3))
        assert terminal.getvalue().rpartition("\r")[2].startswith("40/100 training distillation")
        assert "svg" not in terminal.getvalue()
