"""Names that look like HTML are text, while a profile runs and afterwards."""

from __future__ import annotations

NAMES = ("<script>window.pwned=1</script>", "<img src=x onerror='window.pwned=2'>", "cost $x$ and $y$")
MODEL = """\
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import inferspeed_magic as im
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
"""
PROFILE = f"im.profile({{name: model for name in {NAMES!r}}}, runtimes=['litert'], duration_s=3)"


def test_names_are_text(fresh_lab):
    fresh_lab.write("names.ipynb", MODEL, PROFILE)
    fresh_lab.open("names.ipynb")
    fresh_lab.run_all()
    for name in NAMES:
        fresh_lab.cell(1).locator("li", has_text=name).first.wait_for()
    assert fresh_lab.page.evaluate("() => window.pwned") is None
    fresh_lab.wait_until_done()
    rows = fresh_lab.outputs(1).locator("table").first.locator("tbody tr")
    assert [row.locator("td").first.inner_text() for row in rows.all()] == list(NAMES)
    assert fresh_lab.page.evaluate("() => window.pwned") is None
    assert fresh_lab.cell(1).locator("img:not(.inferspeed-picture)").count() == 0
