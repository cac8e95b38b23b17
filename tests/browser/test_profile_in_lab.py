"""The first notebook in JupyterLab: run, looked at in both themes, saved, opened again, and not trusted."""

from __future__ import annotations

import re

import nbformat
import pytest

from inferspeed_magic.discovery import runtime_names

NOTEBOOK = "01_profile.ipynb"
UNTRUSTED = "untrusted.ipynb"


@pytest.fixture(scope="module")
def profiled(lab, server, repository):
    """The notebook after all its cells have run; measured for less long than a person would."""
    notebook = nbformat.read(repository / "notebooks" / NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.source = re.sub(r"^(%%?profile_model .*)", r"\1 --duration 0.2", cell.source, flags=re.MULTILINE)
    nbformat.write(notebook, server.folder / NOTEBOOK)
    lab.open(NOTEBOOK)
    lab.run_all()
    lab.wait_until_done()
    lab.save()
    return lab


def report_cell(lab):
    return next(number for number, cell in enumerate(lab.notebook().cells) if cell.source.startswith("%%profile_model"))


def report_of(lab):
    """The panel, without the controls below it."""
    return lab.outputs(report_cell(lab)).filter(has=lab.page.locator("table")).first


def tables(lab):
    """The captions of the tables that can be seen in the report, and the rows of the first."""
    area = lab.outputs(report_cell(lab))
    captions = area.locator("caption").all_inner_texts()
    rows = [
        [cell.inner_text() for cell in row.locator("th, td").all()]
        for row in area.locator("table").first.locator("tbody tr").all()
    ]
    return captions, rows


def check_report(lab):
    captions, rows = tables(lab)
    assert captions[0].startswith("Inference latency, batch 1, cpu")
    assert captions[1].startswith("Start-up, memory, size")
    assert {row[0] for row in rows} == {"deep", "wide"}
    shown = lab.outputs(report_cell(lab)).locator("table").all_inner_texts()
    assert [name for name in runtime_names() if name not in "".join(shown)] == []
    # What differs between rows (a batch size in the file, say) has a column of its own, before or after.
    heads = lab.outputs(report_cell(lab)).locator("table").first.locator("thead th").all_inner_texts()
    place = next(number for number, head in enumerate(heads) if "p50" in head)
    assert all(re.fullmatch(r"[\d.,]+ \(.*\)", row[place]) for row in rows), rows


def test_run_all(profiled):
    notebook = profiled.notebook()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    assert profiled.page.locator("progress").count() == 0
    check_report(profiled)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures(profiled, pictures, theme):
    profiled.theme(theme)
    profiled.page.wait_for_timeout(500)
    cell = report_cell(profiled)
    word = theme.split()[1].lower()
    report_of(profiled).screenshot(path=pictures / f"report_{word}.png")
    profiled.outputs(3).last.screenshot(path=pictures / f"machine_{word}.png")
    # Text takes the colour of the theme, so it must stand out from what is behind it.
    assert contrast(profiled.outputs(cell).locator("table td").first) >= 4.5
    profiled.theme("JupyterLab Light")


def contrast(cell):
    """Contrast of a cell's text with the page behind it, as WCAG defines it."""
    return cell.evaluate(
        """cell => {
            const numbers = text => text.match(/[\\d.]+/g).map(Number);
            const light = text => numbers(text).slice(0, 3).map(one => one / 255)
                .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
                .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
            let behind = cell;
            const painted = each => !/rgba\\(.*, 0\\)/.test(getComputedStyle(each).backgroundColor);
            while (!painted(behind)) behind = behind.parentElement;
            const pair = [light(getComputedStyle(cell).color), light(getComputedStyle(behind).backgroundColor)];
            return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        }"""
    )


def test_the_report_is_there_after_a_reload_without_the_kernel(profiled):
    profiled.save()
    before = tables(profiled)
    profiled.shut_down_kernels()
    profiled.open(NOTEBOOK)
    assert tables(profiled) == before
    check_report(profiled)


def test_the_report_is_there_in_a_notebook_that_is_not_trusted(profiled, server, pictures):
    notebook = nbformat.read(server.folder / NOTEBOOK, as_version=4)
    # Somebody else's notebook: what it shows has never been computed here.
    notebook.cells[0].source += " (a copy)"
    next(each for each in notebook.cells[report_cell(profiled)].outputs if "image/png" in each.get("data", {})).data[
        "text/html"
    ] += "<script>window.pwned = 1</script>"
    nbformat.write(notebook, server.folder / UNTRUSTED)
    profiled.open(UNTRUSTED)
    trusted = profiled.page.evaluate(
        "() => [...window.jupyterapp.shell.currentWidget.content.model.cells].filter(each => each.type === 'code')"
        ".some(each => each.trusted)"
    )
    assert not trusted
    check_report(profiled)
    report_of(profiled).screenshot(path=pictures / "report_untrusted.png")
    assert profiled.page.evaluate("() => window.pwned") is None
