"""The panel of ``optimize`` as HTML."""

from __future__ import annotations

import dataclasses
import re

import pytest
from panel_records import FAILED, OPTIMIZED, optimized
from profile_records import SCRIPT
from test_profile_html import ALLOWED, Page

from inferspeed_magic.panel import optimize_html, optimize_view
from inferspeed_magic.records import LayerSensitivity, LeftOut, Metric, Prediction


def html_of(made):
    return optimize_html(optimize_view(made))


def hostile(word=SCRIPT):
    """A record every word of which is somebody else's."""
    made = optimized(*FAILED)
    renamed = tuple(
        dataclasses.replace(one, model=word, runtime=word + one.runtime, variant=word, rejected=one.rejected and word)
        for one in made.profile.results
    )
    first = {one.name: other.name for one, other in zip(made.profile.results, renamed, strict=True)}
    path = tuple(dataclasses.replace(step, name=first[step.name], words=word) for step in made.path)
    return dataclasses.replace(
        made,
        profile=dataclasses.replace(made.profile, results=renamed, notes=(word,), baseline=word),
        metric=Metric(word),
        original=first[made.original],
        best=first[made.best],
        pareto=tuple(first[name] for name in made.pareto),
        path=path,
        left_out=(LeftOut(word, word),),
        sensitivity=(LayerSensitivity(word, 0.1),),
        predictions=(Prediction(word, word),),
        warnings=(word,),
    )


@pytest.mark.parametrize("made", [*(make() for make in OPTIMIZED.values()), hostile()], ids=[*OPTIMIZED, "hostile"])
def test_only_balanced_tags_that_sanitizers_keep(made):
    html = html_of(made)
    drawn = Page(html.replace("<wbr>", ""))
    assert {tag for tag, _ in drawn.tags} <= ALLOWED
    assert {name for _, attrs in drawn.tags for name in attrs} <= {"style", "scope", "title", "class", "aria-hidden"}
    assert not re.search(r"https?:|url\(|@import", html)


def test_nobody_writes_our_html():
    html = html_of(hostile())
    assert "<script" not in html
    # Names break between lines, not between tags.
    assert SCRIPT in Page(html.replace("<wbr>", "")).text


def test_names_break_where_words_end():
    html = html_of(optimized())
    assert "onnxruntime+<wbr>static_int8<wbr>[percentile]" in html
    assert 'white-space:nowrap"><span class="inferspeed-marker' not in html


def test_it_says_all_that_the_view_says():
    view = optimize_view(optimized(*FAILED, warnings=("outputs look untrained",)))
    shown = Page(optimize_html(view).replace("<wbr>", "")).text
    said = [view.interrupted, *view.headline, *view.alerts, view.aim, view.machine, view.title, view.path.title]
    said += [*view.warnings, *view.notes, *view.footnotes, *view.guide, view.layers.title]
    said += [words for each in (*view.failures, *view.left_out) for words in (*each.names, each.status, each.reason)]
    said += [words for row in view.rows for cell in row.cells for words in (cell.text, cell.detail, cell.remark)]
    said += [cell.text for sheet in (view.path, view.layers) for row in sheet.rows for cell in row]
    said += [mark.text for row in view.rows for mark in row.marks]
    assert [words for words in said if words and words not in shown] == []


def test_what_comes_first_is_read_first():
    html = html_of(optimized(*FAILED, warnings=("outputs look untrained",)))
    order = ["Chosen for", "outputs look untrained", "From the original", "Candidates for", "Not measured: 2"]
    order += ["Not tried: 2", "Sensitivity of layers", "Which one to use", "Notes"]
    places = [html.index(words) for words in order]
    assert places == sorted(places)


def test_tables_are_semantic():
    drawn = Page(html_of(optimized(*FAILED)).replace("<wbr>", ""))
    # The path, the candidates; folded: failures, what was not tried, layers.
    assert (drawn.count("table"), drawn.count("caption"), drawn.count("details")) == (5, 2, 3)
    assert drawn.count("th") == drawn.count("th", scope="col") + drawn.count("th", scope="row")
    assert drawn.count("th", scope="row") == 3 + 12 + 2 + 2 + 3


def test_colours_come_from_the_surroundings():
    tags = Page(html_of(optimized(*FAILED)).replace("<wbr>", "")).tags
    styles = " ".join(attrs.get("style") or "" for _, attrs in tags if attrs.get("class") != "inferspeed-marker")
    assert not re.search(r"(?<!-)color:|#[0-9a-f]{3}|background:(?!currentColor)", styles)


def test_what_is_empty_is_absent():
    html = html_of(optimized(path=(), left_out=(), sensitivity=()))
    for words in ("From the original", "Not tried", "Sensitivity", "Not measured", "<details", "Warning"):
        assert words not in html
