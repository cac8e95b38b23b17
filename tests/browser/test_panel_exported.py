"""Notebooks with a panel, made into HTML by nbconvert: with scripts, without, and with everything active stripped."""

from __future__ import annotations

import nbformat
import pytest
from nbconvert import HTMLExporter
from panel_records import twenty

from inferspeed_magic import Report

READY = ".inferspeed-panel[data-ready]"


@pytest.fixture(scope="module")
def notebook():
    bundle = Report(twenty())._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data=bundle)
    dead = {"version_major": 2, "version_minor": 0, "model_id": "of a kernel that is gone"}
    controls = nbformat.v4.new_output(
        "display_data",
        data={"application/vnd.jupyter.widget-view+json": dead, "text/html": "", "text/plain": ""},
    )
    cell = nbformat.v4.new_code_cell("report", outputs=[output, controls], execution_count=1)
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.fixture
def exported(notebook, tmp_path, browser, strangers):
    contexts = []

    def export(*, script=True, **options):
        # These are what nbconvert itself asks the network for.
        exporter = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="", mermaid_js_url="", **options)
        (tmp_path / "exported.html").write_text(exporter.from_notebook_node(notebook)[0], encoding="utf-8")
        context = browser.new_context(java_script_enabled=script, viewport={"width": 1280, "height": 2600})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda one: one.url.startswith(("file:", "data:", "blob:")) or strangers.append(one.url))
        page.goto((tmp_path / "exported.html").as_uri())
        return page

    yield export
    for context in contexts:
        context.close()


@pytest.mark.parametrize("template", ["lab", "classic"])
def test_with_scripts(exported, pictures, template):
    page = exported(template_name=template)
    page.wait_for_selector(READY)
    page.locator(".im-name").first.click()
    assert page.locator("tr.im-hidden").count() == 4
    assert page.get_by_text("model not found").count() == 0
    page.screenshot(path=pictures / f"panel_nbconvert_{template}.png", full_page=True)


def test_without_scripts(exported, pictures):
    page = exported(script=False)
    assert page.locator("img").is_visible()
    assert page.locator("table").first.locator("tbody tr").count() == 20
    page.screenshot(path=pictures / "panel_nbconvert_no_script.png", full_page=True)


def test_stripped(exported):
    page = exported(sanitize_html=True)
    assert page.locator(READY).count() == 0
    # Its header is a row like others where thead is not allowed.
    assert page.locator("table").first.locator("tr").count() == 21
    # Whoever escapes what is not allowed shows a short script, not half a megabyte of what it unpacks.
    assert "DecompressionStream" in page.locator("body").inner_text()
    assert "H4sI" not in page.locator("body").inner_text()  # how gzip begins in base64
