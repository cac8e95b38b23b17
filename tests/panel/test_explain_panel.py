"""What the comment of the panel of ``explain`` holds, and that nobody's name breaks out of it."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest
from explanation_records import EXPLAINED, branched, count_only, hostile, long, sixty, two
from test_figures import columns, objects
from test_interactive import BREAKING_OUT, HOSTILE, Outside, parts, strict

from inferspeed_magic.panel import explain_charts, explain_panel, explain_picture, explain_view
from inferspeed_magic.panel.explain_figures import ACROSS, UP, explain_figures
from inferspeed_magic.panel.explain_panel import explain_data

LARGEST = 1_000_000  # characters of all that a notebook keeps
BROWSER = resources.files("inferspeed_magic.panel") / "browser"
SCRIPTS = [
    (BROWSER / f"{name}.js").read_text(encoding="utf-8")
    for name in ("explain", "explain_labels", "explain_structure", "panel")
]
SCRIPT = SCRIPTS[0]


def html_of(made):
    view, charts = explain_view(made), explain_charts(made)
    return explain_panel(view, charts, explain_picture(view, charts))


def data_of(made):
    """Give what the script gets, as JSON tells it."""
    return strict(json.dumps(explain_data(explain_view(made), explain_charts(made)), allow_nan=False))


class TestComment:
    def test_it_holds_the_figures_of_this_panel_alone(self):
        own = strict(parts(html_of(two()))[1])
        assert own["figures"] == explain_figures()
        assert set(own["figures"]) == {"roofline", "fit"}

    def test_the_script_of_profile_follows_its_own(self):
        own = strict(parts(html_of(two()))[1])["script"]
        assert own.index("own.more = {") < own.index("const more = own.more")
        assert own.rstrip().endswith("start();")

    def test_the_scripts_share_no_name(self):
        """They are one function: a name given twice would be an error."""
        given = [
            name
            for text in SCRIPTS
            for simple, several in re.findall(
                r"^(?:const|let|function|async function) (?:(\w+)|\[([^\]]+)\] =)", text, re.MULTILINE
            )
            for name in ([simple] if simple else several.split(", "))
        ]
        assert len(given) > 80
        assert len(given) == len(set(given))

    def test_nothing_is_fetched(self):
        visible = re.sub(r"<!--.*?-->", "", html_of(two()), flags=re.DOTALL)
        for text in (visible, *SCRIPTS[:-1], (BROWSER / "explain.css").read_text(encoding="utf-8")):
            assert not re.search(r"https?://|url\(|@import|\bfetch\(|\bimport\(", text)

    def test_nothing_to_show_needs_no_script(self):
        html = html_of(EXPLAINED["nothing"]())
        assert "<script" not in html
        assert "<img" not in html

    @pytest.mark.parametrize("make", [sixty, long])
    def test_large_models_fit_a_notebook(self, make):
        assert len(html_of(make())) <= LARGEST

    def test_the_same_record_gives_the_same_bytes(self):
        assert html_of(two()) == html_of(two())


class TestData:
    @pytest.mark.parametrize("name", [name for name in EXPLAINED if name != "nothing"])
    def test_it_is_that_of_view_and_charts(self, name):
        made = EXPLAINED[name]()
        data, view, charts = data_of(made), explain_view(made), explain_charts(made)
        assert [row["name"] for row in data["rows"]] == [row.name for row in view.rows]
        assert data["columns"]["latency"] == [column.key for column in view.columns]
        assert {dot["model"] for dot in data["dots"]} <= {row["name"] for row in data["rows"]}
        assert [dot["told"] for dot in data["dots"]] == [dot.told for dot in charts.dots]
        assert [fit["way"] for fit in data["fits"]] == list(charts.fits)

    def test_the_table_of_layers_is_sorted_by_its_numbers(self):
        data, view = data_of(two()), explain_view(two())
        (rows,) = data["layers"]
        assert len(rows) == len(view.layers.rows)
        assert all(len(row) == len(view.layers.columns) == len(data["layerKeys"]) for row in rows)
        assert data["layerKeys"][data["sortedBy"]] == "time_us"
        times = [row[data["sortedBy"]] for row in rows]
        assert times[0] > times[1]
        assert times[-1] is None  # fused
        counted = data_of(count_only())
        assert counted["layerKeys"][counted["sortedBy"]] == "flops"

    def test_structures_have_all_layers_and_their_edges(self):
        made = branched()
        (structure,) = data_of(made)["structures"]
        (given,) = explain_view(made).structures
        assert structure["title"] == given.title
        assert structure["lanes"] == 2
        assert [(row[0], row[5], tuple(row[6])) for row in structure["rows"]] == [
            (row.words, row.lane, row.feeds) for row in given.rows
        ]
        (many,) = data_of(long())["structures"]
        assert len(many["rows"]) == 302

    def test_layers_that_are_folded_are_sorted_too(self):
        assert [len(rows) for rows in data_of(long())["layers"]] == [200, 102]

    def test_the_area_of_a_dot_is_its_time(self):
        dots = data_of(two())["dots"]
        shares = [dot.share for dot in explain_charts(two()).dots]
        grown = [(dot["size"] - 6) ** 2 for dot in dots]
        assert grown[0] / grown[5] == pytest.approx(shares[0] / shares[5], rel=0.01)

    def test_nothing_but_strict_numbers(self):
        data_of(EXPLAINED["without_intervals"]())


class TestFigures:
    @pytest.mark.parametrize("name", ["roofline", "fit"])
    def test_bokeh_reads_it(self, name):
        from bokeh.document import Document

        (root,) = Document.from_json(explain_figures()[name]).roots
        for renderer in root.renderers:
            there = set(renderer.data_source.data)
            glyph = renderer.glyph.properties_with_values(include_defaults=False).values()
            used = {value.field for value in glyph if hasattr(value, "field")}
            assert used
            assert used <= there

    def test_the_script_fills_each_source_with_its_columns(self):
        lists = {
            name: json.loads(each) for name, each in re.findall(r"^const (\w+) = (\[\"[^\]]*\]);", SCRIPT, re.MULTILINE)
        }
        filled = dict(re.findall(r"(\w+): columns\([^;]*?, ([A-Z]+)\)", SCRIPT))
        for figure in explain_figures().values():
            for each in objects(figure):
                if each["name"] == "ColumnDataSource":
                    name = each["attributes"]["name"]
                    # Two figures have marks, the second of which are listed last.
                    assert columns(each) in ([*lists.values()] if name == "marks" else [lists[filled[name]]])

    def test_the_script_names_the_axes(self):
        assert f"    {ACROSS}: isWork" in SCRIPT
        assert f"    {UP}: isWork" in SCRIPT


class TestHostileNames:
    @pytest.mark.parametrize("name", [each for each in HOSTILE if each != "x" * 300])
    def test_nothing_breaks_out(self, name):
        html = html_of(hostile(name))
        assert html.lower().count("<script") == html.lower().count("</script") == 1
        assert html.count("-->") == html.count("<!--") == 1
        assert html.encode("utf-8")
        page = Outside(html)
        assert page.tags.count("script") == 1
        assert page.tags.count("img") == 1  # the picture
        assert strict(parts(html)[1])["script"] == strict(parts(html_of(two()))[1])["script"]

    def test_names_that_the_script_meets_are_those_of_the_table(self):
        data = data_of(hostile(BREAKING_OUT))
        names = {row["name"] for row in data["rows"]}
        assert {dot["model"] for dot in data["dots"]} <= names
        assert {line["model"] for fit in data["fits"] for line in fit["lines"]} <= names
