"""The picture of a profile, read back pixel by pixel."""

from __future__ import annotations

import dataclasses
import io
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image, ImageColor
from profile_records import baseline, failed, interval, measurement, record, result, usual

from inferspeed_magic.panel import picture, profile_view
from inferspeed_magic.panel.charts import profile_charts
from inferspeed_magic.panel.picture import profile_picture, profile_picture_words
from inferspeed_magic.records import Block, Interval

NAN, INF = float("nan"), float("inf")
# Left of it are the bars, right of it the distributions.
MIDDLE = 620
RUNTIMES = ("keras.predict", "keras.call", "keras.compiled", "litert", "onnxruntime")


class Picture:
    """A picture that was drawn of results, and where its colours are."""

    def __init__(self, *results, **changes):
        self.view, charts = both(record(*results, **changes))
        self.png = profile_picture(self.view, charts)
        self.words = profile_picture_words(self.view, charts)
        image = Image.open(io.BytesIO(self.png))
        assert image.format == "PNG"
        self.pixels = np.asarray(image.convert("RGB"))

    def where(self, place, *, left):
        """Give rows and columns of the pixels in the colour of a candidate."""
        half = self.pixels[:, :MIDDLE] if left else self.pixels[:, MIDDLE:]
        return np.nonzero((half == ImageColor.getrgb(self.view.rows[place].identity.light)).all(axis=2))

    def bar(self, place):
        """Give the first and the last column of a candidate's bar; its marker is further left."""
        columns = self.where(place, left=True)[1]
        columns = columns[columns > 60]
        return (columns.min(), columns.max() + 1) if len(columns) else (0, 0)

    def bar_length(self, place):
        first, last = self.bar(place)
        return last - first

    def dark_in_bar(self, place):
        """Count the dark pixels of a whisker that lie inside a bar."""
        rows = self.where(place, left=True)[0]
        first, last = self.bar(place)
        inside = self.pixels[rows.min() : rows.max() + 1, first:last]
        return int((inside.astype(int).sum(axis=2) < 150).sum())


def both(made):
    return profile_view(made), profile_charts(made, {})


def candidates(models, batches=(1,)):
    """Results of models that are ever slower, on five runtimes."""
    return [
        result(f"{model}/{runtime}", p50, 60.0 / runs, batch_size=size)
        if runtime != "keras.predict"
        else baseline(f"{model}/{runtime}", p50, batch_size=size)
        for size in batches
        for slower, model in enumerate(models)
        for runtime, runs in zip(RUNTIMES, (60.0, 45.0, 2.2, 0.61, 0.42), strict=True)
        for p50 in [runs * (1 + slower) * size**0.7]
    ]


@pytest.mark.parametrize("count", [1, 2, 5, 20, 60])
def test_it_is_a_picture_of_a_notebook_s_width(count):
    drawn = Picture(*(result(f"deep/r{place}", 1.0 + place, 50.0 / (1 + place)) for place in range(count)))
    height, width, _ = drawn.pixels.shape
    assert width == 1000
    assert 250 < height < 1100
    # Something was drawn, on white.
    assert (drawn.pixels[0] == 255).all()
    assert (drawn.pixels < 255).any()


def test_more_rows_make_it_higher_but_not_without_end():
    heights = [len(Picture(*candidates("abcdefghijkl"[:models])).pixels) for models in (2, 4, 8, 9, 12)]
    assert heights == sorted(heights)
    assert heights[0] < heights[1] < heights[2] < heights[3] == heights[4]


def test_twenty_candidates_are_small_and_quick():
    made = both(record(*candidates(["cnn", "vit"], (1, 32)), baseline="keras.predict"))
    assert len(made[0].rows) == 20
    times = []
    for _ in range(4):
        begin = time.process_time()
        drawn = profile_picture(*made)
        times.append(time.process_time() - begin)
    assert 5_000 < len(drawn) <= 45_000
    assert min(times) < 0.3


def test_each_candidate_s_colour_is_in_both_halves():
    drawn = Picture(*usual().results)
    for place in range(len(drawn.view.rows)):
        assert len(drawn.where(place, left=True)[0]) > 60
        assert len(drawn.where(place, left=False)[0]) > 60


def test_bars_are_ordered_like_the_speedups():
    drawn = Picture(*usual().results)
    predict, call, compiled, litert, onnxruntime = (drawn.bar_length(place) for place in range(5))
    # On the logarithmic axis 1x has no length.
    assert predict == 0
    assert 50 < call < compiled < onnxruntime < litert
    # 13 to 135 is as far as 135 to 1,350.
    assert compiled - call == pytest.approx(call * np.log(135.4 / 13.05) / np.log(13.05), abs=3)


def test_bars_of_similar_candidates_begin_at_zero():
    drawn = Picture(baseline("deep/keras.predict", 3.0), result("deep/a", 2.0, 1.5), result("deep/b", 1.0, 3.0))
    lengths = [drawn.bar_length(place) for place in range(3)]
    assert lengths == pytest.approx([lengths[2] / 3, lengths[2] / 2, lengths[2]], abs=2)


def test_bars_of_slower_candidates_go_to_the_left():
    drawn = Picture(baseline("deep/keras.predict", 3.0), result("deep/a", 30.0, 0.1), result("deep/b", 0.1, 30.0))
    slower, faster = drawn.bar(1), drawn.bar(2)
    # Between them is the line at 1x.
    assert slower[1] == pytest.approx(faster[0], abs=3)
    assert slower[1] - slower[0] > 40


def test_without_a_baseline_bars_are_latencies():
    drawn = Picture(result("deep/a", 3.0), result("deep/b", 1.0), baseline=None)
    assert drawn.bar_length(0) == pytest.approx(3 * drawn.bar_length(1), abs=5)
    assert drawn.words == (
        "p50 in ms, lower is faster, and latency distributions at batch 1. deep/a p50 3.00 ms, deep/b p50 1.00 ms."
    )


def test_intervals_are_whiskers():
    def whisker(speedup):
        summary = {"speedup": speedup}
        return Picture(baseline(), result("deep/litert", 30.0, summary=summary)).dark_in_bar(1)

    assert whisker(interval(3.5, 0.3)) > 20
    assert whisker(Interval(3.5, NAN, NAN)) == 0


def test_a_very_uncertain_candidate_leaves_room_for_the_others():
    unsure = result("deep/a", 1.0, summary={"speedup": Interval(3.0, 0.001, 1e6)})
    drawn = Picture(baseline("deep/keras.predict", 3.0), result("deep/b", 1.5, 2.0), unsure)
    assert drawn.bar_length(1) > 60


def test_distributions_are_those_of_the_first_batch_size():
    drawn = Picture(
        *(
            result(f"deep/{name}", p50, 9.0, batch_size=size)
            for name, p50, size in [("a", 4.0, 8), ("b", 1.0, 8), ("c", 2.0, 1)]
        )
    )
    slow, fast, other = (drawn.where(place, left=False)[1] for place in range(3))
    assert np.median(fast) < np.median(slow)
    assert len(other) == 0
    assert len(drawn.where(2, left=True)[0]) > 60


def test_steps_rise_at_the_latencies():
    """Of the latencies 3 in 10 are at 0.99, 3 in 10 at 1.01 and 4 in 10 at 1: a stair with its middle at p50."""
    drawn = Picture(result("deep/a", 1.0))
    rows, columns = drawn.where(0, left=False)
    left, right = columns.min(), columns.max()
    heights = [rows[abs(columns - column) < 3].mean() for column in (left, right)]
    # Rows count from the top.
    assert heights[0] > heights[1]
    marker = rows[abs(columns - (left + right) / 2) < 3]
    assert marker.mean() == pytest.approx((rows.min() + rows.max()) / 2, abs=12)


@pytest.mark.parametrize(
    "name",
    [
        "x" * 300 + "/litert",
        "模型/运行",
        "🚀👩‍👩‍👧/größe",
        "\u202edeep/\x00\n\ud800",
        "deep/" + "字" * 300,
        "/",
        "e\u0301" * 300 + "/r",
    ],
)
def test_any_name_can_be_drawn(name):
    made = [baseline(name), result(f"{name}2", 1.0, 107.0), result("deep/litert", 2.0, 53.0)]
    drawn = Picture(*made, baseline=name)
    # Names leave room for the bars, and stay off the other half.
    assert drawn.bar_length(1) > drawn.bar_length(2) > 40
    gap = drawn.pixels[:, 612:632]
    assert (gap == 255).all()
    assert "\n" not in drawn.words


@pytest.mark.parametrize("value", [NAN, INF, -INF, 0.0, -1.0, 1e-300, 1e300])
def test_any_number_can_be_drawn(value):
    odd = Interval(value, value, value)
    for p50 in (Interval(1.0, value, value), Interval(abs(value) if np.isfinite(value) else 1.0, NAN, INF)):
        summary = {"speedup": odd, "p50_ms": p50}
        drawn = Picture(baseline(), result("deep/a", 1.0, summary=summary), result("deep/litert", 2.0, 53.0))
        assert len(drawn.where(2, left=True)[0]) > 60
        assert np.isfinite(value) or drawn.bar_length(1) == 0
        Picture(result("deep/a", 1.0, summary=summary | {"speedup": None}), result("deep/b", 2.0), baseline=None)


def test_latencies_that_are_missing_or_zero_are_left_out():
    nothing = Picture(baseline(), result("deep/a", 1.0, 107.0, measurement=None))
    assert len(nothing.where(1, left=False)[0]) == 0
    assert nothing.bar_length(1) > 60
    zeros = measurement(1.0, blocks=(Block(0, 0, 0.0, 10, (0,) * 10),))
    drawn = Picture(baseline(measurement=None), result("deep/a", 1.0, 107.0, measurement=zeros))
    assert len(drawn.where(1, left=False)[0]) == 0


@pytest.mark.parametrize("made", [record(), record(failed())])
def test_nothing_measured(made):
    assert profile_picture(*both(made)) == b""
    assert profile_picture_words(*both(made)) == ""


def test_words_say_the_numbers():
    assert profile_picture_words(*both(usual())) == (
        "Speed-up over deep/keras.predict, and latency distributions at batch 1. "
        "deep/keras.predict p50 107 ms (1.00x), deep/keras.call p50 8.20 ms (13.1x), "
        "deep/keras.compiled p50 0.790 ms (135x), deep/litert p50 0.0931 ms (1,150x), "
        "deep/onnxruntime p50 0.122 ms (877x)."
    )


def test_words_name_at_most_eight():
    words = Picture(*candidates(["cnn", "vit"], (1, 32)), baseline="keras.predict").words
    assert words.startswith("Speed-up over keras.predict, and latency distributions at batch 1. cnn/keras.predict p50 ")
    assert words.count(" p50 ") == 8
    assert words.endswith(", and 12 more.")


def test_words_leave_out_what_is_not_known():
    words = Picture(baseline(), result("deep/a", 1.0, 107.0), result("deep/a", 4.0, batch_size=8)).words
    assert words.endswith("deep/a p50 1.00 ms (107x), deep/a at batch 8 p50 4.00 ms.")


def test_words_tell_batch_sizes_apart():
    words = Picture(result("deep/a", 4.0, batch_size=8), result("deep/a", 1.0), baseline=None).words
    assert words.endswith("deep/a p50 4.00 ms, deep/a at batch 1 p50 1.00 ms.")


@pytest.mark.parametrize(
    ("name", "said"),
    [("deep/litert", "deep/litert"), ("litert", "litert"), ("deep", "deep"), ("gone", None)],
)
def test_the_baseline_is_named_as_it_was_asked_for(name, said):
    models = ("deep", "wide") if name == "litert" else ("deep",)
    names = [f"{model}/{runtime}" for model in models for runtime in ("litert", "keras.call")]
    speedup = None if said is None else 1.0
    words = Picture(*(result(one, 1.0, speedup) for one in names), baseline=name).words
    assert words.startswith(f"Speed-up over {said}," if said else "p50 in ms, lower is faster,")


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (picture._Axis(1, 100, log=True, begin=0, end=300), [1, 2, 5, 10, 20, 50, 100]),
        (picture._Axis(1, 1150, log=True, begin=0, end=260), [1, 10, 100, 1000]),
        (picture._Axis(0.5, 2e6, log=True, begin=0, end=130), [1, 1000, 1e6]),
        # Two ticks would not show that the scale is logarithmic.
        (picture._Axis(1.2, 4, log=True, begin=0, end=320), [1.5, 2, 2.5, 3, 3.5, 4]),
        (picture._Axis(0, 3.2, log=False, begin=0, end=200), [0, 1, 2, 3]),
        (picture._Axis(106.1, 107.2, log=False, begin=0, end=320), [106.2, 106.4, 106.6, 106.8, 107, 107.2]),
    ],
)
def test_ticks_are_round_numbers(axis, ticks):
    assert axis.ticks() == pytest.approx(ticks)


def test_text_has_contrast():
    def light(colour):
        parts = [part / 255 for part in ImageColor.getrgb(colour)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in (picture.INK, picture._FAINT):
        assert 1.05 / (light(colour) + 0.05) >= 4.5


def test_the_unstable_is_not_drawn_as_if_it_were_certain():
    """The note is the only difference between the two."""
    doubted = usual()
    trusted = [
        dataclasses.replace(one, summary=dataclasses.replace(one.summary, stable=True, warnings=()))
        for one in doubted.results
        if one.summary
    ]
    assert Picture(*doubted.results).png != Picture(*trusted).png


def test_pillow_is_imported_when_something_is_drawn():
    code = "import sys, inferspeed_magic.panel.picture; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
