"""How large is a panel, and how long does it take to draw? Prints a table in Markdown.

For panels of 2 to 40 candidates: the characters that a saved notebook keeps (text/html, image/png and text/plain
together), the seconds that Python takes for the first panel of a process (importing Bokeh included) and for the next
one, and the seconds that Chromium takes from opening the file to all charts drawn. Beside it what a single empty Bokeh
figure costs with Bokeh's own ``output_notebook(INLINE)``. Wanted for 20 candidates: at most 0.8 MB, 1 s in Python and
2 s in the browser.

The browser's part needs Playwright and Chromium and is left out without them.

Usage: python benchmarks/panel.py
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SIZES = (2, 10, 20, 40)

_IN_PYTHON = """
import json, sys, time
import inferspeed_magic as im
report = im.load_report(sys.argv[1])
took = []
for _ in range(2):
    began = time.perf_counter()
    bundle = im.Report(report.record)._repr_mimebundle_()
    took.append(time.perf_counter() - began)
report.to_html(sys.argv[2])
print(json.dumps({"size": sum(map(len, bundle.values())), "first": took[0], "next": took[1]}))
"""
_PLAIN = """
from bokeh.embed import file_html
from bokeh.plotting import figure
from bokeh.resources import INLINE
print(len(file_html(figure(), INLINE)))
"""


def main() -> None:
    """Measure every size and print the table."""
    from panel_records import LATENCIES_MS, realistic

    import inferspeed_magic as im

    print(f"{dt.date.today()}, {im.Report(realistic(('a',), ('litert',))).machine.operating_system}\n")
    print("| candidates | size | Python, first | Python, next | Chromium |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for count in SIZES:
            models = [f"model_{number}" for number in range(-(-count // 5))]
            runtimes = list(LATENCIES_MS)[: min(count, 5)]
            saved, page = Path(folder) / "saved.json", Path(folder) / "page.html"
            im.Report(realistic(models, runtimes)).save(saved)
            said = subprocess.run(
                [sys.executable, "-c", _IN_PYTHON, saved, page], capture_output=True, text=True, check=True
            )
            seen = json.loads(said.stdout)
            print(
                f"| {len(models) * len(runtimes)} | {seen['size'] / 1e6:.2f} MB | {seen['first']:.2f} s "
                f"| {seen['next']:.2f} s | {_in_browser(page)} |",
                flush=True,
            )
    plain = subprocess.run([sys.executable, "-c", _PLAIN], capture_output=True, text=True, check=True)
    print(f"\nA page of Bokeh's own (INLINE) with one empty figure: {int(plain.stdout) / 1e6:.2f} MB")


def _in_browser(page: Path) -> str:
    """Give the median of five openings."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return "-"
    if not Path(CHROMIUM).exists():
        return "-"
    took = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--disable-gpu"], chromium_sandbox=False)
        for _ in range(5):
            tab = browser.new_page(viewport={"width": 1280, "height": 2000})
            began = time.perf_counter()
            tab.goto(page.as_uri())
            tab.wait_for_selector(".inferspeed-panel[data-ready]")
            took.append(time.perf_counter() - began)
            tab.close()
        browser.close()
    return f"{sorted(took)[2]:.2f} s"


if __name__ == "__main__":
    main()
