"""The charts' documents, and that the panel's script fills what they hold."""

from __future__ import annotations

import copy
import json
import re
from importlib import resources

import bokeh.models
import pytest

from inferspeed_magic.panel.figures import _COLUMNS, QUANTITY, SCALED, UNIT, figures

SCRIPT = (resources.files("inferspeed_magic.panel") / "browser" / "panel.js").read_text(encoding="utf-8")
FIGURES = sorted(figures())
WITH_LATENCY = ["box", "curve", "ecdf", "series"]


def block(name, ends=("{", "}")):
    """Give what stands between the brackets of one of the script's constants."""
    first, last = map(re.escape, ends)
    # The last one begins a line, unless all is on one.
    return re.search(rf"^const {name} = {first}([^\n]+|\n.*?^){last};$", SCRIPT, re.DOTALL | re.MULTILINE)[1]


def words(name):
    """Read a constant of the script that maps names to strings."""
    return dict(re.findall(r"(\w+): \"([^\"]*)\"", block(name)))


def filled():
    """Read from the script which sources it fills for each chart, and with which list of columns."""
    entries = re.split(r"^  (\w+)(?=\(\)|:)", block("FILL"), flags=re.MULTILINE)[1:]
    found = {}
    for name, code in zip(entries[::2], entries[1::2], strict=True):
        helpers = [
            helper
            for called in re.findall(r"=> (\w+)\(", code)
            for helper in re.findall(rf"^function {called}\(.*?^\}}", SCRIPT, re.DOTALL | re.MULTILINE)
        ]
        found[name] = dict(re.findall(r"(\w+): columns\(.*?, ([A-Z]+)\)", "\n".join([code, *helpers]), re.DOTALL))
    return found


CHARTS = sorted(filled())


def figure_of(chart):
    """Several charts share a figure."""
    return words("FIGURES").get(chart, chart)


def objects(node):
    """Find the models in a document's JSON."""
    if isinstance(node, list):
        for each in node:
            yield from objects(each)
    elif isinstance(node, dict):
        if node.get("type") == "object":
            yield node
        for each in node.values():
            yield from objects(each)


def models(name, kind):
    return [each for each in objects(figures()[name]) if each["name"] == kind]


def columns(source):
    return [column for column, _ in source["attributes"]["data"]["entries"]]


def sources(name):
    """Give the columns of a figure's sources, by the name that the script finds them by."""
    return {each["attributes"]["name"]: columns(each) for each in models(name, "ColumnDataSource")}


def columns_drawn(name):
    """Give the columns behind each renderer, by the renderer's id."""
    by_id = {each["id"]: columns(each) for each in models(name, "ColumnDataSource")}
    return {each["id"]: by_id[each["attributes"]["data_source"]["id"]] for each in models(name, "GlyphRenderer")}


def read(document):
    from bokeh.document import Document

    (root,) = Document.from_json(document).roots
    return root


def test_there_is_a_figure_for_every_chart():
    assert len(CHARTS) == 8
    assert {figure_of(chart) for chart in CHARTS} == set(FIGURES)
    assert set(words("FIGURES")) <= set(CHARTS)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_json_that_bokeh_reads(name):
    made = figures()[name]
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert read(made).renderers
    assert made["roots"][0]["id"]  # the script embeds it by this


@pytest.mark.parametrize("name", FIGURES)
def test_glyphs_refer_to_columns_of_their_sources(name):
    there = columns_drawn(name)
    assert there
    for renderer in models(name, "GlyphRenderer"):
        given = renderer["attributes"]["glyph"]["attributes"].values()
        used = {value["field"] for value in given if isinstance(value, dict) and value.get("type") == "field"}
        assert used
        assert used <= set(there[renderer["id"]])


@pytest.mark.parametrize("name", FIGURES)
def test_hover_tells_only_what_there_is(name):
    (hover,) = models(name, "HoverTool")
    told = set(re.findall(r"@(\w+)", json.dumps(hover["attributes"]["tooltips"])))
    assert told
    assert hover["attributes"]["renderers"]
    for renderer in hover["attributes"]["renderers"]:
        assert told <= set(columns_drawn(name)[renderer["id"]])


@pytest.mark.parametrize("name", FIGURES)
def test_sources_are_empty_and_have_their_columns(name):
    assert {source: tuple(there) for source, there in sources(name).items()} == {
        source: _COLUMNS[source] for source in sources(name)
    }
    for source in models(name, "ColumnDataSource"):
        assert all(not values for _, values in source["attributes"]["data"]["entries"])


@pytest.mark.parametrize("chart", CHARTS)
def test_the_script_fills_the_sources_that_there_are(chart):
    assert set(filled()[chart]) == set(sources(figure_of(chart)))


def test_the_script_fills_each_source_with_its_columns():
    lists = re.findall(r"^const ([A-Z]+) = (\[\"[^\]]*\]);", SCRIPT, re.MULTILINE)
    assert {name.lower(): tuple(json.loads(listed)) for name, listed in lists} == _COLUMNS
    used = {(source, list_of) for each in filled().values() for source, list_of in each.items()}
    assert used == {(source, source.upper()) for source in _COLUMNS}


def test_the_script_offers_every_chart():
    options = re.findall(r"options: (\[\[.*?\]\])", block("CARDS", "[]"))
    assert sorted(name for listed in options for name, _ in json.loads(listed)) == CHARTS
    assert sorted(words("WORDS")) == CHARTS


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_with_several_charts_leaves_its_axis_to_the_script(name):
    labels = [each["attributes"].get("axis_label", "") for each in objects(figures()[name]) if "Axis" in each["name"]]
    sharing = [chart for chart in CHARTS if figure_of(chart) == name]
    assert labels.count(QUANTITY) == (len(sharing) > 1)
    assert [chart in words("AXES") for chart in sharing] == [len(sharing) > 1] * len(sharing)
    assert f'"{QUANTITY}"' in SCRIPT


@pytest.mark.parametrize("chart", CHARTS)
def test_axes_that_show_latency_leave_room_for_the_unit(chart):
    labels = [
        each["attributes"].get("axis_label", "").replace(QUANTITY, words("AXES").get(chart, ""))
        for each in objects(figures()[figure_of(chart)])
        if "Axis" in each["name"]
    ]
    with_unit = [label for label in labels if f"({UNIT})" in label]
    assert len(with_unit) == (chart in ("ecdf", "box", "series", "batch_latency"))
    assert f'"{UNIT}"' in SCRIPT


class TestScale:
    @pytest.mark.parametrize("name", FIGURES)
    def test_latencies_are_on_a_log_axis(self, name):
        marked = [each for each in objects(figures()[name]) if each.get("attributes", {}).get("name") == SCALED]
        found = sorted(each["name"] for each in marked)
        assert found == (["LogAxis", "LogScale", "LogTicker"] if name in WITH_LATENCY else [])
        # Batch sizes double, so theirs stays logarithmic.
        assert len(models(name, "LogScale")) == (name in WITH_LATENCY) + (name == "curve")

    @pytest.mark.parametrize("name", WITH_LATENCY)
    def test_the_script_makes_a_linear_one_of_it(self, name):
        assert f'given.name === "{SCALED}"' in SCRIPT
        swapped = dict(re.findall(r"(Log\w+): \"(\w+)\"", SCRIPT))
        made = copy.deepcopy(figures()[name])
        for each in objects(made):
            if each.get("attributes", {}).get("name") == SCALED:
                each["name"] = swapped[each["name"]]
                if each["name"] == "BasicTicker":
                    each["attributes"] = {}
        root = read(made)
        scale, axes = (root.y_scale, root.yaxis) if name in ("series", "curve") else (root.x_scale, root.xaxis)
        assert type(scale) is bokeh.models.LinearScale
        assert [type(axis) for axis in axes] == [bokeh.models.LinearAxis]
        assert type(axes[0].ticker) is bokeh.models.BasicTicker
        assert isinstance(root.x_scale, bokeh.models.LogScale) == (name == "curve")


def test_the_script_finds_the_ticks_of_batch_sizes():
    ticks = [each for each in models("curve", "FixedTicker") if each["attributes"].get("name") == "batch_ticks"]
    assert len(ticks) == 1
    assert '"batch_ticks"' in SCRIPT


@pytest.mark.parametrize("name", FIGURES)
def test_the_page_shows_through(name):
    (root,) = models(name, "Plot")
    for part in ("background_fill_color", "border_fill_color", "outline_line_color"):
        assert root["attributes"][part] is None
    assert not root["attributes"].get("title", {}).get("attributes", {}).get("text")


def test_they_are_made_once():
    assert figures() is figures()
