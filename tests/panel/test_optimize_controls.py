"""Widgets below the panel of ``optimize``: choose, use, read, save."""

from __future__ import annotations

import base64
import re
import sys
import types
from html import unescape

import ipywidgets as widgets
import pytest
from panel_records import optimized
from profile_records import SCRIPT
from test_controls import VIEW, FrontEnd, every

from inferspeed_magic.errors import ModelError, OptionError
from inferspeed_magic.panel.optimize_controls import OptimizeControls, recipe_html, show_optimized
from inferspeed_magic.report import OptimizeReport

NAMES = ("digits/keras.predict", "digits/litert", "digits/litert+static_int8")
BEST = "digits/litert+static_int8"
RECIPE = 'import litert\n\nprint("</textarea><script>alert(1)</script> ä")\n'


class Model:
    """Stands for a model that was optimized."""

    def __init__(self, name, error=None):
        self.name, self.error, self.saved = name, error, []

    def recipe(self):
        if self.error:
            raise self.error
        return RECIPE

    def save(self, folder):
        if self.error:
            raise self.error
        self.saved.append(folder)


class Report:
    """Stands for a report."""

    def __init__(self, error=None):
        self.models = {name: Model(name, error) for name in NAMES}

    def pick(self, name):
        return self.models[name]

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": "<div>panel</div>"}


class Hands:
    """Finds widgets as a user does, by their words."""

    def __init__(self, report=None, names=NAMES, best=BEST):
        self.report = report or Report()
        self.all = list(every(OptimizeControls(self.report, names, best).box))

    def field(self, description):
        return next(one for one in self.all if getattr(one, "description", "") == description)

    def click(self, description):
        self.field(description).click()
        return self.said()

    def said(self):
        return next(one for one in self.all if isinstance(one, widgets.HTML)).value

    def recipe(self):
        return [one for one in self.all if isinstance(one, widgets.HTML)][1].value


@pytest.fixture
def user_namespace(monkeypatch):
    module = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    return module


class TestChoice:
    def test_all_that_can_be_picked_are_offered_and_the_winner_is_chosen(self):
        offered = Hands().field("Candidate")
        assert [value for _, value in offered.options] == list(NAMES)
        assert offered.value == BEST
        assert [words for words, _ in offered.options if "winner" in words] == [f"{BEST}, the winner"]

    def test_without_a_winner_it_is_the_first(self):
        assert Hands(best=None).field("Candidate").value == NAMES[0]
        assert Hands(best="digits/gone").field("Candidate").value == NAMES[0]

    def test_another_choice_forgets_what_was_said_of_the_last(self):
        hands = Hands()
        hands.click("Recipe")
        assert hands.recipe()
        hands.field("Candidate").value = NAMES[1]
        assert (hands.said(), hands.recipe()) == ("", "")


class TestUse:
    def test_it_gets_a_name_in_the_notebook(self, user_namespace):
        hands = Hands()
        assert hands.click("Use this one") == f"<div>fast is {BEST}: call fast(x), as the Keras model</div>"
        assert user_namespace.fast is hands.report.models[BEST]

    def test_any_candidate_under_any_name(self, user_namespace):
        hands = Hands()
        hands.field("Candidate").value = "digits/litert"
        hands.field("Use as").value = " plain "
        hands.click("Use this one")
        assert user_namespace.plain.name == "digits/litert"

    @pytest.mark.parametrize("name", ["", "2fast", "a b", "class", "a.b", SCRIPT])
    def test_what_is_no_name_is_refused(self, user_namespace, name):
        hands = Hands()
        hands.field("Use as").value = name
        assert "is no name for a variable" in hands.click("Use this one")
        assert "<script" not in hands.said()
        assert not [key for key in vars(user_namespace) if not key.startswith("__")]


class TestSave:
    def test_to_the_folder_that_is_named(self):
        hands = Hands()
        hands.field("Folder").value = " out/digits "
        assert "inferspeed_magic.load(&#x27;out/digits&#x27;)" in hands.click("Save")
        assert hands.report.models[BEST].saved == ["out/digits"]

    def test_to_none(self):
        hands = Hands()
        hands.field("Folder").value = " "
        assert "say which folder" in hands.click("Save")
        assert hands.report.models[BEST].saved == []


class TestRecipe:
    def test_it_can_be_read_copied_and_downloaded(self):
        hands = Hands()
        assert "the recipe of" in hands.click("Recipe")
        shown = hands.recipe()
        (text,) = re.findall(r"<textarea readonly[^>]*>\n(.*)</textarea>", shown, re.DOTALL)
        assert unescape(text) == RECIPE
        assert "<script" not in shown
        assert 'aria-label="recipe"' in shown
        assert 'data-lm-suppress-shortcuts="true"' in shown
        (packed,) = re.findall(
            r'<a download="recipe.py" style="[^"]*" href="data:text/x-python;base64,([^"]+)">', shown
        )
        assert base64.b64decode(packed).decode() == RECIPE

    def test_a_script_that_is_no_text(self):
        assert recipe_html("\ud800")


class TestMistakes:
    @pytest.mark.parametrize("button", ["Save", "Recipe"])
    @pytest.mark.parametrize(
        ("error", "line"),
        [
            (OptionError("there is no recipe for `a`"), "there is no recipe for `a`"),
            (ModelError(SCRIPT), "&lt;script&gt;alert(1)&lt;/script&gt;"),
            (ZeroDivisionError("x"), "ZeroDivisionError: x"),
            (KeyboardInterrupt(), "interrupted: nothing was done"),
        ],
    )
    def test_a_mistake_is_one_line(self, error, line, button):
        hands = Hands(Report(error))
        assert hands.click(button) == f"<div>{line}</div>"
        assert hands.recipe() == ""
        assert not any(one.disabled for one in hands.all if isinstance(one, widgets.Button))


class TestShow:
    def test_first_the_panel_then_the_controls(self, monkeypatch):
        front_end = FrontEnd(monkeypatch)
        show_optimized(Report(), NAMES, BEST)
        assert front_end.shown[0] == {"text/html": "<div>panel</div>"}
        assert set(front_end.shown[1]) == {VIEW, "text/html", "text/plain"}

    def test_a_report_that_was_loaded_has_none(self, monkeypatch):
        front_end = FrontEnd(monkeypatch)
        show_optimized(Report(), (), BEST)
        assert len(front_end.shown) == 1

    def test_without_widgets_the_panel_stays(self, monkeypatch):
        front_end = FrontEnd(monkeypatch)
        monkeypatch.setitem(sys.modules, "ipywidgets", None)
        show_optimized(Report(), NAMES, BEST)
        assert len(front_end.shown) == 1


class TestReport:
    def test_outside_of_a_kernel_ipython_takes_the_bundle(self):
        made = OptimizeReport(optimized())
        with pytest.raises(NotImplementedError):
            made._ipython_display_()
        bundle = made._repr_mimebundle_()
        assert bundle["text/plain"] == repr(made)
        assert "Chosen for low latency" in repr(made)
        assert "Which one to use" in bundle["text/html"]
        assert bundle["image/png"]

    def test_in_a_kernel_it_offers_its_models_and_nothing_to_measure(self, monkeypatch):
        front_end = FrontEnd(monkeypatch)
        monkeypatch.setattr("IPython.get_ipython", lambda: front_end)
        OptimizeReport(optimized(), {name: Model(name) for name in NAMES})._ipython_display_()
        assert [VIEW in bundle for bundle in front_end.shown] == [False, True]
        assert "Measure more" not in str(front_end.shown)

    def test_one_that_was_loaded_shows_the_panel_alone(self, monkeypatch):
        front_end = FrontEnd(monkeypatch)
        monkeypatch.setattr("IPython.get_ipython", lambda: front_end)
        OptimizeReport(optimized())._ipython_display_()
        assert [VIEW in bundle for bundle in front_end.shown] == [False]

    def test_a_document_stands_alone(self, tmp_path):
        OptimizeReport(optimized()).to_html(tmp_path / "report.html")
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert "<title>Candidates for digits, batch 1, cpu, 2 threads, the fastest first</title>" in page
