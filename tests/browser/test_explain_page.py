"""The page of ``explain`` by itself: charts, the table of layers, by mouse and by keyboard, without a network."""

from __future__ import annotations

import re

import pytest
from axe import violations
from explanation_records import EXPLAINED, branched, hostile
from test_panel_page import READY, labels, painted

from inferspeed_magic.report import ExplainReport

RECORDS = {
    **{name: EXPLAINED[name] for name in ("two", "three", "long", "count_only", "interrupted", "without_intervals")},
    "branched": branched,
    "hostile": lambda: hostile("<img src=x onerror=alert(1)> $x$ " + "y" * 80),
}
LAYERS = ".inferspeed-layers table"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    for name, make in RECORDS.items():
        ExplainReport(make()).to_html(folder / f"{name}.html")
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


def column(page, key, table=LAYERS):
    place = page.locator(f"{table} thead th").all_inner_texts().index(key)
    return page.locator(f"{table} tbody tr").evaluate_all(
        "(rows, place) => rows.map(row => row.cells[place].innerText)", place
    )


@pytest.mark.parametrize("name", RECORDS)
def test_charts_take_the_place_of_the_picture(opened, name):
    page = opened(name)
    assert page.locator("img.inferspeed-picture").is_hidden()
    assert page.locator(".inferspeed-panel img").count() == 1
    charts = page.locator(".im-plot")
    assert charts.count() == (1 if name in ("count_only", "interrupted") else 2)
    for chart in charts.all():
        assert painted(chart) > 2000
    assert page.locator(".im-toolbar").get_by_role("group", name="Scale").count() == 0


def test_a_chart_says_what_it_shows(opened):
    page = opened("two")
    layers, fits = labels(page)
    assert layers.startswith("Layers under the machine's roofs, batch 1. wide: conv2d_1: Conv2D, ")
    assert "deep: batch 8: 64.4 ms" in fits
    page.get_by_role("button", name="onnxruntime", exact=True).click()
    page.wait_for_timeout(300)
    assert labels(page)[1].startswith("Latency over batch size, onnxruntime")
    assert "0.0300 ms (0.0285-0.0315) for the call" in page.locator("figcaption").nth(1).inner_text()


def test_hidden_models_leave_the_charts_and_come_back(opened):
    page = opened("two")
    page.locator(".im-name[data-name='wide']").click()
    assert not any("wide: " in label for label in labels(page))
    page.get_by_role("button", name="Show all").click()
    assert all("wide: " in label for label in labels(page))


def test_layers_are_sorted_by_any_number(opened):
    page = opened("two")
    assert page.locator(".inferspeed-longest").is_hidden()  # the table of all begins with these
    assert page.locator(f"{LAYERS} th[aria-sort]").inner_text().startswith("time µs")
    values = {"k": 1e3, "M": 1e6, "G": 1e9}
    for key in ("params", "FLOP", "read", "share", "of ceiling"):
        page.locator(f"{LAYERS} thead button", has_text=re.compile(f"^{key}$")).click()
        shown = [text.strip() for text in column(page, key)]
        numbers = [text for text in shown if text != "-"]
        assert shown[len(numbers) :] == ["-"] * (len(shown) - len(numbers))  # what is none comes last
        parsed = [float(re.match(r"<?([\d.,]+)", text)[1].replace(",", "")) for text in numbers]
        units = [values.get((re.search(r"[\d.%] ?([kMG]?)B?$", text) or [None, ""])[1], 1) for text in numbers]
        sizes = [number * unit for number, unit in zip(parsed, units, strict=True)]
        assert sizes == sorted(sizes, reverse=True)
    page.locator(f"{LAYERS} thead button", has_text="of ceiling").click()
    assert page.locator(f"{LAYERS} th[aria-sort]").get_attribute("aria-sort") == "ascending"


def test_layers_that_are_folded_are_sorted_on_their_own(opened):
    page = opened("long")
    assert len(column(page, "params")) == 200
    page.get_by_text("102 more layers").click()
    rest = ".inferspeed-rest table"
    page.locator(f"{rest} thead button", has_text=re.compile("^layer$")).click()
    names = column(page, "layer", rest)
    assert len(names) == 102
    assert names[0] < names[-1]


def test_the_head_stays_while_layers_move(opened):
    page = opened("two")
    box = page.locator(".inferspeed-layers .inferspeed-scroll")
    box.evaluate("each => { each.scrollTop = 300; }")
    head = page.locator(f"{LAYERS} thead th").first
    assert abs(head.bounding_box()["y"] - box.bounding_box()["y"]) < 3
    assert head.evaluate("each => getComputedStyle(each).backgroundColor") == "rgb(255, 255, 255)"


def test_hovering_names_a_layer(opened):
    page = opened("two")
    box = page.locator(".im-plot").first.bounding_box()
    for x in range(60, int(box["width"]) - 20, 12):
        for y in range(40, 300, 12):
            page.mouse.move(box["x"] + x, box["y"] + y)
            page.wait_for_timeout(10)
            if page.get_by_text(re.compile(r"GFLOP/s; held back by ")).count():
                return
    pytest.fail("nothing was told")


def test_keyboard_alone(opened):
    page = opened("two")
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.textContent") == "params" and page.evaluate(
            "() => Boolean(document.activeElement.closest('.inferspeed-layers'))"
        ):
            page.keyboard.press("Enter")
            break
    assert page.locator(f"{LAYERS} th[aria-sort]").inner_text().startswith("params")
    assert all(
        each.get_attribute("data-lm-suppress-shortcuts") for each in page.locator(".inferspeed-panel button").all()
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["two", "count_only", "branched"])
def test_accessible(opened, name, scheme):
    page = opened(name, scheme)
    page.locator(".im-name").first.click()  # a hidden row has to be readable too
    for details in page.locator("details").all():
        details.evaluate("each => { each.open = true; }")
    page.wait_for_timeout(300)
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 1600])
@pytest.mark.parametrize("name", ["two", "hostile", "branched"])
def test_pictures(opened, pictures, name, width, scheme):
    page = opened(name, scheme, width)
    page.wait_for_timeout(500)
    page.screenshot(path=pictures / f"explain_{name}_{width}_{scheme}.png", full_page=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_without_script_everything_can_be_read(browser, files):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(files["two"])
    picture = page.locator("img")
    assert picture.is_visible()
    assert "keras.predict 61.2 ms" in picture.get_attribute("alt")
    assert page.locator(".inferspeed-longest").is_visible()
    assert page.get_by_text("not yet: run").is_visible()
    page.get_by_text("layers, the slowest").click()
    assert page.locator(f"{LAYERS} tbody tr").first.is_visible()
    context.close()


class TestStructure:
    GRAPH = ".inferspeed-structure .im-structure"

    def shown(self, page, place=0):
        page.locator("details.inferspeed-structure").nth(place).evaluate("each => { each.open = true; }")
        page.wait_for_timeout(200)
        return page.locator("details.inferspeed-structure").nth(place)

    def test_boxes_stand_beside_their_rows(self, opened):
        page = opened("branched")
        structure = self.shown(page)
        lines, boxes = structure.locator("tbody tr").all(), structure.locator(".im-box").all()
        assert len(lines) == len(boxes) > 10
        for line, box in zip(lines, boxes, strict=True):
            row, mark = line.bounding_box(), box.bounding_box()
            assert abs(row["y"] + row["height"] / 2 - mark["y"] - mark["height"] / 2) < 2
            assert mark["x"] + mark["width"] <= line.locator("th").bounding_box()["x"]

    def test_a_line_leads_from_each_layer_to_those_that_it_feeds(self, opened):
        page = opened("branched")
        structure = self.shown(page)
        ends = structure.locator(".im-rail").evaluate_all("all => all.map(one => [one.dataset.from, one.dataset.to])")
        names = structure.locator(".im-step").all_inner_texts()
        drawn = {(names[int(one)], names[int(other)]) for one, other in ends}
        assert ("re_lu_0", "conv2d_1") in drawn
        assert ("re_lu_0", "conv2d_2") in drawn
        assert len({box.bounding_box()["x"] for box in structure.locator(".im-box").all()}) == 2

    def test_what_takes_longest_has_the_strongest_colour(self, opened):
        page = opened("branched")
        structure = self.shown(page)
        fills = structure.locator(".im-box:not(.im-idle)").evaluate_all(
            "all => all.map(one => one.getAttribute('fill'))"
        )
        strengths = [float(re.search(r"([\d.]+)\)$", fill)[1]) for fill in fills]
        assert max(strengths) == 1.0
        assert len(set(strengths)) > 3

    def test_hovering_tells_all_and_brings_out_what_hangs_together(self, opened):
        page = opened("branched")
        structure = self.shown(page)
        structure.locator("th", has_text="conv2d_2").hover()
        told = structure.locator(".im-tip").inner_text()
        for words in ("conv2d_2", "Conv2D, output ", " µs", "held back by", "takes re_lu_0 and re_lu_1"):
            assert words in told
        assert structure.locator(".im-rail.im-on").count() == 3
        page.mouse.move(0, 0)
        assert structure.locator(".im-tip").is_hidden()

    def test_arrows_go_from_layer_to_layer(self, opened):
        page = opened("branched")
        structure = self.shown(page)
        heads = structure.locator("tbody th")
        assert structure.locator("[tabindex='0']").count() == 1
        heads.first.focus()
        for _ in range(3):
            page.keyboard.press("ArrowDown")
        assert heads.nth(3).evaluate("each => each === document.activeElement")
        assert structure.locator(".im-tip").is_visible()
        page.keyboard.press("End")
        assert heads.last.evaluate("each => each === document.activeElement")
        assert structure.locator("[tabindex='0']").count() == 1
        described = heads.nth(3).get_attribute("aria-describedby")
        assert page.locator(f"#{described}").text_content()

    def test_three_hundred_layers_scroll(self, opened):
        page = opened("long")
        structure = self.shown(page)
        assert structure.locator("tbody tr").count() == 302
        box = structure.locator(".im-graph")
        assert box.bounding_box()["height"] < 700
        assert structure.locator(".im-strip rect").count() == 302

    def test_folded_it_shows_a_strip_of_all_layers(self, opened):
        page = opened("two", width=900)
        structure = page.locator("details.inferspeed-structure").first
        assert not structure.evaluate("each => each.open")
        assert structure.locator(".im-strip").is_visible()
        assert not structure.locator(".im-graph").is_visible()

    def test_without_script_it_is_a_table(self, browser, files):
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(files["branched"])
        page.get_by_text("from its input to its output").click()
        assert page.get_by_text("takes re_lu_0 and re_lu_1").is_visible()
        context.close()


NAMES_OF_DOTS = """() => {
  const plot = Object.values(window.inferspeedLibraries)[0].Bokeh.documents
    .flatMap((each) => each.roots()).find((each) => each.document.get_model_by_name("roofs"));
  const { words, x, y } = plot.document.get_model_by_name("tags").data;
  return words;
}"""


@pytest.mark.parametrize("width", [900, 1600])
def test_names_in_the_roofline_keep_apart(opened, width):
    """Where the chart is wide more of them have room; those of the roofs are always there."""
    page = opened("two", width=width)
    page.wait_for_timeout(500)
    named = page.evaluate(NAMES_OF_DOTS)
    assert {"L1d", "L2", "L3", "memory", "float32", "int8"} <= set(named)
    assert len(named) > 6
