"""The panel as HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from profile_records import SCRIPT, baseline, failed, record, result, usual

from inferspeed_magic.panel import profile_html, profile_view

VOID = {"br", "meta"}
ALLOWED = {
    *("div", "p", "strong", "small", "details", "summary", "span", "br", "ul", "li"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}


class Page(HTMLParser):
    """Reads a page, and fails where tags are not balanced."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def count(self, tag, **wanted):
        return sum(name == tag and wanted.items() <= attrs.items() for name, attrs in self.tags)


def page(*results, **changes):
    return Page(profile_html(profile_view(record(*results, **changes))))


def hostile():
    name = f"{SCRIPT}/\"'&<img src=x onerror=alert(2)>"
    return record(
        result(name, summary={"stable": False, "warnings": (f'" onmouseover="x {SCRIPT}',)}, notes=(SCRIPT,)),
        result("deep/litert", batch_size=8, device=SCRIPT, precision=SCRIPT, technique=SCRIPT),
        failed(name, "failed", f"</td></table>{SCRIPT}", batch_size=8),
        baseline=name,
        notes=(SCRIPT,),
        interrupted=True,
    )


@pytest.mark.parametrize("made", [usual(), hostile(), record(), record(failed()), record(result(), baseline=None)])
def test_only_balanced_tags_that_sanitizers_keep(made):
    html = profile_html(profile_view(made))
    drawn = Page(html)
    assert {tag for tag, _ in drawn.tags} <= ALLOWED
    assert {name for _, attrs in drawn.tags for name in attrs} <= {"style", "scope", "title", "class", "aria-hidden"}
    assert not re.search(r"https?:|url\(|@import", html)


def test_tables_are_semantic():
    drawn = Page(profile_html(profile_view(usual())))
    assert (drawn.count("table"), drawn.count("caption"), drawn.count("thead"), drawn.count("tbody")) == (3, 2, 3, 3)
    assert (drawn.count("details"), drawn.count("summary")) == (1, 1)  # the third table has its title there
    # 8 columns of latencies, 2 + 6 of costs, 3 of failures; 5 candidates in two tables, 2 failures.
    assert drawn.count("th", scope="col") == 8 + 8 + 3
    assert drawn.count("th", scope="row") == 5 + 5 + 2
    assert drawn.count("th") == drawn.count("th", scope="col") + drawn.count("th", scope="row")


def test_it_says_all_that_the_view_says():
    view = profile_view(usual(interrupted=True, notes=("Inputs were made up.",)))
    shown = Page(profile_html(view)).text
    said = [view.interrupted, *view.headline, view.machine, view.title, view.cost_title]
    said += [*view.warnings, *view.notes, *view.footnotes]
    said += [words for failure in view.failures for words in (*failure.names, failure.status, failure.reason)]
    said += [words for row in view.rows for cell in row.cells for words in (cell.text, cell.detail, cell.remark)]
    said += [mark.text for row in view.rows for mark in row.marks]
    assert [words for words in said if words not in shown] == []


def test_names_and_reasons_do_nothing():
    html = profile_html(profile_view(hostile()))
    assert "<script" not in html
    assert "<img" not in html
    assert SCRIPT in Page(html).text


def test_colours_come_from_the_surroundings():
    tags = Page(profile_html(profile_view(hostile()))).tags
    # Markers have colours that are seen on light and on dark (test_identity.py).
    styles = " ".join(attrs.get("style") or "" for _, attrs in tags if attrs.get("class") != "inferspeed-marker")
    assert not re.search(r"(?<!-)color:|background|#[0-9a-f]{3}", styles)


def test_numbers_line_up():
    html = profile_html(profile_view(usual()))
    assert "tabular-nums" in html
    # The baseline's missing interval leaves room for those of the others.
    assert re.search(r"1\.00x <small style=\"[^\"]*min-width[^\"]*\">&nbsp;</small>", html)


def test_the_fastest_stands_out_and_doubts_have_their_reason_at_hand():
    html = profile_html(profile_view(usual()))
    assert "<strong>0.0931</strong>" in html
    assert 'title="latency has two modes' in html


def test_nothing_measured():
    assert page().count("table") == 0
    only_failures = page(failed())
    assert only_failures.count("table") == 1
    assert "Nothing was measured: the reasons are below." in only_failures.text


def test_no_difference_seen():
    assert "no difference seen" in page(baseline(), result("deep/keras.call", 105.0, 1.02)).text
