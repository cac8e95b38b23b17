"""The controls below a panel: they measure more while the kernel lives, and leave nothing behind when it is gone."""

from __future__ import annotations

import nbformat
import pytest

NAME = "controls.ipynb"
MODEL = """\
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
%load_ext inferspeed_magic
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
other = keras.Sequential([keras.Input((8,)), keras.layers.Dense(40), keras.layers.Dense(4)])
"""
PROFILE = "%profile_model model --runtime litert --duration 0.2 --into report"
DEAD = "Error displaying widget"


@pytest.fixture(scope="module")
def profiled(lab):
    lab.write(NAME, MODEL, PROFILE, "print([(one.name, one.batch_size) for one in report.results])")
    lab.open(NAME)
    lab.run_cell(0)
    lab.wait_until_done()
    lab.run_cell(1)
    lab.wait_until_done()
    lab.cell(1).locator(".inferspeed-panel[data-ready]").wait_for()
    lab.cell(1).get_by_text("Measure more, or save").click()
    return lab


def add(lab, label, count, action="Add"):
    """Press the button of a line of the controls, and wait until the panel has so many rows."""
    button(lab, label, action).click()
    table = lab.cell(1).locator(".inferspeed-panel[data-ready] table").first
    table.locator(f"tbody tr:nth-child({count})").wait_for(timeout=120_000)
    lab.cell(1).get_by_text("measured; the panel above shows it").wait_for()


def button(lab, label, action):
    line = lab.cell(1).locator(".widget-hbox", has=lab.page.get_by_text(label, exact=True)).last
    return line.get_by_role("button", name=action)


def rows(lab):
    lab.cell(1).locator(".inferspeed-panel[data-ready]").wait_for()
    shown = lab.cell(1).locator("table").first.locator("tbody tr").all()
    return [
        tuple(cell.inner_text().split("\n")[0].strip() for cell in row.locator("th, td").all()[:3]) for row in shown
    ]


def test_a_runtime_is_added(profiled, pictures):
    profiled.cell(1).locator("select").filter(has_text="onnxruntime").first.select_option("onnxruntime")
    profiled.cell(1).screenshot(path=pictures / "controls.png")
    add(profiled, "Runtime", 2)
    assert ["litert" in row[1] or "onnxruntime" in row[1] for row in rows(profiled)] == [True, True]
    profiled.run_cell(2)
    profiled.wait_until_done()
    assert profiled.notebook().cells[2].outputs[0].text == "[('model/litert', 1), ('model/onnxruntime', 1)]\n"
    assert "measured later than other rows" in profiled.cell(1).inner_text()


def test_a_model_is_added(profiled):
    profiled.cell(1).get_by_placeholder("name or path").fill("other")
    profiled.cell(1).get_by_placeholder("name or path").press("Tab")
    add(profiled, "Model", 4)
    assert [row[0] for row in rows(profiled)] == ["model", "model", "other", "other"]


def test_a_mistake_is_one_line(profiled):
    profiled.cell(1).get_by_placeholder("name or path").fill("nothing_of_that_name")
    profiled.cell(1).get_by_placeholder("name or path").press("Tab")
    line = profiled.cell(1).locator(".widget-hbox", has=profiled.page.get_by_text("Model", exact=True)).last
    line.get_by_role("button", name="Add").click()
    profiled.cell(1).get_by_text("nothing_of_that_name").wait_for()
    assert len(rows(profiled)) == 4


def test_additions_are_interrupted_every_time(profiled):
    """Newer kernels answer widgets in a thread of their own, which no interrupt reaches."""
    for _ in range(2):
        button(profiled, "Measured row", "Measure again").click()
        profiled.cell(1).locator("progress").wait_for()
        # The cell that is run meanwhile waits.
        profiled.run_cell(2)
        profiled.page.wait_for_timeout(1500)
        assert profiled.cell(2).locator(".jp-InputPrompt").inner_text() == "[*]:"
        profiled.command("notebook:interrupt-kernel")
        profiled.cell(1).get_by_text("interrupted: nothing was added").wait_for(timeout=15_000)
        profiled.wait_until_done(timeout_s=15)
    assert len(rows(profiled)) == 4


def test_what_the_reader_chose_stays_when_rows_come(profiled):
    profiled.cell(1).get_by_role("button", name="Box", exact=True).click()
    profiled.cell(1).locator(".im-name").first.click()
    colours = marker_colours(profiled)
    button(profiled, "Measured row", "Measure again").click()
    profiled.cell(1).locator("progress").wait_for()
    profiled.cell(1).get_by_text("measured; the panel above shows it").wait_for(timeout=60_000)
    profiled.cell(1).locator(".inferspeed-panel[data-ready]").wait_for()
    box = profiled.cell(1).get_by_role("button", name="Box", exact=True)
    assert box.get_attribute("aria-pressed") == "true"
    assert profiled.cell(1).locator("tr.im-hidden").count() == 2
    assert marker_colours(profiled) == colours
    profiled.cell(1).get_by_role("button", name="Show all").click()


def marker_colours(lab):
    found = lab.cell(1).locator("table").first.locator(".inferspeed-marker")
    return found.evaluate_all("each => each.map(one => one.style.color)")


def test_they_go_when_the_kernel_is_restarted(profiled, pictures):
    name = "restarted.ipynb"
    profiled.save()
    profiled.write(name, MODEL, PROFILE)
    profiled.open(name)
    profiled.run_all()
    profiled.wait_until_done()
    profiled.cell(1).get_by_text("Measure more, or save").wait_for()
    profiled.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()"
    )
    profiled.cell(1).get_by_text("Measure more, or save").wait_for(state="hidden", timeout=20_000)
    profiled.cell(1).screenshot(path=pictures / "controls_after_restart.png")
    assert len(rows(profiled)) == 1
    profiled.open(NAME)


def test_nothing_is_left_of_them_without_the_kernel(profiled, pictures):
    profiled.save()
    profiled.shut_down_kernels()
    profiled.page.evaluate("() => { window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown(); }")
    profiled.page.goto("about:blank")
    profiled.open(NAME)
    profiled.cell(1).locator(".inferspeed-panel[data-ready]").wait_for()
    profiled.page.wait_for_timeout(3000)
    profiled.cell(1).screenshot(path=pictures / "controls_without_kernel.png")
    assert not any(each.is_visible() for each in profiled.page.get_by_text(DEAD).all())
    assert not any(each.is_visible() for each in profiled.page.get_by_text("Loading widget").all())
    assert len(rows(profiled)) == 4


def test_nothing_is_left_of_them_in_a_notebook_that_is_not_trusted(profiled):
    notebook = nbformat.read(profiled.server.folder / NAME, as_version=4)
    notebook.cells[1].source += "  # a copy"
    notebook.cells[1].outputs[-1].data["text/html"] += "<b>x</b>"
    nbformat.write(notebook, profiled.server.folder / "untrusted_controls.ipynb")
    profiled.open("untrusted_controls.ipynb")
    profiled.page.wait_for_timeout(3000)
    assert not any(each.is_visible() for each in profiled.page.get_by_text(DEAD).all())
    assert profiled.cell(1).locator("img").first.is_visible()
