"""What the panel of ``explain`` says: findings, calls taken apart, layers, and plain text."""

from __future__ import annotations

import dataclasses
import math
import re

import pytest
from explanation_records import (
    CEILINGS,
    EXPLAINED,
    NAN,
    count_only,
    interrupted,
    long,
    one,
    three,
    two,
    uncounted,
    without_intervals,
)
from profile_records import failed, interval

from inferspeed_magic.panel import explain_text, explain_view
from inferspeed_magic.panel.explain_layers import layers_of, work_of
from inferspeed_magic.panel.explain_numbers import amount, compared_words, confidence_words, gain_words, percent
from inferspeed_magic.records import CallPath, Interval, LayerTime
from inferspeed_magic.records.ceilings import Bandwidth


def column(table, key):
    place = [each.key for each in table.columns].index(key)
    return [row.cells[place] if hasattr(row, "cells") else row[place] for row in table.rows]


class TestFindings:
    def test_the_headline_says_what_the_models_take(self):
        (said,) = explain_view(two()).headline
        assert said.startswith("On keras.predict deep takes 61.2 ms (60.0-62.4) and wide takes 60.1 ms (58.9-61.3). ")
        assert re.search(r"Fastest: deep [\d.]+ ms on \S+ and wide [\d.]+ ms on \S+\.$", said)
        bare = one(findings=(), layers=(), call_paths=())
        (_, said) = explain_view(bare).headline
        assert said.startswith("On keras.predict deep takes 61.2 ms")

    def test_each_has_its_number_confidence_and_place_in_the_report(self):
        cards = explain_view(two()).cards
        assert [card.number for card in cards] == [1, 2, 3, 4]
        assert [card.confidence for card in cards] == [
            "very sure (95%)",
            "fairly sure (70%)",
            "fairly sure (80%)",
            "not sure (50%)",
        ]
        assert [card.verify for card in cards] == [
            "report.findings[0].verify()",
            "",
            "",
            "report.findings[3].verify()",
        ]

    def test_sentences_begin_and_end_as_sentences_and_names_stay(self):
        cards = explain_view(two()).cards
        assert cards[1].sentence.startswith("onnxruntime runs")  # a name
        assert cards[2].sentence.startswith("deep has")  # a name
        assert cards[1].advice.startswith("Fewer and wider")
        assert all(card.sentence.endswith(".") and card.advice.endswith(".") for card in cards)

    def test_evidence_has_units_intervals_and_where_it_was_seen(self):
        first, second, third, _ = explain_view(two()).cards
        assert first.evidence_words[0] == "one call of keras.predict 61.2 ms (60.0-62.4)"
        assert second.evidence_words == ("operators 41", "cost of starting one 1.90 µs", "sum 0.0780 ms")
        assert column(third.evidence, "rows")[1].text == "conv2d_0, conv2d_1, conv2d_2 and 6 more"

    def test_what_was_measured_stands_beside_what_was_expected(self):
        first, second, *_ = explain_view(two()).cards
        assert first.expected == "158x (153-163)"
        assert first.measured == "155x (152-158), as expected"
        assert second.expected == second.measured == ""

    @pytest.mark.parametrize(
        ("measured", "words"),
        [
            ((2.0, 1.9, 2.1), "as expected"),
            ((2.3, 2.2, 2.4), "as expected"),
            ((1.1, 1.0, 1.2), "less than"),
            ((4.0, 3.9, 4.1), "more than"),
        ],
    )
    def test_whether_it_was_as_expected(self, measured, words):
        assert compared_words(Interval(2.05, 2.0, 2.5), Interval(*measured)).startswith(words)

    def test_nothing_found_is_said(self):
        view = explain_view(two(findings=()))
        assert view.headline[0].startswith("Nothing stands out")
        assert view.cards == ()

    def test_what_could_not_be_measured_is_no_reason_to_say_that_nothing_stands_out(self):
        made = count_only()
        lost = dataclasses.replace(made.profile, results=(failed("deep/litert", reason="no disk"),))
        assert explain_view(dataclasses.replace(made, profile=lost)).headline[0].startswith("Nothing could be measured")

    def test_what_was_only_counted_does_not_claim_that_nothing_stands_out(self):
        assert explain_view(count_only()).headline == (
            "Counted, and not measured: what the layers have to do, not what they take.",
        )


class TestCalls:
    def test_ways_stand_together_and_bars_of_a_way_share_a_scale(self):
        paths = explain_view(two()).paths
        assert [cell.text for cell in column(paths.sheet, "way")][:3] == [
            "keras.predict",
            "keras.predict",
            "keras.call",
        ]
        ends = [bar[-1].end for bar in paths.bars]
        assert ends[0] == pytest.approx(1.0)
        assert ends[1] == pytest.approx(60.1 / 61.2)
        assert ends[3] == pytest.approx(8.3 / 24.8)

    def test_bars_have_their_parts_in_order_without_holes(self):
        for bar in explain_view(two()).paths.bars:
            assert [segment.begin for segment in bar[1:]] == [segment.end for segment in bar[:-1]]
        assert [segment.part for segment in explain_view(two()).paths.bars[0]] == ["python", "dispatch", "compute"]

    def test_what_was_not_split_is_said_to_be(self):
        path = CallPath("deep", "litert", interval(2.0), (("compute", 1.5),))
        (bar,) = explain_view(one(call_paths=(path,))).paths.bars
        assert [(segment.part, segment.end) for segment in bar] == [("compute", 0.75), ("not split", 1.0)]
        bare = dataclasses.replace(path, parts=())
        assert [segment.part for segment in explain_view(one(call_paths=(bare,))).paths.bars[0]] == ["not split"]

    @pytest.mark.parametrize("parts", [(), (("compute", 0.1),), (("python", 3.0), ("transfer", 0.5), ("compute", 9.0))])
    def test_a_waterfall_adds_up(self, parts):
        """Whatever was split, the steps lead from the one latency to the other."""
        paths = (
            CallPath("deep", "keras.predict", interval(61.0), (("python", 56.0), ("dispatch", 3.0), ("compute", 2.0))),
            CallPath("wide", "keras.predict", interval(12.5), parts),
        )
        (fall,) = explain_view(two(call_paths=paths)).waterfalls
        changes = [cell.number for cell in column(fall.sheet, "change")]
        assert sum(changes[1:-1]) == pytest.approx(12.5 - 61.0)
        assert changes[-1] == pytest.approx(12.5 - 61.0)
        place = fall.bars[0][0].end
        whole = 61.0 / place
        for segment, change in zip([bar[0] for bar in fall.bars[1:-1]], changes[1:-1], strict=True):
            assert place in (pytest.approx(segment.begin), pytest.approx(segment.end))
            place += change / whole
            assert place in (pytest.approx(segment.begin), pytest.approx(segment.end))
        assert fall.bars[-1][0].end == pytest.approx(12.5 / whole)

    def test_a_waterfall_ends_in_intervals(self):
        (fall,) = explain_view(two()).waterfalls
        first, *between, last = fall.spans
        assert between == [None] * len(between)
        assert first[1] == pytest.approx(1.0)
        for span, bar in ((first, fall.bars[0]), (last, fall.bars[-1])):
            assert 0 < span[0] < bar[-1].end < span[1] <= 1
        change = column(fall.sheet, "change")[-1]
        assert change.text == "-1.10"
        assert change.low < change.number < change.high
        assert change.high > 0  # the two are not told apart
        assert change.detail == "(-2.82 to +0.62)"
        text = explain_text(explain_view(two()))
        assert "(-2.82 to +0.62)" in text

    def test_without_intervals_a_waterfall_has_none(self):
        (fall,) = explain_view(without_intervals()).waterfalls
        assert fall.spans == (None,) * len(fall.bars)
        assert column(fall.sheet, "change")[-1].detail == ""

    def test_there_is_one_for_each_other_model_on_the_way_users_call_it(self):
        titles = [fall.sheet.title for fall in explain_view(three()).waterfalls]
        assert titles == ["From deep to wide on keras.predict", "From deep to head on keras.predict"]
        assert explain_view(one()).waterfalls == ()

    def test_models_that_share_no_way_have_none(self):
        paths = (
            CallPath("deep", "litert", interval(1.0), ()),
            CallPath("wide", "openvino", interval(1.0), ()),
        )
        assert explain_view(two(call_paths=paths)).waterfalls == ()


class TestLayers:
    def test_those_that_take_longest_come_first(self):
        table = explain_view(two()).layers
        times = [cell.number for cell in column(table, "time_us_onnxruntime") if cell.number is not None]
        assert len(times) > 20
        assert times == sorted(times, reverse=True)

    def test_shares_are_of_the_own_model(self):
        table = explain_view(two()).layers
        for model in ("deep", "wide"):
            shares = [row.share for row in table.rows if row.model == model and math.isfinite(row.share)]
            assert sum(shares) == pytest.approx(1.0)

    def test_what_is_fused_says_where_its_time_is(self):
        table = explain_view(one()).layers
        words = dict(
            zip([c.text for c in column(table, "layer")], [c.text for c in column(table, "held_back_by")], strict=True)
        )
        assert words["re_lu_4"] == "fused into conv2d_4"
        assert words["dense"] == "memory (L3)"

    def test_the_ten_that_take_longest(self):
        longest = explain_view(two()).longest
        assert longest.title == "The 10 layers that take longest"
        assert [each.header for each in longest.columns] == [
            *("layer", "model", "FLOP", "moved", "time µs", "share", "held back by", "of ceiling")
        ]
        assert explain_view(count_only()).longest.title == "The 10 layers that have most operations"

    def test_very_many_are_folded_and_none_is_lost(self):
        table = explain_view(long()).layers
        assert (len(table.rows), len(table.rest)) == (200, 102)
        assert "302 layers" in table.title
        least = min(row.share for row in table.rows if math.isfinite(row.share))
        assert all(not row.share > least for row in table.rest)

    def test_a_second_runtime_has_a_column_of_its_own(self):
        made = one()
        other = LayerTime("deep", "conv2d_1", "openvino", 5.0, 4.0, 6.0)
        table = explain_view(dataclasses.replace(made, layers=(*made.layers, other))).layers
        assert [each.header for each in table.columns if "µs" in each.header] == ["onnxruntime µs", "openvino µs"]
        assert sum(cell.text == "5.00" for cell in column(table, "time_us_openvino")) == 1
        # Shares and bounds stay those of the one that was looked into first.
        assert sum(row.share for row in table.rows if math.isfinite(row.share)) == pytest.approx(1.0)

    def test_layers_without_a_count_keep_their_time(self):
        view = explain_view(uncounted())
        assert {row.model for row in view.layers.rows} == {"deep", "wide"}
        assert "-" in [cell.text for cell in column(view, "params")]
        assert any("could not be counted" in note for note in view.notes)

    def test_operators_of_no_layer_have_a_name(self):
        made = one()
        view = explain_view(
            dataclasses.replace(made, layers=(*made.layers, LayerTime("deep", "", "onnxruntime", 3, 2, 4)))
        )
        assert "(operators of no layer)" in [cell.text for cell in column(view.layers, "layer")]

    def test_a_fused_operator_moves_nothing_between_its_layers(self):
        layers = layers_of(one())["deep"]
        by_name = {layer.name: layer for layer in layers}
        head, norm, act = (by_name[name] for name in ("conv2d_4", "batch_normalization_4", "re_lu_4"))
        work = work_of(head, layers)
        assert work.flops == sum(each.count.flops for each in (head, norm, act))
        apart = sum(each.count.bytes_read + each.count.bytes_written for each in (head, norm, act))
        expected = head.count.bytes_read + norm.count.weight_bytes + act.count.bytes_written
        assert work.moved_bytes == expected < apart


class TestWords:
    @pytest.mark.parametrize("name", EXPLAINED)
    def test_every_record_has_its_text(self, name):
        text = explain_text(explain_view(EXPLAINED[name]()))
        assert text.isprintable() or "\n" in text
        assert not re.search(r"\b(nan|inf)\b", text, re.IGNORECASE)
        assert all(line == line.rstrip() for line in text.splitlines())

    def test_it_reads_as_a_report(self):
        text = explain_text(explain_view(two()))
        order = [
            "On keras.predict deep takes",
            "What was found:",
            "  1. ",
            "Confidence: very",
        ]
        order += [
            "What to do: Call it",
            "Expected gain: 158x (153-163); measured: 155x",
            "  2. ",
            "  4. ",
            "Verify it:",
        ]
        order += ["Models:", "Latency of a call", "From deep to wide", "The 10 layers", "Latency over batch size"]
        order += ["What if", "ceilings"]
        places = [text.index(words) for words in order]
        assert places == sorted(places)

    def test_a_line_for_each_model_says_how_its_calls_are_split(self):
        text = " ".join(explain_text(explain_view(two())).split())
        assert (
            "wide: keras.predict 60.1 ms (58.9-61.3) = python 92%, dispatch 5.0% and compute 3.0%; keras.call" in text
        )

    def test_partial_results_say_so(self):
        view = explain_view(interrupted())
        assert view.interrupted.startswith("Interrupted")
        assert view.headline == ()
        assert explain_text(view).startswith("Interrupted")

    def test_what_was_not_measured_has_its_reason(self):
        made = one()
        profile = dataclasses.replace(
            made.profile, results=(*made.profile.results, failed("deep/tvm", reason="no LLVM"))
        )
        text = explain_text(explain_view(dataclasses.replace(made, profile=profile)))
        assert "Not measured:" in text
        assert "no LLVM" in text

    def test_numbers_without_intervals_have_none(self):
        text = explain_text(explain_view(without_intervals()))
        assert "keras.predict 61.2 ms =" in text
        assert "too few samples" in text
        assert "not known how sure" in text

    def test_each_level_of_memory_has_one_row(self):
        more = dataclasses.replace(CEILINGS, bandwidths=(*CEILINGS.bandwidths, Bandwidth(2**29, 12.5, "memory")))
        sheet = explain_view(one(ceilings=more)).ceilings
        rows = [[cell.text + cell.detail for cell in row] for row in sheet.rows if row[0].text == "reading"]
        assert len(rows) == 4
        assert rows[-1] == ["reading", "13.0 GB/s(12.5-13.5)", "memory, working sets up to 537 MB"]

    def test_counterfactuals_say_what_their_ratio_means(self):
        sheet = explain_view(one()).counterfactuals
        assert [cell.text for cell in column(sheet, "words")] == ["no difference seen", "1.92x faster", "1.11x faster"]

    def test_models_and_machine_are_in_the_title(self):
        assert explain_view(two()).title == "Where the time of deep and wide goes, cpu, 2 threads, batch 1"
        assert explain_view(count_only()).title == "What deep and wide have to do, batch 1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (512, "512"),
        (999.9, "1.00 k"),
        (34_300, "34.3 k"),
        (4_050_000, "4.05 M"),
        (7.8e9, "7.80 G"),
        (NAN, "-"),
    ],
)
def test_amounts(value, text):
    assert amount(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0%"), (0.0004, "<0.1%"), (0.032, "3.2%"), (0.854, "85%"), (NAN, "-")]
)
def test_shares(share, text):
    assert percent(share) == text


def test_certainty_and_gains():
    assert [confidence_words(each).partition(" (")[0] for each in (0.9, 0.7, 0.5, 0.2)] == [
        *("very sure", "fairly sure", "not sure", "a guess")
    ]
    assert gain_words(Interval(1.1, 0.9, 1.3)).endswith("perhaps none")
    assert gain_words(Interval(0.88, 0.78, 0.99)).endswith("slower")
    assert gain_words(None) == gain_words(Interval(NAN, NAN, NAN)) == ""
