"""A model's structure: rows in the order of execution, what feeds them, and what is said of each."""

from __future__ import annotations

import json

from explanation_records import branched, count_only, long, one, two

from inferspeed_magic.panel import explain_text, explain_view
from inferspeed_magic.panel.explain_html import explain_html
from inferspeed_magic.records.json_form import from_json, to_json


def rows_of(made):
    (structure,) = explain_view(made).structures
    return {row.words: row for row in structure.rows}, structure


def test_a_branch_is_drawn_and_said():
    rows, structure = rows_of(branched(conv2d_2=["re_lu_1", "re_lu_0"]))
    places = {words: place for place, words in enumerate(rows)}
    row = rows["conv2d_2"]
    assert row.feeds == (places["re_lu_0"], places["re_lu_1"])
    assert row.takes == "takes re_lu_0 and re_lu_1"
    assert rows["re_lu_2"].takes == ""
    assert structure.lanes == 2
    assert {rows[name].lane for name in ("re_lu_0", "conv2d_2")} == {0}
    assert rows["conv2d_1"].lane == 1


def test_the_input_is_a_row_of_its_own():
    rows, structure = rows_of(branched(dense=["flatten", "(input)"]))
    assert structure.rows[0].words == "(input)"
    assert structure.rows[0].heat == 0
    assert rows["dense"].feeds[0] == 0


def test_a_layer_that_is_called_again_is_fed_from_below_in_words_alone():
    rows, structure = rows_of(branched(re_lu_0=["batch_normalization_0", "conv2d_2"]))
    assert rows["re_lu_0"].takes == "takes batch_normalization_0 and conv2d_2"
    assert rows["re_lu_0"].feeds == (2,)
    for place, row in enumerate(structure.rows):
        assert all(feed < place for feed in row.feeds)


def test_a_report_that_knows_no_edges_draws_none():
    (structure,) = explain_view(one()).structures
    assert structure.lanes == 1
    assert not any(row.feeds or row.takes for row in structure.rows)
    assert [row.words for row in structure.rows][:3] == ["conv2d_0", "batch_normalization_0", "re_lu_0"]


def test_each_row_says_kind_shape_time_and_bound():
    rows, _ = rows_of(branched())
    told = rows["conv2d_1"].told
    assert told.startswith("Conv2D, output 28 x 28 x 10, ")
    assert " µs (" in told
    assert "held back by " in told
    assert told.endswith("of its ceiling")
    assert rows["re_lu_1"].told.endswith("fused into conv2d_1")
    assert rows["re_lu_1"].heat == 0


def test_colours_say_what_they_are_of():
    assert explain_view(two()).structures[0].title == "deep, from its input to its output, coloured by time"
    assert explain_view(count_only()).structures[0].title.endswith("coloured by operations")
    for structure in explain_view(two()).structures:
        assert max(row.heat for row in structure.rows) == 1.0


def test_all_layers_are_there_and_few_where_nothing_scrolls():
    (many,) = explain_view(long()).structures
    assert len(many.rows) == 302
    kept = [row for row in many.short if not row.words.startswith("…")]
    gaps = [row for row in many.short if row.words.startswith("…")]
    assert len(kept) == 80
    assert sum(int(row.words.split()[1]) for row in gaps) == 302 - 80


def test_without_a_script_branches_are_words():
    html = explain_html(explain_view(branched(conv2d_2=["re_lu_1", "re_lu_0"])))
    assert "takes re_lu_0 and re_lu_1" in html
    assert "output 28 x 28 x 10" in html


def test_sentences_of_findings_are_said_once():
    for made in (one(), two()):
        view = explain_view(made)
        text = " ".join(explain_text(view).split())
        html = explain_html(view)
        for card in view.cards:
            assert text.count(card.sentence[:60]) == 1
            assert html.count(card.sentence[:30]) == 1


def test_edges_are_saved_and_a_report_of_before_has_none():
    made = branched()
    text = to_json(made)
    assert from_json(text).counts == made.counts
    data = json.loads(text)
    for layer in data["counts"][0]["layers"]:
        del layer["inputs"]
    old = from_json(json.dumps(data))
    assert {layer.inputs for layer in old.counts[0].layers} == {()}
    assert explain_view(old).structures[0].lanes == 1
