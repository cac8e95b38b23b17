"""The table, the small tables and the words around them."""

from __future__ import annotations

import dataclasses

import pytest
from panel_records import CANDIDATES, FAILED, LOST, OPTIMIZED, forty, losses, optimized, without_winner
from profile_records import interval

from inferspeed_magic.panel import optimize_text, optimize_view
from inferspeed_magic.records import DataSplit, Goal, Interval, LayerSensitivity, PathStep, Prediction

NAN = float("nan")


def cells(view, key):
    """Give a column by the names of its rows."""
    place = [column.key for column in view.columns].index(key)
    return {row.name.partition("/")[2]: row.cells[place] for row in view.rows}


class TestTable:
    def test_the_fastest_come_first(self):
        numbers = [cell.number for cell in cells(optimize_view(forty()), "p50_ms").values()]
        assert len(numbers) == 40
        assert numbers == sorted(numbers)

    def test_marks(self):
        marks = {
            row.name.partition("/")[2]: [mark.kind for mark in row.marks] for row in optimize_view(optimized()).rows
        }
        assert marks["litert+static_int8"] == ["winner"]
        assert marks["keras.predict"] == ["original"]
        assert marks["litert+dynamic_int8"] == marks["litert+static_int8[entropy]"] == ["front"]
        assert marks["onnxruntime"] == []

    def test_what_became_of_each(self):
        found = {name: cell.text for name, cell in cells(optimize_view(optimized()), "rejected").items()}
        assert found["litert+static_int8"] == "chosen"
        assert found["keras.predict"] == "the original"
        assert found["litert"] == found["onnxruntime"] == "meets the goal"
        assert found["litert+static_int8[entropy]"] == LOST
        assert found["onnxruntime+dynamic_int8"].startswith("slower than the leader")

    def test_one_that_was_dropped_before_its_score_was_looked_at_does_not_meet_the_goal(self):
        dropped = tuple((way, p50, given | {"rejected": None}) for way, p50, given in CANDIDATES)
        found = cells(optimize_view(optimized(candidates=dropped)), "rejected")
        assert found["onnxruntime+dynamic_int8"].text == "accuracy not looked at"

    def test_scores_and_drops(self):
        view = optimize_view(optimized())
        drops = cells(view, "accuracy_drop")
        assert cells(view, "accuracy")["litert+static_int8"].text == "96.90%"
        winner = drops["litert+static_int8"]
        assert (winner.text, winner.detail, winner.remark) == (
            "0.50",
            "(0.20 to 0.80)",
            "held out: 0.45 (0.18 to 0.72)",
        )
        assert (drops["keras.predict"].text, drops["keras.predict"].detail) == ("0.00", "")
        assert drops["onnxruntime+dynamic_int8"].text == "-"

    def test_columns_that_would_be_empty_are_left_out(self):
        bare = tuple((way, p50, given | {"score": None, "file_mb": None}) for way, p50, given in CANDIDATES)
        keys = [column.key for column in optimize_view(optimized(candidates=bare, path=(), original=None)).columns]
        assert keys == ["candidate", "p50_ms", "speedup", "peak_memory_mb", "rejected"]
        rates = optimize_view(optimized(goal=Goal(target="throughput"))).columns
        assert "throughput_samples_per_s" in [column.key for column in rates]

    def test_a_long_metric_is_named_below_and_not_above_its_column(self):
        headers = [column.header for column in optimize_view(losses()).columns]
        assert headers[3:5] == ["score", "rise, %"]
        assert "score: mean_squared_error" in " ".join(optimize_view(losses()).footnotes)

    def test_colours_do_not_change_with_the_order(self):
        """Who is faster in the next run keeps its colour."""
        usual = optimized()
        faster = tuple(
            dataclasses.replace(one, summary=dataclasses.replace(one.summary, p50_ms=interval(0.001)))
            if one.way == "openvino"
            else one
            for one in usual.profile.results
        )
        again = dataclasses.replace(usual, profile=dataclasses.replace(usual.profile, results=faster))
        looks = [{row.name: row.identity for row in optimize_view(made).rows} for made in (usual, again)]
        assert looks[0] == looks[1]
        assert optimize_view(again).rows[0].name == "digits/openvino"

    def test_what_cannot_be_trusted_says_so(self):
        made = optimized()
        first, *others = made.profile.results
        doubtful = dataclasses.replace(
            first, summary=dataclasses.replace(first.summary, stable=False, warnings=("it has two modes",))
        )
        view = optimize_view(
            dataclasses.replace(made, profile=dataclasses.replace(made.profile, results=(doubtful, *others)))
        )
        assert [mark.text for mark in view.rows[-1].marks] == ["original", "not trustworthy"]
        assert any("two modes" in warning for warning in view.warnings)


class TestPath:
    def test_each_step_has_its_gain_and_what_is_left_of_the_score(self):
        path = optimize_view(optimized()).path
        assert path.title == "From the original to the winner"
        assert [column.header for column in path.columns] == ["step", "p50 ms", "gain", "accuracy", "drop, points"]
        assert [row[0].text for row in path.rows] == [
            "1. the model as it is, through keras.predict",
            "2. litert in place of keras.predict",
            "3. weights and activations in int8",
        ]
        assert [row[2].text for row in path.rows] == ["-", "1,180x", "1.50x"]

    def test_bars_join_and_fill_the_room(self):
        first, second, third = optimize_view(optimized()).path.bars
        assert first == (0.0, 0.0)
        assert second[0] == 0.0
        assert second[1] == third[0] == pytest.approx(0.945, abs=0.01)
        assert third[1] == 1.0

    def test_a_step_back_goes_back(self):
        """Int8 that is slower than float, and then a setting that makes up for it."""
        steps = tuple(
            PathStep(f"digits/{name}", name, interval(p50), gain and interval(gain))
            for name, p50, gain in (("a", 8.0, None), ("b", 1.0, 8.0), ("c", 2.0, 0.5))
        )
        path = optimize_view(optimized(path=steps, original="digits/a")).path
        assert path.bars == ((0.0, 0.0), (0.0, 1.0), pytest.approx((2 / 3, 1.0)))

    @pytest.mark.parametrize(
        ("gain", "remark"),
        [
            (Interval(1.1, 0.9, 1.3), "no difference seen"),
            (Interval(1.1, NAN, NAN), "too few samples"),
            (Interval(1.1, 1.05, 1.2), ""),
        ],
    )
    def test_a_gain_that_may_be_none_says_so(self, gain, remark):
        steps = (PathStep("digits/a", "a", interval(1.0)), PathStep("digits/b", "b", interval(0.9), gain))
        assert optimize_view(optimized(path=steps)).path.rows[1][2].remark == remark

    @pytest.mark.parametrize("p50_ms", [NAN, 0.0, float("inf")])
    def test_latencies_that_are_none_have_no_bars(self, p50_ms):
        steps = (PathStep("digits/a", "a", Interval(p50_ms, NAN, NAN)), PathStep("digits/b", "b", interval(0.9)))
        assert optimize_view(optimized(path=steps)).path.bars == ()


class TestLayers:
    def test_the_most_sensitive_first(self):
        layers = optimize_view(optimized(sensitivity=tuple(reversed(optimized().sensitivity)))).layers
        assert [row[0].text for row in layers.rows] == ["digits/conv2d", "digits/dense_1", "digits/conv2d_1"]
        assert [column.header for column in layers.columns] == ["layer", "error", "µs in float", "kept in float"]
        assert [row[-1].text for row in layers.rows] == ["yes", "", ""]
        assert layers.bars[0] == (0.0, 1.0)

    def test_absent_where_nobody_looked(self):
        assert optimize_view(optimized(sensitivity=())).layers.rows == ()
        assert "Sensitivity" not in optimize_text(optimize_view(optimized(sensitivity=())))

    def test_very_many(self):
        many = tuple(LayerSensitivity(f"layer_{place}", place / 1000) for place in range(100))
        layers = optimize_view(optimized(sensitivity=many)).layers
        assert len(layers.rows) == 30
        assert layers.rows[0][0].text == "layer_99"
        assert "30 most sensitive of 100" in layers.title

    def test_errors_that_are_no_numbers_come_last(self):
        odd = (LayerSensitivity("a", NAN), LayerSensitivity("b", 0.5), LayerSensitivity("c", 0.0))
        layers = optimize_view(optimized(sensitivity=odd)).layers
        assert [row[0].text for row in layers.rows] == ["b", "c", "a"]
        assert layers.bars == ((0.0, 1.0), (0.0, 0.0), (0.0, 0.0))


class TestPredictions:
    EXPECTED = (
        Prediction("digits/litert+static_int8", "99% is arithmetic", Interval(2.0, 1.5, 2.7), interval(1.5, 0.01)),
        Prediction("digits/onnxruntime+dynamic_int8", "no fast kernels", None, interval(0.2, 0.01)),
        Prediction("digits/litert+float16", "computed with in float32", Interval(1.0, 1.0, 1.0)),
    )

    def test_expected_and_measured_stand_side_by_side(self):
        sheet = optimize_view(optimized(predictions=self.EXPECTED)).predictions
        assert [column.header for column in sheet.columns] == ["candidate", "expected", "measured", "because"]
        assert [[cell.text for cell in row] for row in sheet.rows] == [
            ["litert+static_int8", "2.00x", "1.50x", "99% is arithmetic"],
            ["onnxruntime+dynamic_int8", "slower", "0.200x", "no fast kernels"],
            ["litert+float16", "1.00x", "-", "computed with in float32"],
        ]
        assert [row[1].detail for row in sheet.rows] == ["(1.50-2.70)", "", ""]
        assert "because" in optimize_text(optimize_view(optimized(predictions=self.EXPECTED)))

    def test_absent_where_nothing_was_foretold(self):
        assert optimize_view(optimized()).predictions.rows == ()


class TestWords:
    def test_doubts_about_the_whole_are_alerts(self):
        view = optimize_view(optimized(warnings=("outputs look\nuntrained",)))
        assert view.alerts == ("outputs look untrained",)
        assert "Warning: outputs look untrained" in optimize_text(view)

    def test_failures_and_what_was_left_out_have_their_reasons(self):
        view = optimize_view(optimized(*FAILED))
        assert [each.names for each in view.failures] == [("litert+static_int8[reduced]",), ("tvm",)]
        assert view.left_out[0].reason.startswith("AVX2")
        text = optimize_text(view)
        assert "litert+static_int8[reduced] - crashed: the converter died of SIGSEGV" in text
        assert "  litert+int16x8: AVX2 has no products" in text

    def test_the_data_is_explained(self):
        notes = " ".join(optimize_view(optimized()).notes)
        assert "200 to find ranges (calibration), 2,000 to choose with (selection), 3,000 to verify" in notes
        assert "accuracy, higher is better" in notes
        assert "A drop below 0.3 percentage points cannot be told from none with 2,000 selection samples." in notes
        made_up = " ".join(optimize_view(optimized(split=DataSplit(50, 100, 0, given=False))).notes)
        assert "made up" in made_up
        assert "cannot be told" not in made_up

    def test_names_keep_the_model_only_where_there_are_several(self):
        made = optimized()
        first, *others = made.profile.results
        other = dataclasses.replace(first, model="other")
        both = dataclasses.replace(made, profile=dataclasses.replace(made.profile, results=(first, other, *others)))
        assert "digits/litert" in {cell.text for cell in cells(optimize_view(both), "candidate").values()}
        assert "litert" in {cell.text for cell in cells(optimize_view(made), "candidate").values()}

    @pytest.mark.parametrize("name", OPTIMIZED)
    def test_every_record_has_its_text(self, name):
        text = optimize_text(optimize_view(OPTIMIZED[name]()))
        assert text.isprintable() or "\n" in text
        assert "nan" not in text.lower().replace("nanosecond", "")
        assert all(line == line.rstrip() for line in text.splitlines())

    def test_what_was_not_chosen_is_listed_by_reason(self):
        text = optimize_text(optimize_view(without_winner()))
        # Once for the closest, once for all.
        assert " ".join(text.split()).count("more than the 90 MB allowed") == 2
