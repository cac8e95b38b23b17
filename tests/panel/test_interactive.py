"""What the panel's comment holds, and that nobody's name breaks out of it."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
import math
import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import bokeh
import pytest
from panel_records import realistic, timed, twenty
from profile_records import SCRIPT, baseline, failed, interval, measurement, record, result, usual

from inferspeed_magic.panel import profile_charts, profile_html, profile_view
from inferspeed_magic.panel.figures import figures
from inferspeed_magic.panel.interactive import panel_data
from inferspeed_magic.records import Interval
from inferspeed_magic.report import Report

NAN, INF = float("nan"), float("inf")
LARGEST = 800_000  # characters; what notebooks and their reviewers still bear
BREAKING_OUT = "</script><script>alert(1)</script>"
HOSTILE = [
    SCRIPT,
    BREAKING_OUT,
    "-->",
    "--><script>alert(2)</script><!--",
    "<!--",
    "]]>",
    "\"'`${alert(3)}\\",
    "x" * 300,
    "a\ud800b\udfff",
    "深度学习模型",
    "line\nbreak\r\ttab\x00\x1b[31m\u2028\u2029\x7f\u202e",
]


class Outside(HTMLParser):
    """What a browser sees outside of scripts."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.comments = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_comment(self, data):
        self.comments.append(data)


def html_of(made):
    return Report(made)._repr_mimebundle_(include={"text/html"})["text/html"]


def parts(html):
    """Give the two parts of the comment, unpacked."""
    (comment,) = re.findall(r"<!--(.*?)-->", html, re.DOTALL)
    return [gzip.decompress(base64.b64decode(part, validate=True)) for part in comment.split(".")]


def strict(text):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def data_of(*results, **changes):
    """Give what the script gets, as JSON tells it."""
    made = record(*results, **changes)
    data = panel_data(profile_view(made), profile_charts(made, Report(made)._speedups))
    return strict(json.dumps(data, allow_nan=False))


def named(name):
    made = (
        result(p50_ms=5.0, speedup=1.0, summary={"warnings": (name,), "stable": False}, notes=(name,)),
        result(speedup=50.0, device=name, precision=name),
        failed(reason=name),
    )
    runtimes = ("keras.predict", name, "openvino")
    return record(
        *(dataclasses.replace(one, model=name, runtime=runtime) for one, runtime in zip(made, runtimes, strict=True)),
        baseline=f"{name}/keras.predict",
        notes=(name,),
    )


@pytest.fixture(scope="module")
def made():
    return twenty()


@pytest.fixture(scope="module")
def bundle(made):
    return Report(made)._repr_mimebundle_()


@pytest.fixture(scope="module")
def unpacked(bundle):
    return parts(bundle["text/html"])


class TestComment:
    def test_first_comes_bokeh_as_it_is_installed(self, unpacked):
        assert len(unpacked) == 2
        library = Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js"
        assert unpacked[0] == library.read_bytes()

    def test_then_all_else_as_strict_json(self, unpacked):
        own = strict(unpacked[1])
        assert set(own) == {"bokeh", "script", "style", "figures", "data"}
        assert own["bokeh"] == bokeh.__version__
        assert own["figures"] == figures()
        style = resources.files("inferspeed_magic.panel") / "browser" / "panel.css"
        assert own["style"] == style.read_text(encoding="utf-8")

    def test_the_script_lost_only_comments_and_indents(self, unpacked):
        written = (resources.files("inferspeed_magic.panel") / "browser" / "panel.js").read_text(encoding="utf-8")
        code = [line.strip() for line in written.splitlines() if not line.startswith("//")]
        sent = strict(unpacked[1])["script"]
        assert [line.rstrip() for line in sent.splitlines() if line] == [line for line in code if line]
        # Ends of lines end statements and comments.
        assert sent.count("\n") == written.count("\n")

    def test_nothing_is_fetched(self, bundle, unpacked):
        own = strict(unpacked[1])
        visible = re.sub(r"<!--.*?-->", "", bundle["text/html"], flags=re.DOTALL)
        for text in (visible, own["style"], own["script"].replace("http://www.w3.org/2000/svg", "")):
            assert not re.search(r"https?://|url\(|@import|\bfetch\(|\bimport\(", text)

    def test_it_stands_directly_in_the_panel_before_its_script(self, bundle):
        # The script looks among the panel's own children.
        assert re.search(r"^<!--[^>]*--><script>.*</script>\n</div>$", bundle["text/html"], re.DOTALL | re.MULTILINE)

    def test_the_script_around_it_reads_what_we_packed(self):
        bootstrap = (resources.files("inferspeed_magic.panel") / "browser" / "bootstrap.js").read_text(encoding="utf-8")
        for word in ('.split(".")', 'DecompressionStream("gzip")', "own.bokeh", "own.script", ".inferspeed-panel"):
            assert word in bootstrap
        assert "</" not in bootstrap
        assert "<!--" not in bootstrap


class TestData:
    def test_it_is_that_of_the_view(self, made, unpacked):
        data = strict(unpacked[1])["data"]
        view = profile_view(made, Report(made)._speedups)
        assert [(row["name"], row["batch"]) for row in data["rows"]] == [
            (row.name, row.batch_size) for row in view.rows
        ]
        keys = [column.key for column in view.columns]
        for drawn, row in zip(data["rows"], view.rows, strict=True):
            assert list(drawn["cells"]) == keys
            assert [cell["text"] for cell in drawn["cells"].values()] == [cell.text for cell in row.cells]
            assert [cell["number"] for cell in drawn["cells"].values()] == [cell.number for cell in row.cells]
            look = row.identity
            assert (drawn["light"], drawn["dark"], drawn["glyph"]) == (look.light, look.dark, look.glyph)
            assert (drawn["marker"], drawn["dash"]) == (look.marker, list(look.dash))
        assert data["baseline"] == made.baseline
        assert data["unit"] == {"name": "ms", "perMs": 1.0}

    def test_columns_are_those_of_the_two_tables(self, made, unpacked):
        columns = strict(unpacked[1])["data"]["columns"]
        html = profile_html(profile_view(made))
        for group in ("latency", "cost"):
            (table,) = re.findall(rf'<table class="inferspeed-rows inferspeed-{group}".*?</table>', html, re.DOTALL)
            assert len(columns[group]) == len(re.findall(r'<th scope="col"', table))
            assert columns[group][:3] == ["model", "runtime", "batch_size"]
        assert "p50_ms" in columns["latency"]
        assert "artifact_mb" in columns["cost"]

    def test_speedups_are_those_of_the_report(self, made, unpacked):
        data, speedups = strict(unpacked[1])["data"], Report(made)._speedups
        for one, line in zip(data["rows"], data["speedups"], strict=True):
            for other, found in zip(data["rows"], line, strict=True):
                if one["batch"] != other["batch"]:
                    assert found is None
                else:
                    expected = speedups[one["name"], other["name"], one["batch"]]
                    assert found == pytest.approx(list(dataclasses.astuple(expected)))

    def test_numbers_that_are_none_become_null(self):
        measured = dataclasses.replace(timed(1.0), peak_memory_mb=None)
        data = data_of(
            result(
                artifact_mb=None,
                relative_error=NAN,
                measurement=measured,
                summary={
                    "p50_ms": Interval(1.0, NAN, INF),
                    "p90_ms": INF,
                    "p99_ms": -INF,
                    "throughput_samples_per_s": NAN,
                    "throughput": Interval(NAN, NAN, NAN),
                    "speedup": Interval(2.0, NAN, INF),
                },
            ),
            result("deep/other", measurement=None, summary={"throughput": Interval(5.0, -INF, NAN)}),
        )
        first, second = data["rows"]
        assert first["p50"] == [1.0, None, None]
        assert first["rate"] is None
        assert second["rate"] == [5.0, None, None]
        assert (first["memory"], first["artifact"], second["startUp"]) == (None, None, None)
        cells = {key: cell["number"] for key, cell in first["cells"].items()}
        assert (cells["p50_ms"], cells["speedup"]) == (1.0, 2.0)
        assert [cells[key] for key in ("p90_ms", "p99_ms", "throughput_samples_per_s")] == [None] * 3
        assert cells["relative_error"] is None
        assert data["speedups"][0][1] is None

    def test_a_baseline_that_was_not_measured_is_none(self):
        assert data_of(result())["baseline"] is None
        assert data_of(baseline(), result())["baseline"] == "deep/keras.predict"

    def test_a_rate_search_has_no_speedups(self):
        made = usual()
        request = dataclasses.replace(made.request, scenario="server", latency_slo_ms=5.0)
        assert all(one is None for line in data_of(*made.results, request=request)["speedups"] for one in line)


class TestHostileNames:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_nothing_breaks_out(self, name):
        html = html_of(named(name))
        assert html.lower().count("<script") == html.lower().count("</script") == 1
        assert html.count("-->") == html.count("<!--") == 1
        assert html.encode("utf-8")
        page = Outside(html)
        assert page.tags.count("script") == 1
        assert page.tags.count("img") == 1  # the picture
        assert len(page.comments) == 1
        own = strict(parts(html)[1])
        assert own["script"] == strict(parts(html_of(usual()))[1])["script"]

    @pytest.mark.parametrize("name", HOSTILE)
    def test_the_script_and_the_table_call_them_the_same(self, name):
        data = strict(parts(html_of(named(name)))[1])["data"]
        shown = [row["name"] for row in data["rows"]]
        cells = [row["cells"] for row in data["rows"]]
        assert shown == [f"{each['model']['text']}/{each['runtime']['text']}" for each in cells]
        assert all(each.isprintable() for each in shown)
        assert data["baseline"] == shown[0]
        # The script puts the name that is chosen in the place of this one.
        assert f"baseline ({data['baseline']})" in " ".join(profile_view(named(name)).footnotes)

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_document_keeps_one_script_too(self, name):
        document = Report(named(name)).to_html()
        assert document.lower().count("<script") == 1
        assert document.count("-->") == 1
        assert document.encode("utf-8")

    def test_names_that_read_well_are_kept(self):
        data = data_of(result("深度学习模型/litert"), baseline=None)
        assert data["rows"][0]["name"] == "深度学习模型/litert"


class TestSize:
    def test_twenty_candidates_fit_a_notebook(self, bundle):
        assert set(bundle) == {"text/html", "image/png", "text/plain"}
        assert len(bundle["text/html"]) <= LARGEST
        assert sum(map(len, bundle.values())) <= LARGEST

    def test_a_candidate_more_costs_little(self, bundle):
        fewer = html_of(realistic(models=("small", "big"), runtimes=("keras.predict", "keras.call", "litert")))
        assert (len(bundle["text/html"]) - len(fewer)) / 14 < 12_000

    def test_the_same_report_gives_the_same_bytes(self, made, bundle):
        assert Report(made)._repr_mimebundle_() == bundle
        assert Report(twenty())._repr_mimebundle_() == bundle

    def test_bytes_do_not_know_the_hour(self, made, bundle, monkeypatch):
        from inferspeed_magic.panel import interactive

        monkeypatch.setattr("time.time", lambda: 86_400.0)
        interactive._library.cache_clear()
        assert html_of(made) == bundle["text/html"]


class TestWithoutRows:
    @pytest.mark.parametrize("made", [record(), record(failed()), record(failed(), interrupted=True)])
    def test_there_is_no_script(self, made):
        for html in (html_of(made), Report(made).to_html()):
            assert "<script" not in html
            assert "<!--" not in html
            assert "<img" not in html
            assert "Nothing was measured" in html
        assert "image/png" not in Report(made)._repr_mimebundle_()

    def test_a_row_without_a_measurement_still_has_one(self):
        html = html_of(record(result(measurement=None), baseline=None))
        (row,) = strict(parts(html)[1])["data"]["rows"]
        assert row["trace"]["samples"] == 0
        assert row["p50"] == pytest.approx(list(dataclasses.astuple(interval(0.0931))))


@pytest.mark.parametrize("unknown", [math.nan, math.inf])
def test_costs_that_are_no_numbers_leave_the_panel_whole(unknown):
    made = record(
        result("a/litert", artifact_mb=unknown),
        result("b/litert", measurement=measurement(load_ms=unknown, peak_memory_mb=unknown)),
        baseline=None,
    )
    html = Report(made)._repr_mimebundle_()["text/html"]
    assert html.count("<script") == 1
