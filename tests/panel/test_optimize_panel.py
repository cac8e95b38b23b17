"""What the comment of the panel of ``optimize`` holds, and that nobody's name breaks out of it."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from importlib import resources

import pytest
from panel_records import CANDIDATES, OPTIMIZED, forty, losses, optimized
from test_figures import columns, objects
from test_interactive import BREAKING_OUT, HOSTILE, Outside, parts, strict
from test_optimize_html import hostile

from inferspeed_magic.panel import optimize_charts, optimize_view
from inferspeed_magic.panel.optimize_panel import optimize_data
from inferspeed_magic.panel.pareto_figure import SCORE, optimize_figures
from inferspeed_magic.report import OptimizeReport

NAN, INF = float("nan"), float("inf")
LARGEST = 900_000  # characters of all that a notebook keeps
BROWSER = resources.files("inferspeed_magic.panel") / "browser"
SCRIPT = (BROWSER / "pareto.js").read_text(encoding="utf-8")


def data_of(made):
    """Give what the script gets, as JSON tells it."""
    return strict(json.dumps(optimize_data(optimize_view(made), optimize_charts(made)), allow_nan=False))


def html_of(made):
    return OptimizeReport(made)._repr_mimebundle_(include={"text/html"})["text/html"]


def row(data, way):
    return next(each for each in data["rows"] if each["name"] == f"digits/{way}")


def twenty():
    return optimized(candidates=(*CANDIDATES, *((f"openvino+x[{n}]", 0.3 + n, CANDIDATES[4][2]) for n in range(8))))


class TestComment:
    def test_it_holds_the_figure_of_this_panel_alone(self):
        own = strict(parts(html_of(optimized()))[1])
        assert own["figures"] == optimize_figures()
        assert set(own["figures"]) == {"pareto"}

    def test_the_script_of_profile_follows_its_own(self):
        own = strict(parts(html_of(optimized()))[1])["script"]
        assert own.index("own.more = {") < own.index("const more = own.more")
        assert own.rstrip().endswith("start();")

    def test_nothing_is_fetched(self):
        html = html_of(optimized())
        visible = re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL)
        for text in (visible, SCRIPT):
            assert not re.search(r"https?://|url\(|@import|\bfetch\(|\bimport\(", text)

    def test_nothing_to_draw_needs_no_script(self):
        html = html_of(OPTIMIZED["nothing"]())
        assert "<script" not in html
        assert "<img" not in html
        assert "image/png" not in OptimizeReport(OPTIMIZED["nothing"]())._repr_mimebundle_()

    def test_twenty_candidates_fit_a_notebook(self):
        made = twenty()
        assert len(made.profile.results) == 20
        bundle = OptimizeReport(made)._repr_mimebundle_()
        assert set(bundle) == {"text/html", "image/png", "text/plain"}
        assert sum(map(len, bundle.values())) <= LARGEST

    def test_forty_too(self):
        assert len(html_of(forty())) <= LARGEST

    def test_the_same_report_gives_the_same_bytes(self):
        assert html_of(optimized()) == html_of(optimized())


class TestData:
    def test_it_is_that_of_view_and_charts(self):
        made = optimized()
        data, view, charts = data_of(made), optimize_view(made), optimize_charts(made)
        assert [each["name"] for each in data["rows"]] == [each.name for each in view.rows]
        assert data["columns"]["latency"] == [column.key for column in view.columns]
        for drawn, line in zip(data["rows"], view.rows, strict=True):
            assert [cell["text"] for cell in drawn["cells"].values()] == [cell.text for cell in line.cells]
        assert data["fronts"] == {cost: list(names) for cost, names in charts.fronts.items()}
        assert (data["baseline"], data["higherIsBetter"]) == ("digits/keras.predict", True)
        assert data["scoreTitle"] == "accuracy (%)"
        assert data["allowed"] == pytest.approx(96.4)
        assert not data_of(losses())["higherIsBetter"]

    def test_hovering_tells_all_of_a_row(self):
        told = row(data_of(optimized()), "litert+static_int8")["told"]
        for words in (
            "p50 ms 0.0620 (",
            "speed-up 1,7",
            "accuracy 96.90%",
            "0.50 (0.20 to 0.80) held out: 0.45",
            "chosen",
        ):
            assert words in told
        assert "outcome" not in told
        assert "accuracy -" not in row(data_of(optimized()), "onnxruntime+dynamic_int8")["told"]

    def test_numbers_that_are_none_become_null(self):
        made = optimized()
        first, *others = made.profile.results
        score = dataclasses.replace(first.selection, value=NAN, drop=dataclasses.replace(first.selection.drop, low=INF))
        odd = dataclasses.replace(
            first,
            artifact_mb=NAN,
            measurement=dataclasses.replace(first.measurement, peak_memory_mb=INF),
            selection=score,
            summary=dataclasses.replace(first.summary, speedup=dataclasses.replace(first.summary.speedup, high=NAN)),
        )
        data = data_of(dataclasses.replace(made, profile=dataclasses.replace(made.profile, results=(odd, *others))))
        drawn = row(data, "keras.predict")
        assert drawn["costs"]["size"] is drawn["costs"]["memory"] is drawn["score"] is None
        assert all(math.isfinite(value) for value in drawn["p50"])

    def test_without_an_original_there_is_no_baseline(self):
        assert data_of(optimized(original="digits/gone"))["baseline"] is None


class TestFigure:
    def test_the_script_fills_each_source_with_its_columns(self):
        lists = dict(re.findall(r"^const (\w+) = (\[\"[^\]]*\]);", SCRIPT, re.MULTILINE))
        used = dict(re.findall(r"(\w+): columns\([^;]*?, ([A-Z_]+)\)", SCRIPT))
        sources = {
            each["attributes"]["name"]: columns(each)
            for each in objects(optimize_figures()["pareto"])
            if each["name"] == "ColumnDataSource"
        }
        assert set(used) == set(sources) == {"dots", "fronts", "tags"}
        assert {name: json.loads(lists[used[name]]) for name in used} == sources

    def test_bokeh_reads_it(self):
        from bokeh.document import Document

        (root,) = Document.from_json(optimize_figures()["pareto"]).roots
        assert root.left[0].axis_label == SCORE
        for renderer in root.renderers:
            there = set(renderer.data_source.data)
            glyph = renderer.glyph.properties_with_values(include_defaults=False).values()
            used = {value.field for value in glyph if hasattr(value, "field")}
            assert used
            assert used <= there

    def test_the_script_names_the_score(self):
        assert f"labels: {{ {SCORE}: own.data.scoreTitle }}" in SCRIPT


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
        own = strict(parts(html)[1])
        assert own["script"] == strict(parts(html_of(optimized()))[1])["script"]

    def test_names_that_the_script_meets_are_those_of_the_table(self):
        data = data_of(hostile(BREAKING_OUT))
        assert data["baseline"] in [each["name"] for each in data["rows"]]
        assert set(data["fronts"]["size"]) <= {each["name"] for each in data["rows"]}
        assert all(each["name"].isprintable() for each in data["rows"])
