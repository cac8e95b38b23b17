"""The panel of ``explain`` as HTML."""

from __future__ import annotations

import re

import pytest
from explanation_records import EXPLAINED, count_only, hostile, long, one, two
from profile_records import SCRIPT
from test_profile_html import ALLOWED, Page

from inferspeed_magic.panel import explain_html, explain_view
from inferspeed_magic.panel.explain_bars import share_bar, stacked
from inferspeed_magic.panel.explain_parts import LOOKS, Segment
from inferspeed_magic.panel.parts import NO_FORMULAS

KEPT = ALLOWED | {"code"}
WIDTHS = r"width:([\d.]+)%"


def html_of(made):
    return explain_html(explain_view(made))


@pytest.mark.parametrize(
    "made", [*(make() for make in EXPLAINED.values()), hostile(SCRIPT)], ids=[*EXPLAINED, "hostile"]
)
def test_only_balanced_tags_that_sanitizers_keep(made):
    html = html_of(made)
    drawn = Page(html.replace("<wbr>", ""))
    assert {tag for tag, _ in drawn.tags} <= KEPT
    assert {name for _, attrs in drawn.tags for name in attrs} <= {"style", "scope", "title", "class", "aria-hidden"}
    assert not re.search(r"https?:|url\(|@import", html)


@pytest.mark.parametrize("word", [SCRIPT, "\"'><img src=x onerror=alert(1)>", "x" * 300, "$x$ \\(y\\)"])
def test_nobody_writes_our_html(word):
    html = html_of(hostile(word))
    assert "<script" not in html
    assert "<img" not in html
    assert word in Page(html.replace("<wbr>", "")).text
    assert f'class="inferspeed-panel {NO_FORMULAS}"' in html


def test_it_says_all_that_the_view_says():
    view = explain_view(two())
    shown = Page(explain_html(view)).text
    said = [*view.headline, view.title, view.machine, *view.origins, *view.notes, *view.footnotes, view.layers.title]
    said += [cell for row in view.layers.rows for each in row.cells for cell in (each.text, each.detail, each.remark)]
    sheets = [view.paths.sheet, *(each.sheet for each in view.waterfalls), view.longest, view.fits]
    sheets += [view.counterfactuals, view.operators, view.overheads, view.ceilings]
    sheets += [card.evidence for card in view.cards]
    said += [words for sheet in sheets for row in sheet.rows for cell in row for words in (cell.text, cell.detail)]
    said += [words for each in view.structures for row in each.short for words in (row.words, row.told, row.takes)]
    for card in view.cards:
        said += [card.sentence, card.advice, card.confidence, card.expected, card.measured, card.cause]
        said += [] if card.measured else [card.verify]
    assert [words for words in said if words and words not in shown] == []


def test_what_comes_first_is_read_first():
    html = html_of(two())
    order = [
        "On keras.predict deep takes",
        "What was found",
        "<strong>1. ",
        "<strong>4. ",
        "The models",
        "What a call is made of",
    ]
    order += [
        "From deep to wide",
        "The 10 layers",
        "layers, the slowest",
        "from its input",
        "What if",
        "over batch size",
    ]
    order += ["Operators that ran", "What looking inside costs", "The machine", "params: parameters"]
    places = [html.index(words) for words in order]
    assert places == sorted(places)


def test_tables_are_semantic():
    drawn = Page(html_of(two()))
    assert drawn.count("th") == drawn.count("th", scope="col") + drawn.count("th", scope="row")
    assert drawn.count("tr") - drawn.count("thead") == drawn.count("th", scope="row")


def test_a_gain_that_was_not_measured_says_how_to_measure_it():
    html = html_of(two())
    assert "not yet: run <code>report.findings[3].verify()</code>" in html
    assert "report.findings[0]" not in html  # that one was
    assert "report.findings[1]" not in html  # nothing to run


def test_many_findings_are_folded_behind_the_first_few():
    made = one(findings=two().findings * 3)
    assert "6 more findings" in html_of(made)


def test_very_many_layers_are_folded():
    html = html_of(long())
    assert "102 more layers" in html
    assert html.count("<tr>") < 302 + 2 * 80 + 150


def test_what_is_empty_is_absent():
    html = html_of(count_only())
    for words in ("What was found", "What a call", "What if", "over batch size", "Operators that ran", "ceilings"):
        assert words not in html


class TestBars:
    def test_pieces_have_their_lengths_and_gaps(self):
        html = stacked((Segment(0.1, 0.3, "python"), Segment(0.5, 0.6, "compute")))
        assert re.findall(WIDTHS, html) == ["20.00", "10.00"]
        assert re.findall(r"margin-left:([\d.]+)%", html) == ["10.00", "20.00"]

    def test_parts_are_told_apart_and_none_looks_like_what_is_not_split(self):
        fills = {
            re.search(r"background:([^;\"]+)", stacked((Segment(0, 1, part),)))[1] for part in (*LOOKS, "not split")
        }
        assert len(fills) == len(LOOKS) + 1

    @pytest.mark.parametrize(("share", "width"), [(0.25, "25.0"), (7.0, "100.0"), (-1.0, "0.0")])
    def test_shares_stay_in_their_room(self, share, width):
        assert re.findall(WIDTHS, share_bar(share)) == [width]
