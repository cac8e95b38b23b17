"""The panel of ``explain`` in JupyterLab: a model's structure, and the button that shows a file in Netron."""

from __future__ import annotations

import importlib.util
from urllib.request import build_opener

import nbformat
import pytest
from axe import violations

NAME = "explained.ipynb"
READY = ".inferspeed-panel[data-ready]"
REPORT = """\
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from explanation_records import branched
from inferspeed_magic.report import ExplainReport

report = ExplainReport(branched(), object())  # a verifier that is never asked
def export(name, progress):
    made = Path("model.onnx")
    made.write_bytes(name.encode())
    return made.absolute()
report._export = export
report
"""


@pytest.fixture(scope="module")
def shown(lab, repository):
    lab.write(NAME, REPORT.format(tests=str(repository / "tests")))
    lab.open(NAME)
    lab.run_cell(0)
    lab.wait_until_done()
    lab.cell(0).locator(READY).wait_for()
    return lab


def structure(lab):
    found = lab.page.locator(".inferspeed-panel details.inferspeed-structure")
    found.evaluate("each => { each.open = true; }")
    lab.page.wait_for_timeout(300)
    return found


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_the_structure_is_drawn(shown, pictures, theme):
    shown.theme(theme)
    drawn = structure(shown)
    shown.page.wait_for_timeout(500)
    lines, boxes = drawn.locator("tbody tr").all(), drawn.locator(".im-box").all()
    assert len(lines) == len(boxes) == 15
    for line, box in zip(lines, boxes, strict=True):
        row, mark = line.bounding_box(), box.bounding_box()
        assert abs(row["y"] + row["height"] / 2 - mark["y"] - mark["height"] / 2) < 2
    drawn.locator("th", has_text="conv2d_2").hover()
    assert "takes re_lu_0 and re_lu_1" in drawn.locator(".im-tip").inner_text()
    drawn.screenshot(path=pictures / f"structure_in_lab_{theme.split()[1].lower()}.png")
    assert violations(shown.page, ".jp-Notebook .inferspeed-panel") == []
    shown.theme("JupyterLab Light")


def test_arrows_stay_in_the_structure(shown):
    heads = structure(shown).locator("tbody th")
    heads.first.focus()
    for _ in range(2):
        shown.page.keyboard.press("ArrowDown")
    assert heads.nth(2).evaluate("each => each === document.activeElement")
    assert shown.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex") == 0


@pytest.mark.skipif(importlib.util.find_spec("netron") is None, reason="netron is not installed")
def test_netron_is_a_click_away(shown):
    cell = shown.cell(0)
    cell.get_by_label("Graph of the file of").select_option("deep/litert")
    cell.get_by_role("button", name="Open in Netron").click()
    cell.get_by_text("Netron shows deep/litert at the address above").wait_for()
    url = cell.locator("a[target='_blank']", has_text="http://localhost").get_attribute("href")
    with build_opener().open(f"{url}/data/model.onnx") as answer:
        assert answer.read() == b"deep/litert"


def test_opened_again_without_a_kernel(shown):
    shown.save()
    shown.shut_down_kernels()
    shown.page.evaluate("() => { window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown(); }")
    shown.open(NAME)
    shown.page.wait_for_selector(READY)
    assert structure(shown).locator(".im-rail").count() == 15


def test_not_trusted(shown):
    notebook = nbformat.read(shown.server.folder / NAME, as_version=4)
    notebook.cells[0].source += "  # a copy"
    notebook.cells[0].outputs = notebook.cells[0].outputs[:1]
    nbformat.write(notebook, shown.server.folder / "untrusted_explained.ipynb")
    shown.open("untrusted_explained.ipynb")
    page = shown.page
    page.get_by_text("from its input to its output").click()
    page.get_by_text("takes re_lu_0 and re_lu_1").wait_for()
    assert page.locator(READY).count() == 0
