"""Every notebook runs from top to bottom, and what is committed is what it shows."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nbformat
import pytest
from execution import NOTEBOOKS, code_cells, execute

from inferspeed_magic.discovery import runtime_names
from inferspeed_magic.magics import explain_options, optimize_options, options

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
MAGIC = re.compile(r"^%{1,2}(?P<verb>profile_model|optimize|explain_latency)\b(?!\?)(?P<line>.*)", re.MULTILINE)
PARSE = {
    "profile_model": options.parse,
    "optimize": optimize_options.parse,
    "explain_latency": explain_options.parse,
}
FOLDERS = "bin|content|etc|home|lib|mnt|opt|private|root|tmp|usr|Users|var|work"
ABSOLUTE = re.compile(rf"(?<![\w.:<-])/(?:{FOLDERS})/|\b[A-Z]:\\")


class Tables(HTMLParser):
    """Collects the rows of all tables: each a list of the texts of its cells."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.inside = [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        self.inside = tag in ("td", "th") or (self.inside and tag != "table")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th", "table")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture(scope="module")
def committed(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def executed(path, tmp_path_factory):
    folder = tmp_path_factory.mktemp(path.stem)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        return execute(path, folder)


@pytest.fixture(params=["committed", "executed"])
def notebook(request, path):
    return request.getfixturevalue(request.param)


def reports(notebook):
    """Pairs of what a cell asks for and the bundle of the report that it shows."""
    found = []
    for cell in code_cells(notebook):
        asked = MAGIC.search(cell.source)
        if asked:
            results = [output.data for output in cell.outputs if "image/png" in output.get("data", {})]
            assert len(results) == 1, f"cell {cell.id} shows {len(results)} reports"
            found.append((asked["verb"], PARSE[asked["verb"]](asked["line"]), results[0]))
    return found


def profiles(notebook):
    return [(asked, bundle) for verb, asked, bundle in reports(notebook) if verb == "profile_model"]


def kinds(cell):
    """What a cell shows, without the numbers."""
    return {(output.output_type, output.get("name"), *sorted(output.get("data", {}))) for output in cell.outputs}


def test_there_are_notebooks():
    assert [path.name for path in PATHS] == [
        "01_profile.ipynb",
        "02_optimize.ipynb",
        "03_why_is_the_smaller_model_not_faster.ipynb",
        "04_smaller_for_real.ipynb",
    ]


def test_every_cell_has_run(notebook):
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_nothing_failed_and_nothing_complains(notebook):
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


def test_no_progress_is_left(notebook):
    assert "<progress" not in nbformat.writes(notebook)


def test_reports_have_a_row_for_every_runtime(notebook):
    assert reports(notebook)
    for asked, bundle in profiles(notebook):
        wanted = set(asked.runtimes or runtime_names())
        rows = Tables(bundle["text/html"]).rows
        for where in (rows, [line.split() for line in bundle["text/plain"].splitlines()]):
            named = {name for row in where for name in wanted if any(name in cell for cell in row)}
            assert named == wanted


def test_reports_measured_what_is_installed(executed):
    from inferspeed_magic.discovery import runtime_statuses

    installed = {status.name for status in runtime_statuses() if status.available}
    for asked, bundle in profiles(executed):
        # The table of what was not measured has three columns.
        rows = [row for row in Tables(bundle["text/html"]).rows if len(row) > 3]
        # The candidate's marker stands before its runtime.
        measured = {name for row in rows for name in installed if row[1].split(maxsplit=1)[-1].startswith(name)}
        assert measured == installed & set(asked.runtimes or runtime_names())


def test_the_optimized_model_is_faster_and_made_again(executed):
    """What the text promises is what the cells print."""
    if not any(verb == "optimize" and asked.train is None for verb, asked, _ in reports(executed)):
        pytest.skip("nothing is optimized here, or only with training")
    said = "\n".join(text for cell in code_cells(executed) for text in said_by(cell))
    assert "faster\n  than the original" in said or "faster than the original" in " ".join(said.split())
    assert "without TensorFlow" in said
    assert "relative error against the original" in said


def test_the_explanation_answers_and_its_advice_helps(notebook):
    """What the text promises is what the cells print."""
    if not any(verb == "explain_latency" for verb, _, _ in reports(notebook)):
        pytest.skip("nothing is explained here")
    first, inside, large = (bundle["text/plain"] for verb, _, bundle in reports(notebook) if verb == "explain_latency")
    assert "a model without any work" in " ".join(first.split())
    assert "mlp" in inside
    assert "mobile" in large
    said = {cell.source: "\n".join(said_by(cell)) for cell in code_cells(notebook)}
    (verified,) = (text for source, text in said.items() if "verify()" in source)
    assert float(verified.partition("x")[0]) > 5
    (causes,) = (text for source, text in said.items() if "finding.cause" in source)
    assert "memory_bound" in causes
    assert "sequential_depth" in causes
    (verdict,) = (text for source, text in said.items() if ".verdict" in source)
    assert "faster" in verdict


def test_what_was_trained_is_smaller_and_faster(notebook):
    """What the text promises is what the cells print and the reports show."""
    trained = [(asked, bundle) for verb, asked, bundle in reports(notebook) if verb == "optimize" and asked.train]
    if not trained:
        pytest.skip("nothing is trained during a search here")
    said = "\n".join(text for cell in code_cells(notebook) for text in said_by(cell))
    told = re.findall(r"^(.+?) +([\d,]+) parameters, ([\d.]+)% of", said, re.MULTILINE)
    (_, whole, known), (_, half, forgotten), (_, same, again) = told
    assert int(half.replace(",", "")) == int(same.replace(",", "")) < 0.5 * int(whole.replace(",", ""))
    assert float(forgotten) < float(again) - 5
    assert float(again) > float(known) - 5
    tables = [bundle["text/plain"] for _, bundle in trained]
    for text, technique in zip(
        tables, ("distillation", "quantization_aware_training", "structured_pruning"), strict=True
    ):
        # A row of the table with a latency, not one of those that failed.
        assert re.search(rf"^\w+\+{technique}.* \d\S* \(\d", text, re.MULTILINE), technique
    assert re.search(r"fast/\w+ is faster than resnet/\w+: \d", said)


def said_by(cell):
    """Texts that a cell prints or shows."""
    return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]


def test_outputs_name_no_folder_of_this_machine(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert not ABSOLUTE.search(str(output)), ABSOLUTE.search(str(output))


def test_committed_outputs_are_of_this_text(committed, executed):
    assert [cell.source for cell in committed.cells] == [cell.source for cell in executed.cells]
    assert [kinds(cell) for cell in code_cells(committed)] == [kinds(cell) for cell in code_cells(executed)]


def test_the_file_is_tidy(committed):
    nbformat.validate(committed)
    assert (committed.nbformat, committed.nbformat_minor) == (4, 5)
    assert committed.metadata.kernelspec.name == "python3"
    assert all(set(cell.metadata) <= {"tags"} for cell in committed.cells)
