"""The panel of ``optimize`` in JupyterLab: its chart, and the controls that use, explain and save a candidate."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe import violations

NAME = "optimized.ipynb"
REPORT = """\
import sys
sys.path.insert(0, {tests!r})
from panel_records import FAILED, optimized
from inferspeed_magic.report import OptimizeReport

class Model:
    def __init__(self, name):
        self.name = name
    def __call__(self, x):
        return x
    def recipe(self):
        return f"# makes {{self.name}}\\nprint('<b>no HTML</b>')\\n"
    def save(self, folder):
        import os
        os.makedirs(folder)

record = optimized(*FAILED)
report = OptimizeReport(record, {{one.name: Model(one.name) for one in record.profile.results}})
report
"""


@pytest.fixture(scope="module")
def shown(lab, repository):
    lab.write(NAME, REPORT.format(tests=str(repository / "tests")), "print(fast.name, fast(7))", "report")
    lab.open(NAME)
    lab.run_cell(0)
    lab.wait_until_done()
    lab.cell(0).locator(".inferspeed-panel[data-ready]").wait_for()
    return lab


def press(lab, name):
    lab.cell(0).get_by_role("button", name=name, exact=True).click()


def test_the_chart_and_the_controls_are_there(shown, pictures):
    cell = shown.cell(0)
    assert cell.locator(".im-plot canvas").count() >= 1
    cell.get_by_role("button", name="Use this one").wait_for()
    assert cell.get_by_text("Measure more").count() == 0
    cell.screenshot(path=pictures / "optimize_in_lab.png")


def test_use_this_one(shown):
    press(shown, "Use this one")
    shown.cell(0).get_by_text("fast is digits/litert+static_int8: call fast(x)").wait_for()
    shown.run_cell(1)
    shown.wait_until_done()
    assert shown.notebook().cells[1].outputs[0].text == "digits/litert+static_int8 7\n"


def test_the_recipe_of_another(shown, pictures):
    shown.cell(0).get_by_label("Candidate").select_option("digits/litert")
    press(shown, "Recipe")
    text = shown.cell(0).get_by_label("recipe")
    text.wait_for()
    assert text.input_value() == "# makes digits/litert\nprint('<b>no HTML</b>')\n"
    with shown.page.expect_download() as started:
        shown.cell(0).get_by_role("link", name="Download recipe.py").click()
    assert started.value.suggested_filename == "recipe.py"
    assert Path(started.value.path()).read_text(encoding="utf-8") == text.input_value()
    shown.cell(0).screenshot(path=pictures / "optimize_recipe_in_lab.png")


def test_save(shown):
    press(shown, "Save")
    shown.cell(0).get_by_text("is saved in optimized_model").wait_for()
    assert (shown.server.folder / "optimized_model").is_dir()
    # A second time is a mistake of this stand-in; what it says is one line.
    press(shown, "Save")
    shown.cell(0).get_by_text("FileExistsError").wait_for()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_accessible(shown, theme):
    shown.theme(theme)
    shown.page.wait_for_timeout(500)
    assert violations(shown.page, ".jp-Notebook .inferspeed-panel") == []
    shown.theme("JupyterLab Light")
