"""The panel in JupyterLab and in Notebook 7: shown, used, saved, opened again without a kernel, and not trusted."""

from __future__ import annotations

import nbformat
import pytest
from axe import violations
from lab import Lab
from panel_records import twenty

from inferspeed_magic import Report

READY = ".inferspeed-panel[data-ready]"
NAME = "panel.ipynb"
CELL = "import inferspeed_magic as im\nim.load_report('saved.json')"


@pytest.fixture(scope="module", params=["lab", "notebook"])
def shown(request, context):
    """A notebook whose only cell shows a saved report."""
    server = request.getfixturevalue("server" if request.param == "lab" else "notebook_server")
    Report(twenty()).save(server.folder / "saved.json")
    page = context.new_page()
    page.set_viewport_size({"width": 1400, "height": 2600})
    lab = Lab(server, page)
    lab.write(NAME, CELL)
    lab.open(NAME)
    lab.run_all()
    lab.wait_until_done()
    page.wait_for_selector(READY)
    lab.kind = request.param
    yield lab
    lab.shut_down_kernels()
    page.close()


def used(lab):
    """Click, and see that the charts follow."""
    page = lab.page
    page.locator(".im-name[data-name='small/litert']").first.click()
    page.wait_for_timeout(300)
    assert page.locator("tr.im-hidden").count() == 4  # two batch sizes in two tables
    said = page.locator(".im-plot").first.get_attribute("aria-label")
    assert "small/litert" not in said
    assert "small/onnxruntime" in said
    page.get_by_role("button", name="Show all").click()


def test_click_and_keyboard(shown):
    used(shown)
    page = shown.page
    page.locator(".im-name[data-name='big/litert']").first.focus()
    page.keyboard.press("Space")
    assert page.locator("tr.im-hidden").count() == 4
    page.keyboard.press("Space")
    assert page.locator("tr.im-hidden").count() == 0
    # Arrow keys move in the list and not from cell to cell.
    page.locator(".inferspeed-panel select").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".inferspeed-panel select").input_value() == "small/keras.call"
    assert page.evaluate("() => document.activeElement.tagName") == "SELECT"
    page.keyboard.press("ArrowUp")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_themes(shown, pictures, theme):
    shown.theme(theme)
    page, dark = shown.page, theme.endswith("Dark")
    page.wait_for_function(
        "dark => document.querySelector('.inferspeed-panel').classList.contains('im-dark') === dark", arg=dark
    )
    page.wait_for_timeout(600)
    shown.cell(0).screenshot(path=pictures / f"panel_in_{shown.kind}_{'dark' if dark else 'light'}.png")
    assert violations(page) == []
    shown.theme("JupyterLab Light")


def test_the_output_has_everything_and_is_small(shown):
    (output,) = shown.notebook().cells[0].outputs
    assert set(output.data) == {"text/plain", "text/html", "image/png"}
    assert sum(len(data) for data in output.data.values()) <= 800_000


def test_opened_again_without_a_kernel(shown):
    shown.save()
    shown.shut_down_kernels()
    shown.page.evaluate("() => { window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown(); }")
    shown.open(NAME)
    shown.page.wait_for_selector(READY)
    used(shown)


def test_not_trusted(shown, pictures):
    notebook = nbformat.read(shown.server.folder / NAME, as_version=4)
    notebook.cells[0].source += "  # a copy"
    notebook.cells[0].outputs[0].data["text/html"] += "<script>window.pwned = 1</script>"
    nbformat.write(notebook, shown.server.folder / "untrusted.ipynb")
    shown.open("untrusted.ipynb")
    page = shown.page
    page.locator(".jp-OutputArea-output img").wait_for()
    assert page.locator(".jp-OutputArea-output img").is_visible()
    assert page.locator(".jp-OutputArea-output table").first.locator("tbody tr").count() == 20
    assert page.locator(READY).count() == 0
    assert page.evaluate("() => window.pwned") is None
    shown.cell(0).screenshot(path=pictures / f"panel_in_{shown.kind}_untrusted.png")
