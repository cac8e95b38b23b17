"""The Pareto chart as a picture."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from panel_records import CANDIDATES, OPTIMIZED, accuracy, forty, losses, optimized
from PIL import Image, ImageColor

from inferspeed_magic.panel import optimize_charts, optimize_picture, optimize_picture_words, optimize_view

NAN = float("nan")
# Left of it is the chart, right of it the names.
MIDDLE = 630


class Picture:
    """A picture of a record, and where its colours are."""

    def __init__(self, made):
        self.view, self.charts = optimize_view(made), optimize_charts(made)
        self.png = optimize_picture(self.view, self.charts)
        self.words = optimize_picture_words(self.view, self.charts)
        self.pixels = np.asarray(Image.open(io.BytesIO(self.png)).convert("RGB")) if self.png else None

    def where(self, way, *, chart=True):
        """Give the middle row and column of a candidate's colour, and how often it is there."""
        row = next(row for row in self.view.rows if row.name == f"digits/{way}")
        half = self.pixels[:, :MIDDLE] if chart else self.pixels[:, MIDDLE:]
        found = np.nonzero((half == ImageColor.getrgb(row.identity.light)).all(axis=2))
        return np.median(found[0]), np.median(found[1]), len(found[0])


def few(*ways, **changes):
    """Some of the usual candidates; of eight at most no two have the same colour."""
    return optimized(candidates=tuple(each for each in CANDIDATES if each[0] in ways), **changes)


def test_faster_is_left_and_better_is_up():
    drawn = Picture(few("keras.predict", "litert", "litert+static_int8"))
    (row_slow, slow, _), (row_float, plain, _), (row_int8, quick, _) = (
        drawn.where(way) for way in ("keras.predict", "litert", "litert+static_int8")
    )
    assert quick < plain < slow
    assert row_int8 > row_float == pytest.approx(row_slow, abs=2)


def test_the_winner_is_larger():
    sizes = [
        Picture(few("keras.predict", "litert", "litert+static_int8", best=best)).where("litert+static_int8")[2]
        for best in (None, "digits/litert+static_int8")
    ]
    assert sizes[1] > 1.3 * sizes[0]


def test_a_lower_loss_is_lower():
    drawn = Picture(losses())
    assert drawn.where("litert+static_int8")[0] < drawn.where("litert+dynamic_int8")[0]


def test_those_that_were_not_chosen_are_hollow():
    full = Picture(few("litert", "litert+static_int8", "onnxruntime"))
    made = few("litert", "litert+static_int8", "onnxruntime")
    results = tuple(
        dataclasses.replace(one, rejected="too slow") if one.way == "onnxruntime" else one
        for one in made.profile.results
    )
    hollow = Picture(dataclasses.replace(made, profile=dataclasses.replace(made.profile, results=results)))
    for chart in (True, False):
        assert 10 < hollow.where("onnxruntime", chart=chart)[2] < 0.8 * full.where("onnxruntime", chart=chart)[2]


@pytest.mark.parametrize("name", OPTIMIZED)
def test_every_record(name):
    drawn = Picture(OPTIMIZED[name]())
    if name == "nothing":
        assert drawn.png == b""
        assert drawn.words == ""
        return
    assert drawn.pixels.shape[1] == 1000
    assert len(drawn.png) < 45_000
    assert " against p50 latency. " in drawn.words


def test_without_scores_there_is_none():
    bare = tuple((way, p50, given | {"score": None}) for way, p50, given in CANDIDATES)
    assert Picture(optimized(candidates=bare, path=())).png == b""


def test_forty_are_named_as_far_as_there_is_room():
    words = Picture(forty()).words
    assert words.count(";") == 8
    assert words.endswith(" more.")


def test_words_name_the_winner_first():
    words = Picture(optimized()).words
    assert words.startswith(
        "accuracy (%) against p50 latency. litert+static_int8 (winner) 0.0620 ms, score 96.9; keras.predict (original)"
    )
    assert "or worse" in words or "more" in words


@pytest.mark.parametrize("value", [NAN, float("inf"), 0.0, -1.0, 1e300])
def test_any_number_can_be_drawn(value):
    odd = dataclasses.replace(accuracy(0.001), value=value)
    made = few("litert", "litert+static_int8", "onnxruntime")
    first, *others = made.profile.results
    for changes in (
        {"selection": odd},
        {"selection": dataclasses.replace(accuracy(0.001), drop=dataclasses.replace(odd.drop, low=value, high=value))},
        {"artifact_mb": value},
    ):
        results = (dataclasses.replace(first, **changes), *others)
        Picture(dataclasses.replace(made, profile=dataclasses.replace(made.profile, results=results)))


@pytest.mark.parametrize("way", ["x" * 300, "字" * 100, "🚀\u202e\x00"])
def test_any_name_can_be_drawn(way):
    drawn = Picture(optimized(candidates=((way, 1.0, {"score": accuracy()}), *CANDIDATES[:3])))
    assert "\n" not in drawn.words
    # Names stay off the numbers behind them.
    assert (drawn.pixels[:, 612:636] == 255).all()


def test_one_candidate_alone():
    assert Picture(few("litert", best="digits/litert", path=())).where("litert")[2] > 50
