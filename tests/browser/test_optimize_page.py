"""The page of ``optimize`` by itself: the Pareto chart, its table, by mouse and by keyboard, without a network."""

from __future__ import annotations

import re

import pytest
from axe import violations
from panel_records import FAILED, OPTIMIZED, optimized
from test_panel_page import READY, column, labels, painted, told

from inferspeed_magic.report import OptimizeReport

RECORDS = {
    "usual": lambda: optimized(*FAILED, warnings=("outputs look like those of an untrained model",)),
    **{name: OPTIMIZED[name] for name in ("losses", "forty", "without_winner", "single_numbers")},
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("optimized")
    for name, make in RECORDS.items():
        OptimizeReport(make()).to_html(folder / f"{name}.html")
    return {name: (folder / f"{name}.html").as_uri() for name in RECORDS}


@pytest.fixture
def opened(context, files):
    pages, errors = [], []

    def open_page(name, scheme="light", width=1280):
        page = context.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda each: errors.append(each.text) if each.type in ("error", "warning") else None)
        page.set_viewport_size({"width": width, "height": 1000})
        page.emulate_media(color_scheme=scheme)
        page.goto(files[name])
        page.wait_for_selector(READY)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert errors == []


@pytest.mark.parametrize("name", RECORDS)
def test_the_chart_takes_the_place_of_the_picture(opened, name):
    page = opened(name)
    assert page.locator("img").is_hidden()
    assert page.locator(".im-plot").count() == 1
    assert painted(page.locator(".im-plot")) > 3000
    assert "Score against latency" in labels(page)[0]


def test_each_cost_can_be_chosen(opened):
    page = opened("usual")
    assert "digits/litert+static_int8: p50 ms 0.0620" in labels(page)[0]
    assert "digits/keras.predict" in labels(page)[0]
    for name, words in (("File", "size of the file"), ("Memory", "peak memory"), ("Latency", "latency")):
        page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_timeout(300)
        assert labels(page)[0].startswith(f"Score against {words}, batch 1.")
        assert painted(page.locator(".im-plot")) > 3000
    page.get_by_role("button", name="File", exact=True).click()
    assert "digits/keras.predict" not in labels(page)[0]  # it has no file
    assert "3 have no score or no such number and are not drawn." in page.locator("figcaption").inner_text()


def test_hidden_candidates_leave_the_chart_and_come_back(opened):
    page = opened("usual")
    button = page.locator(".im-name[data-name='digits/litert']")
    button.click()
    assert "digits/litert:" not in labels(page)[0]
    assert page.locator("tr.im-hidden").count() == 1
    page.get_by_role("button", name="Show all").click()
    assert "digits/litert:" in labels(page)[0]


def test_speedups_follow_the_baseline(opened):
    page = opened("usual")
    assert column(page, "speed-up", table=1)[-1] == "1.00x"
    page.get_by_label("Baseline").select_option("digits/litert")
    shown = dict(zip(column(page, "candidate", table=1), column(page, "speed-up", table=1), strict=True))
    own = next(text for name, text in shown.items() if re.search(r"\blitert\s*Pareto", name))
    assert own == "1.00x"
    assert column(page, "speed-up", table=1)[-1].startswith("0.000")


def test_sorting(opened):
    page = opened("usual")
    page.get_by_role("button", name="file MB").click()
    sizes = [text for text in column(page, "file MB", table=1) if text != "-"]
    assert [float(text) for text in sizes] == sorted(float(text) for text in sizes)
    page.get_by_role("button", name="drop, points").click()
    assert column(page, "drop", table=1)[-1] == "-"


def test_hovering_shows_a_row_in_words(opened):
    page = opened("usual")
    page.get_by_role("group", name="Scale").get_by_role("button", name="linear").click()
    # On a linear axis the original is alone on the right.
    places = [(-x, y) for x in range(40, 160, 6) for y in range(10, 120, 6)]
    assert told(page, page.locator(".im-plot"), places, "^p50 ms 110 .*the original$")


def test_keyboard_alone(opened):
    page = opened("usual")
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.dataset.name") == "digits/litert":
            page.keyboard.press("Space")
            break
    assert page.locator(".im-name[data-name='digits/litert']").get_attribute("aria-pressed") == "false"
    assert all(
        each.get_attribute("data-lm-suppress-shortcuts") for each in page.locator(".inferspeed-panel button").all()
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["usual", "forty"])
def test_accessible(opened, name, scheme):
    page = opened(name, scheme)
    page.locator(".im-name").first.click()  # a hidden row has to be readable too
    for details in page.locator("details").all():
        details.evaluate("each => { each.open = true; }")
    page.wait_for_timeout(300)
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 1400])
def test_pictures(opened, pictures, width, scheme):
    page = opened("usual", scheme, width)
    page.wait_for_timeout(500)
    page.screenshot(path=pictures / f"optimize_{width}_{scheme}.png", full_page=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    # No table has to be scrolled to be read.
    for table in page.locator(".inferspeed-panel > div").all():
        assert table.evaluate("each => each.scrollWidth - each.clientWidth") <= 1


def test_without_script_the_picture_stays(browser, files):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(files["usual"])
    assert page.locator("img").is_visible()
    assert "litert+static_int8 (winner)" in page.locator("img").get_attribute("alt")
    assert page.locator("table").nth(1).locator("tbody tr").count() == 12
    context.close()
