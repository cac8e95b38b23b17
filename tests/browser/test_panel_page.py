"""The panel's page by itself: every control, by mouse and by keyboard, in light and in dark, without a network."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from axe import violations
from panel_records import realistic, twenty
from profile_records import failed

from inferspeed_magic import Report
from inferspeed_magic.panel import profile_view

READY = ".inferspeed-panel[data-ready]"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two models on seven runtimes, and twenty candidates at two batch sizes."""
    folder = tmp_path_factory.mktemp("panels")
    records = {
        "two": realistic(extra=(failed("small/tvm", reason="tvm is not installed: pip install apache-tvm"),)),
        "twenty": twenty(),
    }
    for name, record in records.items():
        Report(record).to_html(folder / f"{name}.html")
    return {name: (folder / f"{name}.html").as_uri() for name in records}


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
        page.goto(files.get(name, name))
        page.wait_for_selector(READY)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert errors == []


def source(address):
    return Path(url2pathname(urlsplit(address).path))


def column(page, key, table=0):
    """The cells of a column as they are read, from top to bottom."""
    place = page.locator("table").nth(table).locator("thead th").all_inner_texts()
    place = next(number for number, head in enumerate(place) if head.startswith(key))
    return [
        row.locator("th, td").nth(place).inner_text()
        for row in page.locator("table").nth(table).locator("tbody tr").all()
    ]


def labels(page):
    return page.locator(".im-plot").evaluate_all("each => each.map(one => one.getAttribute('aria-label'))")


def test_charts_take_the_place_of_the_picture(opened):
    page = opened("two")
    assert page.locator("img").is_hidden()
    for chart in page.locator(".im-plot").all():
        assert painted(chart) > 500
    assert "small/litert: p50" in labels(page)[0]


def painted(chart):
    """How many pixels differ from the background."""
    from io import BytesIO

    from PIL import Image

    image = Image.open(BytesIO(chart.screenshot())).convert("RGB")
    background = image.getpixel((1, 1))
    return sum(count for count, colour in image.getcolors(1 << 24) if colour != background)


def test_hidden_candidates_leave_every_chart_and_come_back(opened):
    page = opened("two")
    button = page.locator(".im-name[data-name='small/litert']").first
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert all("small/litert" not in each for each in labels(page))
    assert page.locator("tr.im-hidden").count() == 2  # one in each table
    page.get_by_role("button", name="Show all").click()
    assert all("small/litert" in each for each in labels(page))
    assert page.locator("tr.im-hidden").count() == 0


def test_ratios_follow_the_baseline(opened):
    page = opened("two")
    before = dict(zip(column(page, "runtime"), column(page, "speed-up"), strict=False))
    report = Report(realistic())
    page.get_by_label("Baseline").select_option("small/litert")
    for row, text in zip(page.locator("table").first.locator("tbody tr").all(), column(page, "speed-up"), strict=True):
        name = f"{row.locator('td').first.inner_text()}/{row.locator('.im-name').inner_text().split()[-1]}"
        expected = 1 / report.compare(name, "small/litert").ratio
        shown = float(re.match(r"[\d.,]+", text).group().replace(",", ""))
        assert shown == pytest.approx(expected, rel=0.006), name
    assert before
    assert page.locator(".inferspeed-baseline").count() == 1
    row = page.locator("table").first.locator("tbody tr", has=page.locator(".inferspeed-baseline"))
    assert "litert" in row.inner_text()
    assert "that of the baseline (small/litert)" in page.locator(".inferspeed-footnotes").inner_text()


def test_each_model_can_be_compared_with_its_own(opened):
    page = opened("two")
    page.get_by_label("Baseline").select_option("each model's own keras.call")
    report = Report(realistic())
    for row, text in zip(page.locator("table").first.locator("tbody tr").all(), column(page, "speed-up"), strict=True):
        model, runtime = row.locator("td").first.inner_text(), row.locator(".im-name").inner_text().split()[-1]
        expected = (
            1 / report.compare(f"{model}/{runtime}", f"{model}/keras.call").ratio if runtime != "keras.call" else 1
        )
        assert float(re.match(r"[\d.,]+", text).group().replace(",", "")) == pytest.approx(expected, rel=0.006)
    assert page.locator(".inferspeed-baseline").count() == 2
    assert "(each model's own keras.call)" in page.locator(".inferspeed-footnotes").inner_text()


def test_the_script_writes_numbers_as_python_does(opened):
    """Choosing the baseline that is chosen already must not change a digit."""
    page = opened("twenty")
    page.locator("select").evaluate("each => each.dispatchEvent(new Event('change'))")
    shown = [re.sub(r"\s+", " ", text) for text in column(page, "speed-up")]
    view = profile_view(twenty())
    place = [each.key for each in view.columns].index("speedup")
    cells = [row.cells[place] for row in view.rows]
    assert shown == [" ".join(filter(None, (each.text, each.detail, each.remark))) for each in cells]


def test_sorting(opened):
    page = opened("two")
    head = page.locator("table").first.get_by_role("button", name="p50 ms")
    values = column(page, "p50")
    numbers = [float(each.split()[0].replace(",", "")) for each in values]
    head.click()
    assert [float(each.split()[0]) for each in column(page, "p50")] == sorted(numbers)
    assert head.locator("..").get_attribute("aria-sort") == "ascending"
    head.click()
    assert [float(each.split()[0]) for each in column(page, "p50")] == sorted(numbers, reverse=True)
    # Rows keep their names: the fastest is last now.
    assert "litert" in page.locator("table").first.locator("tbody tr").last.inner_text()
    # What is missing comes last in either direction.
    page.locator("table").first.get_by_role("button", name="p99 ms").click()
    assert column(page, "p99")[-1] == "-"


def test_charts_of_a_batch_size_and_of_all(opened):
    page = opened("twenty")
    assert "batch 1." in labels(page)[0]
    page.get_by_role("group", name="Batch size in the charts").get_by_role("button", name="32").click()
    assert "batch 32." in labels(page)[0]
    assert "batch 1: " in labels(page)[1]
    assert "batch 32: " in labels(page)[1]
    for name, word in (
        ("Throughput", "samples/s"),
        ("Box", "nine tenths"),
        ("Over time", "inferences"),
        ("Memory", "MB"),
    ):
        page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_timeout(300)
        assert any(word in each for each in labels(page)), name
    page.get_by_role("group", name="Scale").get_by_role("button", name="linear").click()
    page.wait_for_timeout(300)
    assert all(painted(chart) > 300 for chart in page.locator(".im-plot").all())


def test_hovering_shows_numbers(opened):
    page = opened("two")
    page.get_by_role("button", name="Memory", exact=True).click()
    chart = page.locator(".im-plot").last
    places = [(0.45 * chart.bounding_box()["width"] + step, 20) for step in range(5)]
    assert told(page, chart, places, r"^[\d.]+ MB$")


def told(page, chart, places, pattern):
    """Whether the pointer at one of some places (from the left, from the right where negative) shows a text.

    A busy machine draws late: each round of the places waits longer at each of them.
    """
    for pause_ms in (20, 60, 200, 600):
        box = chart.bounding_box()
        for x, y in places:
            page.mouse.move(box["x"] + x + (box["width"] if x < 0 else 0), box["y"] + y)
            page.wait_for_timeout(pause_ms)
            if page.get_by_text(re.compile(pattern)).count():
                return True
    return False


def test_keyboard_alone(opened):
    page = opened("two")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("() => document.activeElement.textContent.trim().split(/\\s+/).pop()"))
        if page.evaluate("() => document.activeElement.dataset.name") == "small/keras.call":
            outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
            page.keyboard.press("Space")
            break
    assert page.locator(".im-name[data-name='small/keras.call']").first.get_attribute("aria-pressed") == "false"
    assert all(
        each.get_attribute("data-lm-suppress-shortcuts") for each in page.locator(".inferspeed-panel button").all()
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["two", "twenty"])
def test_accessible(opened, name, scheme):
    page = opened(name, scheme)
    page.locator(".im-name").first.click()  # a hidden row has to be readable too
    page.locator("details").first.evaluate("each => { each.open = true; }")
    page.wait_for_timeout(300)
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 1600])
@pytest.mark.parametrize("name", ["two", "twenty"])
def test_pictures(opened, pictures, name, width, scheme):
    page = opened(name, scheme, width)
    page.wait_for_timeout(500)
    page.screenshot(path=pictures / f"panel_{name}_{width}_{scheme}.png", full_page=True)
    if name == "twenty":
        for button in ("Box", "Throughput", "Memory", "linear"):
            page.get_by_role("button", name=button, exact=True).click()
        page.wait_for_timeout(500)
        page.screenshot(path=pictures / f"panel_{name}_{width}_{scheme}_others.png", full_page=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_two_panels_on_a_page(opened, files, tmp_path):
    bodies = []
    for name in ("two", "twenty"):
        with source(files[name]).open(encoding="utf-8") as stream:
            bodies.append(re.search(r"<body[^>]*>(.*)</body>", stream.read(), re.DOTALL).group(1))
    (tmp_path / "both.html").write_text(f"<!DOCTYPE html><meta charset=utf-8>{''.join(bodies)}", encoding="utf-8")
    page = opened((tmp_path / "both.html").as_uri())
    page.wait_for_function("() => document.querySelectorAll('.inferspeed-panel[data-ready]').length === 2")
    page.locator(".inferspeed-panel").first.locator(".im-name").first.click()
    hidden = page.locator(".inferspeed-panel").evaluate_all(
        "all => all.map(one => one.querySelectorAll('.im-hidden').length)"
    )
    assert hidden == [2, 0]
    # Nothing of ours may get in the way of somebody else's Bokeh.
    assert page.evaluate("() => typeof window.Bokeh") == "undefined"


def test_a_frame_of_its_own(opened, files, tmp_path, pictures):
    """Colab gives every output a sandboxed frame."""
    from html import escape

    with source(files["two"]).open(encoding="utf-8") as stream:
        inner = escape(stream.read())
    page_file = tmp_path / "framed.html"
    page_file.write_text(
        "<!DOCTYPE html><meta charset=utf-8><body class=inferspeed-panel data-ready>"
        f'<iframe sandbox="allow-scripts" style="width:100%;height:1800px" srcdoc="{inner}"></iframe>',
        encoding="utf-8",
    )
    page = opened(page_file.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(READY).wait_for()
    frame.locator(".im-name").first.click()
    assert frame.locator(".im-hidden").count() == 2
    page.screenshot(path=pictures / "panel_sandboxed.png", full_page=True)


def test_the_style_sheet_of_vs_code(opened, files, tmp_path, pictures):
    """It styles bare tables and buttons, defines require, and paints the page dark."""
    with source(files["two"]).open(encoding="utf-8") as stream:
        body = re.search(r"<body[^>]*>(.*)</body>", stream.read(), re.DOTALL).group(1)
    style = """
        body { background: #1e1e1e; color: #cccccc; font-family: sans-serif; font-size: 13px; }
        .output_container { width: 100%; }
        table { width: 100%; border-collapse: collapse; border-spacing: 0; }
        table th, table tr { text-align: left !important; }
        thead { font-weight: bold; background-color: rgba(130, 130, 130, 0.16); }
        th, td { padding: 4px 8px; }
        tr:nth-child(even) { background-color: rgba(130, 130, 130, 0.08); }
        tbody th { font-weight: normal; }
        img { max-width: 100%; } svg { max-width: 100%; }
    """
    page_file = tmp_path / "code.html"
    page_file.write_text(
        f"<!DOCTYPE html><meta charset=utf-8><style>{style}</style><script>window.require = undefined; "
        "window.define = () => { throw new Error('not for us'); }; window.define.amd = {};</script>"
        f"<body data-vscode-theme-kind=vscode-dark><div class=output_container>{body}</div>",
        encoding="utf-8",
    )
    page = opened(page_file.as_uri())
    assert page.locator(".inferspeed-panel").evaluate("each => each.classList.contains('im-dark')")
    page.wait_for_timeout(300)
    page.screenshot(path=pictures / "panel_vs_code.png", full_page=True)
    page.evaluate("() => { delete window.define; }")  # axe-core would hand itself to it
    assert violations(page) == []


def test_long_names_leave_room_for_the_charts(opened, tmp_path, pictures):
    long = "a_model_with_a_name_that_nobody_would_type_twice_" * 3
    Report(realistic(models=(long, "b"), runtimes=("keras.predict", "litert", "onnxruntime"))).to_html(
        tmp_path / "long.html"
    )
    page = opened((tmp_path / "long.html").as_uri(), width=900)
    page.wait_for_timeout(300)
    page.screenshot(path=pictures / "panel_long_names.png", full_page=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 900
    assert all(painted(chart) > 2000 for chart in page.locator(".im-plot").all())


def test_without_script_the_picture_stays(browser, files):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(files["two"])
    assert page.locator("img").is_visible()
    assert "speed-up" in page.locator("img").get_attribute("alt").lower()
    assert page.locator("table").first.locator("tbody tr").count() == 14
    context.close()
